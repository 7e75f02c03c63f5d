import type { LaneTimes } from '#adapters';
import { CLOCK_DIFFERENCE_MAX_MS, formatTime } from '#domain';

/** What is wrong with the clocks of a lane, and what to do; undefined when nothing is. `nowMs`: this host's clock. */
export function clockFault({ lane, laneMs, brokerMs, asked }: LaneTimes, nowMs: number): string | undefined {
  const ownerMs = asked ? asked.wallMs - asked.brokerMs : 0;
  if (Math.abs(ownerMs) > CLOCK_DIFFERENCE_MAX_MS)
    return `the decider's clock is ${apart(ownerMs)} the broker's: nothing is decided on lane ${lane} until they agree. Set the wrong one; ${PAGE}`;
  if (brokerMs !== undefined && brokerMs - nowMs > CLOCK_DIFFERENCE_MAX_MS)
    return `the broker's clock is ${apart(brokerMs - nowMs)} this host's: set the wrong one; ${PAGE}`;
  if (laneMs - nowMs > CLOCK_DIFFERENCE_MAX_MS)
    return `the lane's last decision is dated ${formatTime(laneMs)}, ${apart(laneMs - nowMs)} this host's clock. When the clocks are right: countersign time set-back --lane ${lane}; ${PAGE}`;
  return undefined;
}

const PAGE = 'docs/runbooks/clock.md';

export const apart = (ms: number): string => `${(Math.abs(ms) / 1000).toFixed(1)} s ${ms < 0 ? 'behind' : 'ahead of'}`;
