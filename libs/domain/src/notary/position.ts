/** How far the notary of a lane has attested, signed, so that a record on a topic that others can write is believed only if it is ours. */
import { ed25519Sign, ed25519Verify, sha256 } from '#crypto';

import { concat, hex, u32be, u64be, utf8 } from '../formats/bytes.ts';
import { type CompactRange, rangeRoot } from '../formats/merkle.ts';
import { allTrees, type ClosedTree, type LaneHeads, type TreeHead } from '../ledger/heads.ts';

/** A note never holds a NUL, so no checkpoint can be taken for a position, nor the other way round. */
const CONTEXT = utf8('countersign/notary-position/v1\0');

export interface NotaryPosition {
  readonly lane: number;
  /** laneSeq of the first record that is not attested yet. */
  readonly nextSeq: number;
  /** Where to read on, on `ledger` and on `input-keys`. */
  readonly ledgerOffset: number;
  readonly inputKeysOffset: number;
  /** The decider's key that seals the next batch; null: the birth's. */
  readonly sealer: Uint8Array | null;
}

/**
 * Signed bytes: context ‖ u32 lane ‖ u64 nextSeq ‖ u64 ledgerOffset ‖ u64 inputKeysOffset ‖ SHA-256 over the heads of all trees, so that
 * an old head beside a new position is noticed ‖ the decider's key, once it is another than the birth's.
 */
function positionBytes(position: NotaryPosition, heads: LaneHeads): Uint8Array {
  const { lane, nextSeq, ledgerOffset, inputKeysOffset, sealer } = position;
  const offsets = [u64be(nextSeq), u64be(ledgerOffset), u64be(inputKeysOffset)];
  return concat(CONTEXT, u32be(lane), ...offsets, headsDigest(heads), sealer ?? new Uint8Array());
}

/** `seed` is that of the lane's system log. */
export const signPosition = (position: NotaryPosition, heads: LaneHeads, seed: Uint8Array): Uint8Array =>
  ed25519Sign(seed, positionBytes(position, heads));

/** Also that the heads are those of the position: every record is a leaf of one tree, so the sizes add up to `nextSeq`. */
export function positionVerifies(position: NotaryPosition, heads: LaneHeads, signature: Uint8Array, publicKey: Uint8Array): boolean {
  let leaves = 0;
  for (const { range } of allTrees(heads)) leaves += range.size;
  const fits = leaves === position.nextSeq && heads.nextSeq === position.nextSeq && heads.lane === position.lane;
  return fits && ed25519Verify(publicKey, positionBytes(position, heads), signature);
}

/** A tree whose range is the same object has the same digest: a batch touches few of up to 2,000 trees. */
const known = new WeakMap<CompactRange | ClosedTree, Uint8Array>();

function headsDigest(heads: LaneHeads): Uint8Array {
  const sorted = allTrees(heads)
    .filter(({ range }) => range.size > 0)
    .sort((a, b) => (a.origin < b.origin ? -1 : 1));
  return sha256(concat(...sorted.map(headDigest)));
}

function headDigest(head: TreeHead | ClosedTree): Uint8Array {
  const { tenant, origin, range, previous } = head;
  const name = 'successor' in head ? head : range; // a live head changes in place, its range never
  let digest = known.get(name);
  if (digest === undefined) {
    const closed = 'successor' in head ? `closed ${head.successor}\n` : '';
    digest = sha256(utf8(`${tenant}\n${origin}\n${range.size}\n${hex(rangeRoot(range))}\n${previous}\n${closed}`));
    known.set(name, digest);
  }
  return digest;
}
