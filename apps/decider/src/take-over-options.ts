import type { LogReader } from '#adapters';
import type { LedgerBirth, WireCodec } from '#domain';

export interface TakeOverOptions {
  readonly reader: LogReader;
  readonly birth: LedgerBirth;
  /** Public keys of the decider that are here, the oldest first: whose snapshots count. */
  readonly sealers: readonly Uint8Array[];
  readonly lane: number;
  readonly wire: WireCodec;
  readonly topicName: (name: string) => string;
  readonly signal: AbortSignal;
  /** After each 10,000 entries read. */
  readonly onProgress: (entries: number) => void;
}
