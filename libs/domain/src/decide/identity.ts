/**
 * Which proposal this is: one id, one decision, for ever. Within ASKED_WITHIN_MS of `askedAt` the lane knows the id; afterwards each copy is late
 * by its own `askedAt`. What was answered no, or could not be answered, stays so: see memory/.
 */
import { equalBytes } from '../formats/bytes.ts';
import { isIdentifier } from '../formats/ids.ts';
import { requestDigest } from '../payloads/digests.ts';
import { isBelowFloor } from './lane-time.ts';
import { ISSUED_AHEAD_MS_MAX, timesOf } from './memory/lifetimes.ts';
import { citing } from './memory/lane-ids.ts';
import { hasRoom } from './memory/records.ts';
import type { Identified, ParsedProposal, Step } from './proposal-step.ts';
import { REQUEST_DIGEST_BYTES } from './types.ts';

/** The first that holds: times that cannot be, malformed, over, known, issued before what there was no room for, no room, issued ahead. */
export function identify({ state, checked, nowMs }: Step, parsed: ParsedProposal): Identified {
  const { payload, tree: tenant, issuer, facts: of } = checked;
  const times = timesOf('action.proposed', payload);
  if (typeof times === 'string') {
    const id = typeof payload['id'] === 'string' && isIdentifier(payload['id']) ? payload['id'] : undefined;
    return { is: 'denied', id, reason: 'DENY_MALFORMED', detail: parsed.ok ? times : parsed.detail };
  }
  const { id, issuedAtMs, expiresAtMs } = times;
  const denied = (reason: string, detail: string, more = {}): Identified => ({ is: 'denied', id, reason, detail, ...more });
  const isOver = nowMs >= expiresAtMs || isBelowFloor(state, payload['askedAt']);
  const asked = { askedAt: payload['askedAt'] };
  const digest = requestDigest(payload, state.rules).subarray(0, REQUEST_DIGEST_BYTES);
  const first = state.ids.find({ tenant, issuer, id }, nowMs);
  const isCopy = first?.digest !== undefined && first.digest !== null && equalBytes(first.digest, digest);
  const hasRoomForId = !first && !isOver && hasRoom(state, { tenant, issuer }, nowMs);
  const actingFor = parsed.ok ? parsed.value.actor.actingFor : undefined;
  const facts = { requestDigest: digest, ...(actingFor === undefined ? {} : { actingFor }) };
  // Malformed it stays for ever, remembered or not.
  if (!parsed.ok && !(isCopy && !isOver)) return denied('DENY_MALFORMED', parsed.detail, hasRoomForId ? { more: asked, facts } : {});
  if (isOver) return denied('DENY_EXPIRED', 'expired');
  if (first && isCopy) return { is: 'repeated', id, first: first.index, more: { ...asked, ...citing(first) } };
  if (first) return denied('DENY_CONFLICT', 'conflict', { more: { ...citing(first), ...asked } });
  if (issuedAtMs <= (of.floors.get(issuer) ?? -1)) return denied('DENY_LIMIT', 'issued-before-limit');
  if (!hasRoomForId) return denied('DENY_LIMIT', 'ids', { more: { issuedAt: payload['issuedAt'] } });
  if (issuedAtMs > nowMs + ISSUED_AHEAD_MS_MAX) return denied('DENY_EXPIRED', 'issued-ahead', { more: asked, facts });
  return { is: 'new', id, expiresAtMs, facts, more: asked };
}
