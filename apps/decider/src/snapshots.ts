import { CLOCK_KEY, codecs, type KafkaRecord, type LogReader, type SnapshotManifest, readToEnd, Voids } from '#adapters';
import { ed25519Verify, sha256 } from '#crypto';
import { base64, concat, decodeState, equalBytes, kindOf, STATE_VERSION, type LaneState, type VoidRange } from '#domain';

import { signedBytes } from './snapshot-records.ts';
import type { TakeOverOptions } from './take-over-options.ts';

export interface LoadedSnapshot {
  readonly state: LaneState;
  readonly seq: number;
  /** Offset after the record it names. */
  readonly ledgerNext: bigint;
  readonly inputKeysOffset: bigint;
  readonly slot: number;
}

export interface Snapshots {
  /** The newest that proves itself. */
  readonly newest: LoadedSnapshot | undefined;
  /** Keys of everything on the topic but the lane's clock, whatever it is worth. */
  readonly keys: ReadonlySet<string>;
}

/** `voids`: a state that was taken inside one is of a history that does not count. */
export async function readSnapshots(options: TakeOverOptions, voids: readonly VoidRange[] = []): Promise<Snapshots> {
  const { reader, lane, topicName, signal } = options;
  const manifests = new Map<string, SnapshotManifest>();
  const chunks = new Map<string, Uint8Array>();
  const keys = new Set<string>();
  await readToEnd(
    reader,
    { topic: topicName('decider-state'), partition: lane },
    (record) => {
      const key = record.key?.toString() ?? '';
      if (key === CLOCK_KEY) return; // no snapshot's: nothing of a decision is in it
      if (record.value === null) keys.delete(key);
      else keys.add(key);
      collect(key, record, manifests, chunks);
    },
    signal,
  );
  const voided = new Voids(voids);
  const newest = await newestOf(
    options,
    await trustedSigners(options),
    [...manifests.values()].filter(({ ledgerOffset }) => !voided.at(BigInt(ledgerOffset))),
    chunks,
  );
  return { newest, keys };
}

/**
 * Keys whose snapshots count: those that are here. A state that a retired key signed may be a thief's, and says itself which key counts; so once
 * the lane's controls hold a rotation to the newest of them, whatever became of it, only that one is believed.
 */
async function trustedSigners({ reader, lane, topicName, signal, wire, sealers }: TakeOverOptions): Promise<readonly Uint8Array[]> {
  const newest = sealers.at(-1);
  if (!newest || sealers.length === 1) return sealers;
  const named = base64(newest);
  const seen = { isRotated: false };
  await readToEnd(
    reader,
    { topic: topicName('controls'), partition: lane },
    ({ value }) => {
      const envelope = value ? wire.decodeEnvelope(value) : undefined;
      if (envelope && kindOf(envelope.payloadType) === 'key.rotated') seen.isRotated ||= Buffer.from(envelope.payload).includes(named);
    },
    signal,
  );
  return seen.isRotated ? [newest] : sealers;
}

/** The newest snapshot whose signature, digest, version and ledger record all hold; anything less is ignored. */
async function newestOf(
  { reader, lane, topicName, signal, birth }: TakeOverOptions,
  signers: readonly Uint8Array[],
  manifests: readonly SnapshotManifest[],
  chunks: ReadonlyMap<string, Uint8Array>,
): Promise<LoadedSnapshot | undefined> {
  const newestFirst = manifests.toSorted((a, b) => b.laneSeq - a.laneSeq);
  for (const manifest of newestFirst) {
    // The signature first: whoever can write here could claim any number of chunks.
    const isSigned = signers.some((publicKey) => ed25519Verify(publicKey, signedBytes(manifest), manifest.signature));
    if (!isSigned || manifest.lane !== lane || manifest.stateVersion !== STATE_VERSION) continue;
    const bytes = assembled(manifest, chunks);
    if (bytes === undefined || !equalBytes(sha256(bytes), manifest.sha256)) continue;
    if (!(await namesLedgerRecord(reader, topicName('ledger'), manifest, signal))) continue;
    const state = readable(bytes, birth, lane);
    if (!state) continue;
    return {
      state,
      seq: manifest.laneSeq,
      ledgerNext: BigInt(manifest.ledgerOffset) + 1n,
      inputKeysOffset: BigInt(manifest.inputKeysOffset),
      slot: manifest.slot,
    };
  }
  return undefined;
}

/** By key, as compaction keeps them. */
function collect(key: string, { value }: KafkaRecord, manifests: Map<string, SnapshotManifest>, chunks: Map<string, Uint8Array>): void {
  manifests.delete(key);
  chunks.delete(key);
  if (value === null) return;
  try {
    if (key.startsWith('manifest.')) manifests.set(key, codecs.snapshotManifest.decode(value));
    else chunks.set(key, codecs.snapshotChunk.decode(value).bytes);
  } catch {
    // Not a snapshot of ours: only a signed manifest counts.
  }
}

function assembled({ slot, chunks: count }: SnapshotManifest, chunks: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined {
  const parts = Array.from({ length: count }, (_, chunk) => chunks.get(`chunk.${slot}.${chunk}`));
  return parts.every((part) => part !== undefined) ? concat(...parts) : undefined;
}

/** The ledger still holds, at that offset, the very record the snapshot was taken after. */
async function namesLedgerRecord(reader: LogReader, topic: string, manifest: SnapshotManifest, signal: AbortSignal): Promise<boolean> {
  const offset = BigInt(manifest.ledgerOffset);
  const [fetched] = await reader.fetch([{ topic, partition: manifest.lane, offset }], { signal });
  const record = fetched?.records.find((each) => each.offset === offset);
  return record?.value !== undefined && record.value !== null && equalBytes(sha256(record.value), manifest.recordHash);
}

/** undefined for a state that this version cannot read, though it was signed: the other slot or genesis will do. */
function readable(bytes: Uint8Array, birth: TakeOverOptions['birth'], lane: number): LaneState | undefined {
  try {
    return decodeState(bytes, birth, lane);
  } catch {
    return undefined;
  }
}
