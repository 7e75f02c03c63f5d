import { codecs, type OutgoingRecord, type SnapshotManifest } from '#adapters';
import { ed25519Sign, sha256 } from '#crypto';
import { concat, STATE_VERSION, utf8 } from '#domain';

/** So much of a snapshot goes into one record, and so with one transaction: a few ms of it, however many ids a lane knows. */
export const CHUNK_BYTES = 256 * 1024;
const CONTEXT = utf8('countersign/snapshot/v1\0');

/** A lane's state as bytes, as of a committed ledger record. */
export interface EncodedSnapshot {
  readonly lane: number;
  readonly laneSeq: number;
  readonly bytes: Uint8Array;
  readonly ledgerOffset: bigint;
  readonly inputKeysOffset: bigint;
  /** Wire bytes of that ledger record. */
  readonly lastRecord: Uint8Array;
  /** Seed of the decider's key that the state admits. */
  readonly deciderSeed: Uint8Array;
}

/** Chunks first, the signed manifest last: without it they are worth nothing. */
export function snapshotRecords(
  { lane, laneSeq, bytes, ledgerOffset, inputKeysOffset, lastRecord, deciderSeed }: EncodedSnapshot,
  slot: number,
  topic: string,
  chunkBytes: number,
): OutgoingRecord[] {
  const chunks = Math.ceil(bytes.length / chunkBytes);
  const unsigned = {
    ...{ lane, laneSeq, ledgerOffset: Number(ledgerOffset), inputKeysOffset: Number(inputKeysOffset) },
    ...{ recordHash: sha256(lastRecord), chunks, sha256: sha256(bytes), stateVersion: STATE_VERSION, slot },
  };
  const manifest: SnapshotManifest = { ...unsigned, signature: ed25519Sign(deciderSeed, signedBytes(unsigned)) };
  const record = (key: string, value: Buffer): OutgoingRecord => ({ topic, partition: lane, key: Buffer.from(key), value });
  const parts = Array.from({ length: chunks }, (_, chunk) => {
    const part = bytes.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes);
    return record(`chunk.${slot}.${chunk}`, codecs.snapshotChunk.encode({ lane, slot, chunk, bytes: part }));
  });
  return [...parts, record(`manifest.${slot}`, codecs.snapshotManifest.encode(manifest))];
}

export function signedBytes(manifest: Omit<SnapshotManifest, 'signature'>): Uint8Array {
  const { lane, laneSeq, ledgerOffset, inputKeysOffset, recordHash, chunks, sha256: digest, stateVersion, slot } = manifest;
  const numbers = utf8([lane, laneSeq, ledgerOffset, inputKeysOffset, chunks, stateVersion, slot].join(' '));
  return concat(CONTEXT, numbers, utf8('\0'), recordHash, digest);
}
