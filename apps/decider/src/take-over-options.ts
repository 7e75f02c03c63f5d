import type { LogReader } from '#adapters';
import type { LedgerBirth, WireCodec } from '#domain';

export interface TakeOverOptions {
  readonly reader: LogReader;
  readonly birth: LedgerBirth;
  readonly lane: number;
  readonly wire: WireCodec;
  readonly topicName: (name: string) => string;
  readonly signal: AbortSignal;
  /** After each 10,000 entries read. */
  readonly onProgress: (entries: number) => void;
}
