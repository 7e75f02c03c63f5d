import { ToldEffects } from './told-effects.ts';
import type { ToldEntry } from './told-entry.ts';
import { ToldFreezes } from './told-freezes.ts';
import { ToldPermits } from './told-permits.ts';

/**
 * What must hold of permits, votes, claims and freezes until `time`, told from the entries alone and by rules of its own: the checker decides
 * everything again with the same `decide`, and so would agree with whatever that gets wrong. What is wrong, in words.
 */
export function lifecycleFaults(entries: readonly ToldEntry[], time: string): string[] {
  const freezes = new ToldFreezes();
  const trees = new Map<string, Tree>();
  const faults: string[] = [];
  for (const entry of entries) {
    const { tenant, predicate } = entry;
    const { permits, effects } = trees.get(tenant) ?? treeOf(freezes);
    trees.set(tenant, { permits, effects });
    // Each tenant's tree repeats a freeze; the lane's own has all of them.
    const found = tenant.startsWith('_') ? freezes.take(entry) : [...permits.take(entry), ...effects.take(entry)];
    faults.push(...found.map((fault) => `${tenant} index ${predicate.index}: ${fault}`));
  }
  for (const { permits, effects } of trees.values()) faults.push(...permits.overdue(time), ...effects.overdue(time));
  return faults;
}

interface Tree {
  readonly permits: ToldPermits;
  readonly effects: ToldEffects;
}

function treeOf(freezes: ToldFreezes): Tree {
  const permits = new ToldPermits(freezes);
  return { permits, effects: new ToldEffects(permits, freezes) };
}
