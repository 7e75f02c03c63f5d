/** Making proofs. `prove…` needs the leaves; the notary's tail proofs need only the old right edge and the new leaves. */
import { checkRange, type CompactRange, hashAt, parents, rangeRoot, rootOf } from './merkle.ts';

/** The leaf's sibling first, the root's child last (RFC 9162 §2.1.3.1), in the tree of the first `size` leaves. */
export function inclusionProof(leafHashes: readonly Uint8Array[], index: number, size = leafHashes.length): Uint8Array[] {
  if (size > leafHashes.length) throw new RangeError(`size ${size} is beyond ${leafHashes.length} leaves`);
  if (!Number.isInteger(index) || index < 0 || index >= size) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const proof: Uint8Array[] = [];
  let level: readonly Uint8Array[] = leafHashes.slice(0, size);
  for (let at = index; level.length > 1; at = Math.floor(at / 2), level = parents(level)) {
    const sibling = at % 2 === 0 ? at + 1 : at - 1;
    if (sibling < level.length) proof.push(hashAt(level, sibling));
  }
  return proof;
}

/** That the tree of `size2` begins with the tree of `size1` (RFC 9162 §2.1.4.1). Empty from size 0 and for equal sizes. */
export function consistencyProof(leafHashes: readonly Uint8Array[], size1: number, size2: number): Uint8Array[] {
  if (!Number.isInteger(size1) || size1 < 0 || size1 > size2 || size2 > leafHashes.length) {
    throw new RangeError(`sizes ${size1}, ${size2} do not fit ${leafHashes.length} leaves`);
  }
  return size1 === 0 || size1 === size2 ? [] : subproof(size1, leafHashes.slice(0, size2), true);
}

/** SUBPROOF of the RFC: `whole` while the old tree is a complete subtree whose root the verifier has. */
function subproof(size1: number, leaves: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (size1 === leaves.length) return whole ? [] : [rootOf(leaves)];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return size1 <= split ? [...subproof(size1, left, whole), rootOf(right)] : [...subproof(size1 - split, right, false), rootOf(left)];
}

/**
 * Appends leaves and proves each of them in the tree of size `range.size + newLeaves.length`.
 *
 * Every left sibling on a new leaf's path is a peak of the old range or covers new leaves only, so no older leaf is read. The nodes
 * are shared between proofs: about one hash per new leaf, plus one per level.
 */
export function tailInclusionProofs(
  range: CompactRange,
  newLeaves: readonly Uint8Array[],
): { range: CompactRange; root: Uint8Array; proofs: Uint8Array[][] } {
  checkRange(range);
  if (newLeaves.length === 0) return { range, root: rangeRoot(range), proofs: [] };
  const proofs: Uint8Array[][] = newLeaves.map(() => []);
  const peaks: Uint8Array[] = []; // smallest first
  let level = [...newLeaves];
  let old = range.size; // how many nodes of this level the old tree had whole
  let width = range.size + newLeaves.length; // how many nodes this level has now, the last perhaps not full
  let full = width; // how many of them are full
  let unread = range.hashes.length;
  for (let height = 0; ; height += 1) {
    // level[0] is node `first` of this level; an odd `old` leaves an old peak waiting for its right sibling.
    let first = old;
    if (old % 2 === 1) {
      level.unshift(hashAt(range.hashes, --unread));
      first -= 1;
    }
    if (full % 2 === 1) peaks.push(hashAt(level, full - 1 - first));
    if (width === 1) return { range: { size: range.size + newLeaves.length, hashes: peaks.reverse() }, root: hashAt(level, 0), proofs };
    pushSiblings(proofs, level, { first, width, leaf: range.size, span: 2 ** height });
    level = parents(level);
    old = Math.floor(old / 2);
    full = Math.floor(full / 2);
    width = Math.ceil(width / 2);
  }
}

/** Gives each new leaf the sibling of its ancestor on this level, if it has one. `span` is the leaves under a full node. */
function pushSiblings(
  proofs: Uint8Array[][],
  level: readonly Uint8Array[],
  at: { first: number; width: number; leaf: number; span: number },
): void {
  let node = Math.floor(at.leaf / at.span);
  let nextNodeLeaf = (node + 1) * at.span - at.leaf;
  for (const [offset, proof] of proofs.entries()) {
    if (offset === nextNodeLeaf) {
      node += 1;
      nextNodeLeaf += at.span;
    }
    const sibling = node % 2 === 0 ? node + 1 : node - 1;
    if (sibling < at.width) proof.push(hashAt(level, sibling - at.first));
  }
}
