/** Cumulative limits: what goes over one is denied, or asked of people, and only what may still happen counts. */
import { laneBundle } from '../lane/memory-lane.ts';
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
