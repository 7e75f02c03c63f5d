import { describe, expect, test } from 'vitest';

import { u32be } from './bytes.ts';
import { KnownNodes } from './known-nodes.ts';
import { inclusionProof } from './merkle-prove.ts';
import { ProofError, verifyInclusion } from './merkle-verify.ts';
import { leafHash, nodeHash, rootOf } from './merkle.ts';

const leaves = Array.from({ length: 40 }, (_, index) => leafHash(u32be(index)));
const claimOf = (index: number, size: number) => ({
  index: BigInt(index),
  size: BigInt(size),
  leafHash: leaves[index] ?? new Uint8Array(),
  root: rootOf(leaves.slice(0, size)),
  proof: inclusionProof(leaves, index, size),
});
type Claim = ReturnType<typeof claimOf>;
const flip = (bytes: Uint8Array, bit: number): Uint8Array => bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

function codeOf(claim: Claim, known?: KnownNodes): string | undefined {
  try {
    verifyInclusion(claim, known);
    return undefined;
  } catch (error) {
    if (error instanceof ProofError) return error.code;
    throw error;
  }
}

/** Each in another way wrong. */
const wrongs = (claim: Claim, bit: number): Claim[] => [
  { ...claim, leafHash: flip(claim.leafHash, bit) },
  { ...claim, root: flip(claim.root, bit) },
  { ...claim, index: claim.index ^ 1n },
  { ...claim, index: claim.index + 1n },
  { ...claim, size: claim.size + 1n },
  { ...claim, size: claim.size - 1n },
  { ...claim, proof: claim.proof.slice(1) },
  { ...claim, proof: claim.proof.slice(0, -1) },
  { ...claim, proof: [...claim.proof, claim.root] },
  { ...claim, proof: [...claim.proof].reverse() },
  ...claim.proof.map((_, at) => ({ ...claim, proof: claim.proof.map((hash, k) => (k === at ? flip(hash, bit) : hash)) })),
];

describe('known nodes', () => {
  test('never change what is accepted, nor why it is refused', () => {
    const known = new KnownNodes();
    for (const size of [1, 2, 3, 7, 8, 21, 40]) {
      for (let index = 0; index < size; index++) {
        const claim = claimOf(index, size);
        for (const wrong of wrongs(claim, (index * 31 + size) % 256)) {
          expect(codeOf(claim, known)).toBeUndefined();
          expect(codeOf(wrong, known)).toBe(codeOf(wrong));
        }
        expect(codeOf(claim, known)).toBeUndefined();
      }
    }
  });

  test('are hashes of what their children were, whatever becomes of those', () => {
    const known = new KnownNodes();
    const [left, right] = [Uint8Array.from(leaves[0] ?? []), Uint8Array.from(leaves[1] ?? [])];
    const hash = nodeHash(left, right);
    expect(known.hash(0, left, right)).toEqual(hash);
    left[0] = (left[0] ?? 0) ^ 1;
    expect(known.hash(0, left, right)).toEqual(nodeHash(left, right));
    right[31] = (right[31] ?? 0) ^ 1;
    expect(known.hash(0, left, right)).toEqual(nodeHash(left, right));
    expect(known.hash(0, right, left)).toEqual(nodeHash(right, left));
    expect(known.hash(1, right, left)).toEqual(nodeHash(right, left));
  });
});
