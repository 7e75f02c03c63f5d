import { formatTime } from '#domain';

import type { ActingLane } from './acting-lane.ts';

/** Unit ms. */
const AHEAD_MS = 3_600_000;

/** All clocks of the lane run an hour ahead, and are set right; the lane's time is then set back by the admin. */
export function time(lane: ActingLane): void {
  const { nowMs } = lane;
  lane.nowMs = nowMs + AHEAD_MS;
  lane.propose('an-hour-ahead');
  lane.nowMs = nowMs;
  lane.propose('while-ahead');
  lane.control('freeze.raised', '_system', { level: 'stop', scope: { kind: 'tenant', value: 'globex' }, why: 'incident 8', by: 'ana' });
  lane.control('time.corrected', '_system', { lane: 0, laneTime: formatTime(lane.state.lastDecidedAtMs) });
  lane.nowMs += 1;
  lane.propose('after-the-correction');
}
