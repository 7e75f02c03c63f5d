import { describe, expect, it } from 'vitest';

import { MemoryLane, readBatches } from '#testing';
import { formatTime } from '#domain';

import { FreezeList, lanesInForce } from './freezes.ts';

const lanesOf = () => [0, 1].map((lane) => MemoryLane.ready([], { lane, lanes: 2 }));
const raise = (lane: MemoryLane, body: object = {}, id = 'f-1') =>
  lane.control('freeze.raised', '_system', { level: 'stop', scope: { kind: 'all' }, why: 'incident 7', by: 'ana', ...body }, { id });
const lift = (lane: MemoryLane) => lane.control('freeze.lifted', '_system', { lifts: 'f-1', by: 'ben', why: 'over' });

/** As the follower gives them: lane by lane, each whole. */
function listed(lanes: readonly MemoryLane[]) {
  const list = new FreezeList();
  for (const lane of lanes) {
    for (const { entries } of readBatches(lane)) for (const entry of entries) list.add({ ...entry, lane: lane.lane, offset: 0n });
  }
  return list.all;
}

describe('the list of freezes', () => {
  it('says who, why, and where it is in force, whichever lane was read first', () => {
    const lanes = lanesOf();
    for (const lane of lanes) raise(lane);
    for (const order of [lanes, lanes.toReversed()]) {
      const [freeze] = listed(order);
      expect(freeze).toMatchObject({ freeze: 'f-1', level: 'stop', by: 'ana', why: 'incident 7' });
      expect(freeze && lanesInForce(freeze, lanes[0]?.nowMs ?? 0)).toEqual([0, 1]);
    }
  });

  it('shows a lane that has not raised it, and one that has not lifted it', () => {
    const [first, second] = lanesOf();
    if (!first || !second) throw new Error('no lanes');
    raise(first);
    const inForceOn = () => listed([second, first]).map((freeze) => lanesInForce(freeze, first.nowMs));
    expect(inForceOn()).toEqual([[0]]);
    raise(second);
    lift(first);
    expect(inForceOn()).toEqual([[1]]);
    lift(second);
    expect(inForceOn()).toEqual([[]]);
    expect(listed([first, second])).toMatchObject([{ liftedBy: 'ben' }]);
  });

  it('ends it at its end, and counts a refused lifting as none', () => {
    const lanes = lanesOf();
    const untilMs = (lanes[0]?.nowMs ?? 0) + 1000;
    for (const lane of lanes) raise(lane, { until: formatTime(untilMs) });
    for (const lane of lanes) lane.control('freeze.lifted', '_system', { lifts: 'f-1', by: 'ana', why: 'over' });
    const [freeze] = listed(lanes);
    expect(freeze && [lanesInForce(freeze, untilMs - 1), lanesInForce(freeze, untilMs)]).toEqual([[0, 1], []]);
  });

  it('is in the order in which they were raised, each once, although every tenant has it, too', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    raise(lane, {}, 'z');
    lane.nowMs += 1;
    raise(lane, {}, 'a');
    expect(listed([lane]).map(({ freeze, lanes }) => [freeze, lanes])).toEqual([
      ['z', [0]],
      ['a', [0]],
    ]);
  });
});
