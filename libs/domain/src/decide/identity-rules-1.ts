/** Which proposal this is under rules 1: an id is known until its proposal expires, a day ahead at most. Kept so that such ledgers replay. */
import { equalBytes } from '../formats/bytes.ts';
import { isIdentifier } from '../formats/ids.ts';
import { parseTime } from '../formats/time.ts';
import { requestDigest } from '../payloads/digests.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { idKey, IDS_PER_LANE_MAX } from './ids.ts';
import type { Identified, ParsedProposal, Step } from './proposal-step.ts';
import type { LaneState } from './state.ts';
import { REQUEST_DIGEST_BYTES } from './types.ts';

const EXPIRY_AHEAD_MAX_MS = 24 * 60 * 60 * 1000;

export function identifyRules1({ state, checked, nowMs }: Step, parsed: ParsedProposal): Identified {
  const id = typeof checked.payload['id'] === 'string' && isIdentifier(checked.payload['id']) ? checked.payload['id'] : undefined;
  const expiresAtMs = expiryOf(checked.payload['expiresAt']);
  if (id === undefined || expiresAtMs === undefined || expiresAtMs > nowMs + EXPIRY_AHEAD_MAX_MS) {
    return { is: 'denied', id, reason: 'DENY_MALFORMED', detail: parsed.ok ? 'expires-too-late' : parsed.detail };
  }
  const digest = requestDigest(checked.payload, 1).subarray(0, REQUEST_DIGEST_BYTES);
  const first = checked.facts.ids.firstOf(idKey(checked.issuer, id), nowMs);
  const isOver = nowMs >= expiresAtMs;
  const isCopy = first?.digest !== undefined && first.digest !== null && equalBytes(first.digest, digest);
  const takesId = !isOver && !first && !idsExhausted(state, checked.facts, nowMs);
  const actingFor = parsed.ok ? parsed.value.actor.actingFor : undefined;
  const facts = { requestDigest: digest, ...(actingFor === undefined ? {} : { actingFor }) };
  if (!parsed.ok && !(isCopy && !isOver)) {
    const taken = takesId ? { more: { expiresAt: checked.payload['expiresAt'] }, facts } : {};
    return { is: 'denied', id, reason: 'DENY_MALFORMED', detail: parsed.detail, ...taken };
  }
  if (isOver) return { is: 'denied', id, reason: 'DENY_EXPIRED', detail: 'expired' };
  if (first && isCopy) return { is: 'repeated', id, first: first.index };
  if (first) return { is: 'denied', id, reason: 'DENY_CONFLICT', detail: 'conflict', more: { first: String(first.index) } };
  if (!takesId || !parsed.ok) return { is: 'denied', id, reason: 'DENY_LIMIT', detail: 'ids' };
  return { is: 'new', id, expiresAtMs, facts };
}

/** Neither the lane nor the tenant's fair share has room for one more id. */
export function idsExhausted(state: LaneState, facts: CheckedEnvelope['facts'], nowMs: number): boolean {
  const share = Math.floor(IDS_PER_LANE_MAX / Math.max(1, state.tenants.size - 1)); // the system's own tree has no proposals
  const free = Math.min(share - facts.ids.size, IDS_PER_LANE_MAX - state.idCount);
  return free <= 0 && free + facts.ids.forgettable(nowMs) <= 0;
}

function expiryOf(value: unknown): number | undefined {
  try {
    return typeof value === 'string' ? parseTime(value) : undefined;
  } catch {
    return undefined;
  }
}
