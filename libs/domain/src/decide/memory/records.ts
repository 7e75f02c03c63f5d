/** The memory of signed records that are no proposals: claims, reports and controls, each by its issuer and its own id. */
import { parseTime } from '../../formats/time.ts';
import type { Predicate } from '../../ledger/entry.ts';
import type { CheckedEnvelope } from '../envelope-check.ts';
import type { LaneState } from '../state.ts';
import { admits, type Asker, type Capacity } from './counts.ts';
import { LANE_IDS_MAX } from './lane-ids.ts';
import { ISSUED_AHEAD_MS_MAX, timesOf } from './lifetimes.ts';

/** Why a record does not count, in one word. The first three are so for ever; the rest is remembered, so that it stays so. */
export type Stale = 'head' | 'lives-too-long' | 'expired' | 'issued-ahead' | 'issued-before-limit' | 'repeated';
export const UNREMEMBERED: readonly string[] = ['head', 'lives-too-long', 'expired', 'issued-before-limit'];

export function staleOf(state: LaneState, { kind, payload, tree, issuer, facts }: CheckedEnvelope, nowMs: number): Stale | undefined {
  const times = timesOf(kind, payload);
  if (typeof times === 'string') return times;
  const { id, issuedAtMs, expiresAtMs } = times;
  if (nowMs >= expiresAtMs) return 'expired';
  if (state.ids.find({ tenant: tree, issuer, id }, nowMs)) return 'repeated';
  if (issuedAtMs > nowMs + ISSUED_AHEAD_MS_MAX) return 'issued-ahead';
  return issuedAtMs <= (facts.floors.get(issuer) ?? -1) ? 'issued-before-limit' : undefined;
}

/** Who shares `max`: all tenants but the system's own tree; in a tenant its live issuers, and the gateway. */
export function capacityOf(state: LaneState, tenant: string, max: number): Capacity {
  let issuers = 1;
  for (const { revoked } of state.tenants.get(tenant)?.issuers.values() ?? []) if (!revoked) issuers += 1;
  return { max, tenants: state.tenants.size - 1, issuers };
}

/** Whether one more id of this issuer is remembered. The admin's always are: a full table must not keep a stop out. */
export function hasRoom(state: LaneState, asker: Asker, nowMs: number): boolean {
  if (asker.issuer === 'admin' || asker.issuer === 'recovery') return true;
  const capacity = capacityOf(state, asker.tenant, LANE_IDS_MAX);
  return admits(state.ids.counts, capacity, asker) || admits(state.ids.takenAt(nowMs), capacity, asker);
}

/**
 * Members of the entry that answers a record, from which evolve remembers it; or, where there is no room for that, from which everything is
 * refused that its issuer issued up to then: either way the same bytes are never answered otherwise.
 */
export function memoryOf(
  state: LaneState,
  { kind, payload, tree, issuer }: CheckedEnvelope,
  nowMs: number,
): { readonly recordId: string; readonly expiresAt: string } | { readonly issuedAt: string } | Record<string, never> {
  const times = timesOf(kind, payload);
  if (typeof times === 'string' || nowMs >= times.expiresAtMs) return {};
  if (times.issuedAtMs <= (state.tenants.get(tree)?.floors.get(issuer) ?? -1)) return {}; // so it stays, unremembered
  const { id, issuedAt, expiresAt } = payload as { id: string; issuedAt: string; expiresAt: string };
  const isKnown = state.ids.find({ tenant: tree, issuer, id }, nowMs) !== undefined;
  return isKnown || hasRoom(state, { tenant: tree, issuer }, nowMs) ? { recordId: id, expiresAt } : { issuedAt };
}

/** What an entry says of the record that it answers: known until it expires, or never to count. A copy is known for as long as it may count. */
export function rememberRecord(state: LaneState, tenant: string, issuer: string, id: unknown, predicate: Predicate): void {
  const { expiresAt, issuedAt } = predicate as { expiresAt?: unknown; issuedAt?: unknown };
  if (typeof issuedAt === 'string') raiseFloor(state, { tenant, issuer }, parseTime(issuedAt));
  if (typeof expiresAt !== 'string' || typeof id !== 'string') return;
  const name = { tenant, issuer, id };
  const untilMs = parseTime(expiresAt);
  if (state.ids.find(name, parseTime(predicate.decidedAt))) state.ids.prolong(name, untilMs);
  else state.ids.remember(name, { index: Number(predicate.index), digest: null, untilMs, open: false });
}

/** Everything that this issuer issued up to then, and that is not known, is refused from now on. */
export function raiseFloor(state: LaneState, { tenant, issuer }: Asker, issuedAtMs: number): void {
  const floors = state.tenants.get(tenant)?.floors;
  floors?.set(issuer, Math.max(issuedAtMs, floors.get(issuer) ?? 0));
}
