import type { ActingLane } from './acting-lane.ts';

const MINUTE_MS = 60_000;

/** One id, one decision: repetitions, what is late by itself, what came too early, and an effect that nobody reports of and the admin closes. */
export function memory(lane: ActingLane): void {
  const asked = lane.only(lane.propose('remembered'));
  const askedAtMs = lane.nowMs;
  lane.claim(asked, 'remembered-1');
  lane.claim(asked, 'remembered-2');
  lane.nowMs += 6 * MINUTE_MS;
  lane.propose('remembered', {}, { askedAtMs });
  lane.propose('remembered', { justification: 'another reason' }, { askedAtMs });
  lane.propose('too-early', {}, { issuedAtMs: lane.nowMs + 2 * MINUTE_MS, expiresAtMs: lane.nowMs + 5 * MINUTE_MS });
  lane.nowMs += 10 * MINUTE_MS;
  lane.propose('remembered', {}, { askedAtMs, issuedAtMs: askedAtMs, expiresAtMs: askedAtMs + 15 * MINUTE_MS });
  lane.tick();
  lane.control('effect.closed', 'acme', { decision: asked.statement.predicate.index, by: 'ana', why: 'looked at the database' });
}
