/** Destroying the input keys of an action's entries: docs/erasure.md. The entries, their receipts and every proof stay as they are. */
import { entryName } from '../ledger/entry-name.ts';
import type { Predicate } from '../ledger/entry.ts';
import type { EntryContent } from './draft.ts';
import { settlement } from './settlement.ts';
import type { LaneState } from './state.ts';

/** How an escalation ends whose action is erased while people were still asked. */
export const CANCELLED_ERASED = 'CANCELLED_ERASED';

/** Names on `input-keys` of what an `input.erased` destroys: `<origin>\0<index>`. */
export function erasedNames({ origin, log, erases }: Predicate): string[] {
  return (erases as readonly string[]).map((index) => entryName(typeof log === 'string' ? log : origin, index));
}

export interface ErasureRequest {
  /** Whose tree. */
  readonly tenant: string;
  readonly action: string;
  /** Leaf indexes, decimal, ascending. */
  readonly indexes: readonly string[];
  readonly payloadDigest: string;
  /** Origin of a closed log of the tenant that holds them; undefined: the one that goes on. */
  readonly log?: string | undefined;
}

/**
 * What comes before `input.erased` in the same batch: the cancellation of each open escalation among the entries, because people cannot
 * approve what nobody can read any more. Or why nothing is erased, in one word.
 */
export function cancelledBy(state: LaneState, request: ErasureRequest): readonly EntryContent[] | string {
  const { tenant, action, indexes, payloadDigest, log } = request;
  const tree = log === undefined ? state.heads.trees.get(tenant) : state.heads.closed.get(log);
  if (tree?.tenant !== tenant) return 'unknown-log';
  const { size } = tree.range;
  if (indexes.some((index) => BigInt(index) >= BigInt(size))) return 'beyond-tree';
  if (log !== undefined) return []; // a log is closed only once nothing of it is open
  const open = state.due.open.filter((each) => each.tenant === tenant && indexes.includes(String(each.index)));
  if (open.some(({ actionId }) => actionId !== action)) return 'another-action';
  return open.toSorted((a, b) => a.index - b.index).map((each) => settlement(each, { outcome: CANCELLED_ERASED }, payloadDigest));
}

/** What the decider remembers of an erased request would let anyone who holds a copy of the state guess at it: forgotten with the input. */
export function forgetRequests(state: LaneState, tenant: string, indexes: readonly unknown[], log?: unknown): void {
  const erased = new Set(indexes.map(Number));
  if (state.rules === 1) state.tenants.get(tenant)?.ids.forgetDigests(erased);
  else state.ids.forgetDigests(tenant, erased, typeof log === 'string' ? log : undefined);
  const origin = typeof log === 'string' ? log : (state.heads.trees.get(tenant)?.origin ?? '');
  state.tenants.get(tenant)?.limits.forget(origin, indexes.map(Number));
}
