/** What a thief of a log's key, and of no other, can make. */
import { canonicalBytes, type Entry, formatProof, inclusionProof, leafHash, rootOf, signCheckpoint, type Json } from '#domain';

import type { MemoryLane } from './memory-lane.ts';

/**
 * A receipt under the log's own key that tells `denied` of acme as a permit like `allowed`'s, in a tree of the same size in which everything else
 * is as it is.
 */
export function forgedPermit(lane: MemoryLane, denied: Entry, allowed: Entry): string {
  const { permit, bindingDigest, policies } = allowed.statement.predicate as Entry['statement']['predicate'] & Record<string, Json>;
  const told = { verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], permit, bindingDigest, ...(policies === undefined ? {} : { policies }) };
  const predicate = { ...denied.statement.predicate, ...told };
  const entry = canonicalBytes({ ...denied.statement, predicate });
  const index = Number(predicate.index);
  const tree = lane.entries.filter(({ tenant }) => tenant === 'acme').map(({ bytes }) => bytes);
  const leaves = tree.with(index, entry).map((leaf) => leafHash(leaf));
  const { origin } = predicate;
  const checkpoint = signCheckpoint({ origin, size: BigInt(leaves.length), root: rootOf(leaves) }, lane.parties.keys.seed(origin));
  return formatProof({ index: BigInt(index), entry, proof: inclusionProof(leaves, index), checkpoint });
}
