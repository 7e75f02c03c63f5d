import { ToldBounds } from './told-bounds.ts';
import { ToldCredentials } from './told-credentials.ts';
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
  const credentials = new Map<string, ToldCredentials>();
  const bounds = new Map<string, ToldBounds>();
  const faults: string[] = [];
  for (const entry of entries) {
    const { tenant, predicate } = entry;
    // A log that is closed has nothing open: the next one of its tenant counts from 0, and knows who was revoked.
    const { permits, effects } = trees.get(predicate.origin) ?? treeOf(freezes, credentialsOf(credentials, tenant));
    trees.set(predicate.origin, { permits, effects });
    // Each tenant's tree repeats a freeze; the lane's own has all of them.
    const found = tenant.startsWith('_')
      ? freezes.take(entry)
      : [...permits.take(entry), ...effects.take(entry), ...boundsOf(bounds, tenant, credentials).take(entry)];
    faults.push(...found.map((fault) => `${tenant} index ${predicate.index}: ${fault}`));
  }
  for (const { permits, effects } of trees.values()) faults.push(...permits.overdue(time), ...effects.overdue(time));
  return faults;
}

interface Tree {
  readonly permits: ToldPermits;
  readonly effects: ToldEffects;
}

function credentialsOf(all: Map<string, ToldCredentials>, tenant: string): ToldCredentials {
  const credentials = all.get(tenant) ?? new ToldCredentials();
  all.set(tenant, credentials);
  return credentials;
}

function boundsOf(all: Map<string, ToldBounds>, tenant: string, credentials: Map<string, ToldCredentials>): ToldBounds {
  const bounds = all.get(tenant) ?? new ToldBounds(credentialsOf(credentials, tenant));
  all.set(tenant, bounds);
  return bounds;
}

function treeOf(freezes: ToldFreezes, credentials: ToldCredentials): Tree {
  const permits = new ToldPermits(freezes, credentials);
  return { permits, effects: new ToldEffects(permits, freezes) };
}
