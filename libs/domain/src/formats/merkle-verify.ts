/** Verifying proofs from outside, step by step as RFC 9162 words it; every field is checked before use. */
import { equalBytes } from './bytes.ts';
import { FormatError } from './errors.ts';
import type { KnownNodes } from './known-nodes.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './merkle.ts';

export class ProofError extends FormatError<'RANGE' | 'HASH_LENGTH' | 'PROOF_LENGTH' | 'ROOT_MISMATCH'> {}

const SIZE_MAX = 2n ** 64n - 1n;
const PROOF_HASHES_MAX = 65; // a path through a tree of 2^64 leaves, and the root a consistency proof may start with

interface InclusionClaim {
  index: bigint;
  size: bigint;
  leafHash: Uint8Array;
  root: Uint8Array;
  proof: readonly Uint8Array[];
}

/**
 * RFC 9162 §2.1.3.2. Throws ProofError unless `leafHash` is leaf `index` of the tree of `size` leaves under `root`. `known` saves time with
 * many proofs in one tree, and changes nothing else.
 */
export function verifyInclusion(claim: InclusionClaim, known?: KnownNodes): void {
  const { index, size, proof } = claim;
  if (size > SIZE_MAX || index < 0n || index >= size) throw new ProofError('RANGE', `leaf ${index} is not in a tree of ${size}`);
  checkHashes(proof, claim.leafHash, claim.root);
  let fn = index;
  let sn = size - 1n;
  let r = claim.leafHash;
  let below = proof.length; // from the root, as there the paths are the same
  for (const p of proof) {
    below -= 1;
    if (sn === 0n) throw new ProofError('PROOF_LENGTH', 'inclusion proof is too long');
    if ((fn & 1n) === 1n || fn === sn) {
      r = known ? known.hash(below, p, r) : nodeHash(p, r);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else r = known ? known.hash(below, r, p) : nodeHash(r, p);
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw new ProofError('PROOF_LENGTH', 'inclusion proof is too short');
  if (!equalBytes(r, claim.root)) throw new ProofError('ROOT_MISMATCH', 'inclusion proof leads to another root');
}

/** RFC 9162 §2.1.4.2. Throws ProofError unless the second tree begins with the first. Size 0 and equal sizes take an empty proof only. */
export function verifyConsistency(claim: {
  size1: bigint;
  size2: bigint;
  root1: Uint8Array;
  root2: Uint8Array;
  proof: readonly Uint8Array[];
}): void {
  const { size1, size2, root1, root2, proof } = claim;
  if (size1 < 0n || size1 > size2 || size2 > SIZE_MAX) throw new ProofError('RANGE', `size ${size2} does not extend size ${size1}`);
  if (size1 === size2) {
    // The same tree, so there is nothing to prove.
    if (!equalBytes(root1, root2)) throw new ProofError('ROOT_MISMATCH', `two roots of size ${size1}`);
    checkRootOf(size1, root1);
    checkEmpty(proof);
    return;
  }
  checkHashes(proof, root1, root2);
  checkRootOf(size1, root1);
  if (size1 === 0n) {
    checkEmpty(proof);
    return;
  }
  climb(claim);
}

/** The tree without leaves has one root, SHA-256 of nothing (RFC 6962 §2.1): any other root of size 0 is a lie. */
export function checkRootOf(size: bigint, root: Uint8Array): void {
  if (size === 0n && !equalBytes(root, EMPTY_ROOT)) throw new ProofError('ROOT_MISMATCH', 'root of size 0 is not the empty root');
}

function checkEmpty(proof: readonly Uint8Array[]): void {
  if (proof.length > 0) throw new ProofError('PROOF_LENGTH', 'consistency proof must be empty');
}

/** Both roots from one path: `fr` meets only what the old tree had. */
function climb({ size1, size2, root1, root2, proof }: Parameters<typeof verifyConsistency>[0]): void {
  const isPowerOfTwo = (size1 & (size1 - 1n)) === 0n;
  const [start, ...path] = isPowerOfTwo ? [root1, ...proof] : proof;
  if (proof.length === 0 || start === undefined) throw new ProofError('PROOF_LENGTH', 'consistency proof is empty');
  let fn = size1 - 1n;
  let sn = size2 - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let fr = start;
  let sr = start;
  for (const c of path) {
    if (sn === 0n) throw new ProofError('PROOF_LENGTH', 'consistency proof is too long');
    if ((fn & 1n) === 1n || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else sr = nodeHash(sr, c);
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw new ProofError('PROOF_LENGTH', 'consistency proof is too short');
  if (!equalBytes(fr, root1)) throw new ProofError('ROOT_MISMATCH', 'consistency proof leads to another first root');
  if (!equalBytes(sr, root2)) throw new ProofError('ROOT_MISMATCH', 'consistency proof leads to another second root');
}

function checkHashes(proof: readonly Uint8Array[], ...others: Uint8Array[]): void {
  if (proof.length > PROOF_HASHES_MAX) throw new ProofError('PROOF_LENGTH', `a proof has at most ${PROOF_HASHES_MAX} hashes`);
  for (const hash of [...others, ...proof]) {
    if (hash.length !== HASH_BYTES) throw new ProofError('HASH_LENGTH', `a hash has ${HASH_BYTES} bytes, got ${hash.length}`);
  }
}
