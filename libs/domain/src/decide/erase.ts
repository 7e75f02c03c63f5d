/** Destroying the input keys of an action's entries: docs/erasure.md. The entries, their receipts and every proof stay as they are. */
import type { EntryContent } from './draft.ts';
import { settlement } from './settlement.ts';
import type { LaneState } from './state.ts';

/** How an escalation ends whose action is erased while people were still asked. */
export const CANCELLED_ERASED = 'CANCELLED_ERASED';

export interface ErasureRequest {
  /** Whose tree. */
  readonly tenant: string;
  readonly action: string;
  /** Leaf indexes, decimal, ascending. */
  readonly indexes: readonly string[];
  readonly payloadDigest: string;
}

/**
 * What comes before `input.erased` in the same batch: the cancellation of each open escalation among the entries, because people cannot
 * approve what nobody can read any more. Or why nothing is erased, in one word.
 */
export function cancelledBy(state: LaneState, request: ErasureRequest): readonly EntryContent[] | string {
  const { tenant, action, indexes, payloadDigest } = request;
  const size = state.heads.trees.get(tenant)?.range.size ?? 0;
  if (indexes.some((index) => BigInt(index) >= BigInt(size))) return 'beyond-tree';
  const open = state.due.open.filter((each) => each.tenant === tenant && indexes.includes(String(each.index)));
  if (open.some(({ actionId }) => actionId !== action)) return 'another-action';
  return open.toSorted((a, b) => a.index - b.index).map((each) => settlement(each, { outcome: CANCELLED_ERASED }, payloadDigest));
}

/** What the decider remembers of an erased request would let anyone who holds a copy of the state guess at it: forgotten with the input. */
export function forgetRequests(state: LaneState, tenant: string, indexes: readonly unknown[]): void {
  const erased = new Set(indexes.map(Number));
  if (state.rules === 1) state.tenants.get(tenant)?.ids.forgetDigests(erased);
  else state.ids.forgetDigests(tenant, erased);
  state.tenants.get(tenant)?.limits.forget(indexes.map(Number));
}
