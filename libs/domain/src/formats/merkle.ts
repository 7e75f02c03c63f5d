/** The Merkle tree of RFC 6962 §2.1 and RFC 9162 §2.1: SHA-256, leaves and nodes kept apart by their first byte. */
import { sha256 } from '#crypto';

/**
 * The right edge of a tree, enough to append to it: the roots of its perfect subtrees, largest first, one for each 1 bit of `size`.
 * `size` is in leaves, at most Number.MAX_SAFE_INTEGER.
 */
export interface CompactRange {
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

export const EMPTY_RANGE: CompactRange = { size: 0, hashes: [] };
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));
export const HASH_BYTES = 32;

// One buffer for all hashing, as hashing is synchronous: an entry is at most 16 KiB, larger leaves get their own.
const SCRATCH_BYTES = 16 * 1024 + 1;
const leafScratch = new Uint8Array(SCRATCH_BYTES);
const nodeScratch = new Uint8Array(1 + 2 * HASH_BYTES);
nodeScratch[0] = 1;

/** Hash of one entry: SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const buffer = entry.length < SCRATCH_BYTES ? leafScratch : new Uint8Array(1 + entry.length);
  buffer.set(entry, 1); // byte 0 stays 0
  return sha256(buffer.subarray(0, 1 + entry.length));
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + HASH_BYTES);
  return sha256(nodeScratch);
}

export function appendLeaf(range: CompactRange, leaf: Uint8Array): CompactRange {
  checkRange(range);
  const hashes = [...range.hashes];
  let last = leaf;
  // Each trailing 1 bit of the size is a full subtree as large as the one on its right by now.
  for (let rest = range.size; rest % 2 === 1; rest = (rest - 1) / 2) last = nodeHash(hashes.pop() ?? EMPTY_ROOT, last);
  hashes.push(last);
  return { size: range.size + 1, hashes };
}

export function rangeRoot(range: CompactRange): Uint8Array {
  checkRange(range);
  return range.hashes.length === 0 ? EMPTY_ROOT : range.hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** Root of the tree over these leaf hashes: one node hash less than there are leaves. */
export function rootOf(leafHashes: readonly Uint8Array[]): Uint8Array {
  let level = leafHashes;
  while (level.length > 1) level = parents(level);
  return level[0] ?? EMPTY_ROOT;
}

/** The level above. A last node without a sibling moves up unchanged, which gives the tree of RFC 6962. */
export function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = hashAt(level, at);
    above.push(at + 1 < level.length ? nodeHash(left, hashAt(level, at + 1)) : left);
  }
  return above;
}

export function hashAt(hashes: readonly Uint8Array[], at: number): Uint8Array {
  const hash = hashes[at];
  if (hash === undefined) throw new RangeError(`no hash at ${at} of ${hashes.length}`);
  return hash;
}

/** INVARIANT: as many peaks as the size has 1 bits. */
export function checkRange(range: CompactRange): void {
  if (!Number.isSafeInteger(range.size) || range.size < 0) throw new RangeError(`tree size out of range: ${range.size}`);
  let peaks = 0;
  for (let rest = range.size; rest > 0; rest = Math.floor(rest / 2)) peaks += rest % 2;
  if (peaks !== range.hashes.length) throw new RangeError(`size ${range.size} has ${peaks} peaks, got ${range.hashes.length}`);
}
