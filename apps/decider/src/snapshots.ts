import { codecs, type KafkaRecord, type LogReader, type OutgoingRecord, type SnapshotManifest, readToEnd } from '#adapters';
import { ed25519Sign, ed25519Verify, sha256 } from '#crypto';
import { concat, decodeState, encodeState, equalBytes, STATE_VERSION, utf8, type LaneState } from '#domain';

import type { TakeOverOptions } from './take-over-options.ts';

/** Two slots in turn: a snapshot that was cut off leaves the other whole. */
const SLOTS = 2;
const CHUNK_BYTES = 512 * 1024;
const CONTEXT = utf8('countersign/snapshot/v1\0');

export interface LoadedSnapshot {
  readonly state: LaneState;
  readonly seq: number;
  /** Offset after the record it names. */
  readonly ledgerNext: bigint;
  readonly inputKeysOffset: bigint;
}

export interface Snapshots {
  /** The newest that proves itself. */
  readonly newest: LoadedSnapshot | undefined;
  /** Keys of all chunks on the topic, whatever they are worth. */
  readonly chunkKeys: Set<string>;
}

/**
 * Records that keep `state` as of the ledger record at `at`: chunks first, the signed manifest last; tombstones for those of `chunkKeys` that a
 * larger snapshot left in this slot, or they would be kept for ever.
 */
export function snapshotRecords(
  state: LaneState,
  at: { readonly ledgerOffset: bigint; readonly inputKeysOffset: bigint; readonly lastRecord: Uint8Array; readonly round: number },
  deciderSeed: Uint8Array,
  topic: string,
  chunkKeys: ReadonlySet<string> = new Set(),
): OutgoingRecord[] {
  const { lane, nextSeq } = state.heads;
  const bytes = encodeState(state);
  const slot = at.round % SLOTS;
  const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
  const unsigned = {
    ...{ lane, laneSeq: nextSeq, ledgerOffset: Number(at.ledgerOffset), inputKeysOffset: Number(at.inputKeysOffset) },
    ...{ recordHash: sha256(at.lastRecord), chunks, sha256: sha256(bytes), stateVersion: STATE_VERSION, slot },
  };
  const manifest: SnapshotManifest = { ...unsigned, signature: ed25519Sign(deciderSeed, signedBytes(unsigned)) };
  const record = (key: string, value: Buffer | null): OutgoingRecord => ({ topic, partition: lane, key: Buffer.from(key), value });
  const parts = Array.from({ length: chunks }, (_, chunk) => {
    const part = bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
    return record(`chunk.${slot}.${chunk}`, codecs.snapshotChunk.encode({ lane, slot, chunk, bytes: part }));
  });
  const isLeft = (key: string): boolean => key.startsWith(`chunk.${slot}.`) && !parts.some((part) => part.key?.toString() === key);
  const left = [...chunkKeys].filter(isLeft).map((key) => record(key, null));
  return [...parts, ...left, record(`manifest.${slot}`, codecs.snapshotManifest.encode(manifest))];
}

export async function readSnapshots(options: TakeOverOptions): Promise<Snapshots> {
  const { reader, lane, topicName, signal } = options;
  const manifests = new Map<number, SnapshotManifest>();
  const chunks = new Map<string, Uint8Array>();
  await readToEnd(
    reader,
    { topic: topicName('decider-state'), partition: lane },
    (record) => {
      collect(record, manifests, chunks);
    },
    signal,
  );
  const newest = await newestOf(options, manifests, chunks);
  return { newest, chunkKeys: new Set([...chunks.keys()].map((place) => `chunk.${place}`)) };
}

/** The newest snapshot whose signature, digest, version and ledger record all hold; anything less is ignored. */
async function newestOf(
  { reader, lane, topicName, signal, birth }: TakeOverOptions,
  manifests: ReadonlyMap<number, SnapshotManifest>,
  chunks: ReadonlyMap<string, Uint8Array>,
): Promise<LoadedSnapshot | undefined> {
  const newestFirst = [...manifests.values()].sort((a, b) => b.laneSeq - a.laneSeq);
  for (const manifest of newestFirst) {
    // The signature first: whoever can write here could claim any number of chunks.
    const isSigned = birth.deciderKeys.some(({ publicKey }) => ed25519Verify(publicKey, signedBytes(manifest), manifest.signature));
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
    };
  }
  return undefined;
}

function collect(record: KafkaRecord, manifests: Map<number, SnapshotManifest>, chunks: Map<string, Uint8Array>): void {
  const name = record.key?.toString() ?? '';
  if (record.value === null) {
    chunks.delete(name.replace('chunk.', ''));
    return;
  }
  try {
    if (name.startsWith('manifest.')) {
      const manifest = codecs.snapshotManifest.decode(record.value);
      manifests.set(manifest.slot, manifest);
    } else {
      const { slot, chunk, bytes } = codecs.snapshotChunk.decode(record.value);
      chunks.set(`${slot}.${chunk}`, bytes);
    }
  } catch {
    // Not a snapshot of ours: only a signed manifest counts.
  }
}

function assembled({ slot, chunks: count }: SnapshotManifest, chunks: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined {
  const parts = Array.from({ length: count }, (_, chunk) => chunks.get(`${slot}.${chunk}`));
  return parts.every((part) => part !== undefined) ? concat(...parts) : undefined;
}

/** The ledger still holds, at that offset, the very record the snapshot was taken after. */
async function namesLedgerRecord(reader: LogReader, topic: string, manifest: SnapshotManifest, signal: AbortSignal): Promise<boolean> {
  const offset = BigInt(manifest.ledgerOffset);
  const [fetched] = await reader.fetch([{ topic, partition: manifest.lane, offset }], { signal });
  const record = fetched?.records.find((each) => each.offset === offset);
  return record?.value !== undefined && record.value !== null && equalBytes(sha256(record.value), manifest.recordHash);
}

const signedBytes = (manifest: Omit<SnapshotManifest, 'signature'>): Uint8Array => {
  const { lane, laneSeq, ledgerOffset, inputKeysOffset, recordHash, chunks, sha256: digest, stateVersion, slot } = manifest;
  const numbers = utf8([lane, laneSeq, ledgerOffset, inputKeysOffset, chunks, stateVersion, slot].join(' '));
  return concat(CONTEXT, numbers, utf8('\0'), recordHash, digest);
};

/** undefined for a state that this version cannot read, though it was signed: the other slot or genesis will do. */
function readable(bytes: Uint8Array, birth: TakeOverOptions['birth'], lane: number): LaneState | undefined {
  try {
    return decodeState(bytes, birth, lane);
  } catch {
    return undefined;
  }
}
