/** Statements that count once, what a decision rests on, and cumulative limits. */
import { laneBundle } from '../lane/memory-lane.ts';
import { CI } from '../lane/stated.ts';
import type { ActingLane } from './acting-lane.ts';

const NOTES = { classes: ['note'], windowSeconds: 3600, of: 'count' };

export function limits(lane: ActingLane): void {
  const asked = { ...NOTES, per: 'actor', max: 1, over: { approval: 'two-eyes' } };
  const hard = { ...NOTES, per: 'tenant', max: 3, over: 'deny' };
  lane.activate(laneBundle({ format: 2, limits: { asked, hard } }));
  lane.propose('counted');
  const over = lane.only(lane.propose('over-the-first-limit'));
  lane.vote(over, 'ben', { vote: 'deny' });
  for (const id of ['of-another', 'of-a-third']) lane.propose(id, { actor: { kind: 'pipeline', id } });
  lane.propose('over-the-second-limit', { actor: { kind: 'pipeline', id: 'fourth' } });
  lane.activate();
}

/** A statement counts once, is given back by a no, and what a permit rests on is looked at again when it is claimed. */
export function evidence(lane: ActingLane): void {
  lane.registerIssuer('acme', CI, 'ci');
  const once = lane.shown('low');
  lane.change('rests-on-evidence', { evidence: once });
  lane.change('with-the-same-evidence', { evidence: once });
  const high = lane.shown('high');
  lane.vote(lane.change('asked', { target: 'high', evidence: high }), 'ben', { vote: 'deny' });
  const approved = lane.vote(lane.change('asked-again', { target: 'high', evidence: high }), 'ben');
  const closed = { weekdays: { days: ['sat'], fromMinute: 0, toMinute: 1440 } };
  lane.activate(laneBundle({ windows: closed }));
  lane.claim(approved, 'window-closed');
  lane.activate();
  const open = lane.change('of-a-revoked-party');
  const waiting = lane.change('asked-of-a-revoked-party', { target: 'high' });
  lane.control('issuer.revoked', 'acme', { revokes: CI });
  lane.claim(open, 'party-revoked');
  lane.vote(waiting, 'ben');
}
