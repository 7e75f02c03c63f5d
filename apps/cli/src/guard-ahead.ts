/** Whether the ledger leads to everything that a notary's guard knows to be signed: the guard is asked where it lies beside the command. */
import type { Guard } from '#adapters';
import { allTrees, hex, type LaneHeads, rangeRoot } from '#domain';

/** For people; undefined: it does. `heads` must have been read after the guard. */
export function guardFault(guarded: Guard['heads'], heads: LaneHeads): string | undefined {
  const trees = new Map(allTrees(heads).map((tree) => [tree.origin, tree]));
  const recover = `countersign recover --lane ${heads.lane}`;
  for (const [origin, { size, root }] of guarded) {
    if (heads.closed.has(origin)) continue; // what was signed beyond its end counts for nothing
    const range = trees.get(origin)?.range;
    const end = range?.size ?? 0;
    if (end < size)
      return `${origin}: signed at size ${size}, the ledger ends at ${end}: stop the decider, then ${recover}, docs/runbooks/tail-lost.md`;
    if (range && end === size && hex(rangeRoot(range)) !== root)
      return `FORKED: ${origin}: size ${size} was signed with another root: ${recover}, docs/runbooks/forked.md`;
  }
  return undefined;
}
