import { describe, expect, it } from 'vitest';

import { laneBundle, MemoryLane, testDocument } from '#testing';

import { fromUtf8 } from '../formats/bytes.ts';
import type { Entry } from './entry.ts';
import { permitOf } from './permit.ts';

const shownOf = (entry: Entry | undefined) => entry && permitOf(entry.statement.predicate);
const HIGH = { resource: { type: 'thing', id: 'high' } };

function ready(): MemoryLane {
  const lane = MemoryLane.ready();
  const { classes } = testDocument();
  lane.activate(laneBundle({ classes: { ...classes, note: { ...classes.note, after: ['healthcheck'], resultWithinSeconds: 60 } } }));
  return lane;
}
const OWED = { executors: ['runner'], obligations: ['healthcheck'], resultWithinSeconds: 60 };

describe('a permit as it is shown', () => {
  it('says what the entry says of it, and that it holds from the decision on', () => {
    const lane = ready();
    const [decided] = lane.propose('a-1');
    expect(shownOf(decided)).toEqual({ ...OWED, notBefore: '2026-11-25T12:00:00.000Z', executeBy: '2026-11-25T12:15:00.000Z' });
    expect(fromUtf8(decided?.bytes ?? new Uint8Array())).not.toContain('notBefore');
  });

  it('of what people approved holds from the settlement on, not from when they were asked', () => {
    const lane = ready();
    const [asked] = lane.propose('a-1', HIGH);
    const about = asked?.statement.predicate;
    const vote = { decision: about?.index, bindingDigest: about?.['bindingDigest'], vote: 'approve', by: 'ana' };
    lane.nowMs += 60_000;
    const [, settled] = lane.control('approval.recorded', 'acme', vote);
    expect([shownOf(asked), settled?.kind]).toEqual([undefined, 'escalation.settled']);
    expect(shownOf(settled)).toEqual({ ...OWED, notBefore: '2026-11-25T12:01:00.000Z', executeBy: '2026-11-25T12:16:00.000Z' });
  });

  it.each([{ mode: 'shadow' }, { class: 'unknown' }])('is none where nothing is permitted: %j', (body) => {
    const [decided] = ready().propose('a-1', body);
    expect(shownOf(decided)).toBeUndefined();
  });
});
