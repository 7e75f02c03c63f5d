import { ed25519Sign, ed25519Verify, sha256 } from '#crypto';

import { concat, u32be, u64be, utf8 } from '../formats/bytes.ts';

const CONTEXT = utf8('countersign/seal/v1\0');

export interface SealedRange {
  readonly lane: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** SHA-256 of each record's wire bytes, encoded with `batchSeal` null, in order. */
  readonly recordHashes: readonly Uint8Array[];
}

/** Bytes the decider signs for one batch: context ‖ u32 lane ‖ u64 first ‖ u64 last ‖ SHA-256(record hashes). */
export const sealedBytes = ({ lane, firstSeq, lastSeq, recordHashes }: SealedRange): Uint8Array =>
  concat(CONTEXT, u32be(lane), u64be(firstSeq), u64be(lastSeq), sha256(concat(...recordHashes)));

export const sealBatch = (range: SealedRange, deciderSeed: Uint8Array): Uint8Array => ed25519Sign(deciderSeed, sealedBytes(range));

export const sealVerifies = (range: SealedRange, seal: Uint8Array, deciderKeys: readonly Uint8Array[]): boolean => {
  const bytes = sealedBytes(range);
  return deciderKeys.some((key) => ed25519Verify(key, bytes, seal));
};
