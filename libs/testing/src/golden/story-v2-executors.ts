/** What executors do in the second golden story, and what comes of it. */
import type { ActingLane } from './acting-lane.ts';

const MINUTE_MS = 60_000;

/** One grant, and a refusal for each reason that needs no freeze and nobody's revocation. */
export function claims(lane: ActingLane): void {
  const note = lane.only(lane.propose('note'));
  lane.claim(note, 'unproved', { receipt: '' });
  lane.claim(lane.only(lane.propose('denied', { resource: { type: 'thing', id: 'frozen' } })), 'of-a-denial');
  lane.claim(note, 'of-another', { issuer: 'other' });
  const claimed = lane.claim(note, 'claim');
  lane.claim(note, 'claim');
  lane.claim(note, 'second');
  lane.report(claimed, 'healthcheck', 'succeeded');
  lane.report(claimed, 'result', 'succeeded', { issuer: 'other' });
  lane.report(claimed, 'result', 'failed');
  lane.report(claimed, 'result', 'failed');
  const late = lane.change('late');
  lane.nowMs += MINUTE_MS;
  lane.claim(late, 'late');
}

/** Sound; rolled back; and overdue at each step, reported late or never. */
export function outcomes(lane: ActingLane): void {
  const sound = lane.claim(lane.change('sound'), 'sound');
  lane.report(sound, 'result', 'succeeded', { before: undefined });
  lane.report(sound, 'result', 'succeeded');
  lane.report(sound, 'healthcheck', 'succeeded');

  const back = lane.claim(lane.change('back'), 'back');
  lane.report(back, 'result', 'succeeded');
  lane.report(back, 'healthcheck', 'failed');
  lane.report(back, 'rollback', 'succeeded');

  const overdue = lane.claim(lane.change('overdue'), 'overdue');
  for (const [kind, status] of [
    ['result', 'succeeded'],
    ['healthcheck', 'failed'],
  ] as const) {
    lane.nowMs += 10 * MINUTE_MS;
    lane.report(overdue, kind, status);
  }
  lane.nowMs += 10 * MINUTE_MS;
  lane.tick();
}

/** Of whoever proposed: what it was permitted cannot be claimed any more, and what it asked for is not permitted. */
export function revocation(lane: ActingLane): void {
  const permitted = lane.only(lane.propose('permitted', {}, { issuer: 'brief' }));
  const asked = lane.ask('asked', {}, { issuer: 'brief' });
  lane.control('issuer.revoked', 'acme', { revokes: 'brief' });
  lane.claim(permitted, 'of-a-revoked');
  lane.vote(asked, 'ana');
}
