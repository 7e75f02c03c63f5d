/** What a thief of a log's key, and of no other, can make. */
import { canonicalBytes, formatProof, inclusionProof, type Json, leafHash, rootOf, signCheckpoint, type Statement } from '#domain';

export interface Forging {
  /** Every entry of the log, in order. */
  readonly tree: readonly Uint8Array[];
  /** Two of them: a decision that allows, and the one that is told as another like it. */
  readonly allowed: Statement;
  readonly denied: Statement;
  /** Of the log's key. */
  readonly seed: Uint8Array;
}

/** A receipt under the log's own key that tells `denied` as a permit, in a tree of the same size in which everything else is as it is. */
export function forgedPermit({ tree, allowed, denied, seed }: Forging): string {
  const { permit, bindingDigest, policies } = allowed.predicate as Statement['predicate'] & Record<string, Json>;
  const told = { verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], permit, bindingDigest, ...(policies === undefined ? {} : { policies }) };
  const { origin, index } = denied.predicate;
  const entry = canonicalBytes({ ...denied, predicate: { ...denied.predicate, ...told } });
  const leaves = tree.with(Number(index), entry).map((leaf) => leafHash(leaf));
  const checkpoint = signCheckpoint({ origin, size: BigInt(leaves.length), root: rootOf(leaves) }, seed);
  return formatProof({ index: BigInt(index), entry, proof: inclusionProof(leaves, Number(index)), checkpoint });
}
