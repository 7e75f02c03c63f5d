/** The bound within which clocks of one lane agree, and what a lane's time is. Where each clock is used: docs/time.md. */
import type { LaneState } from './state.ts';

/**
 * Unit ms. Hosts with working time-keeping differ by milliseconds, a slow leader or a pause of the process adds a second or two; what time
 * decides (expiry, deadlines, ends of freezes) is minutes long. Broker and owner may differ by this much, a decision may be committed this much
 * after its date, and a lane's time may lie this far ahead of the clock.
 */
export const CLOCK_DIFFERENCE_MAX_MS = 5000;

type Timed = Pick<LaneState, 'rules' | 'lastDecidedAtMs'>;

/**
 * Whether the lane's time lies further ahead of the clock than clocks may differ. Under rules 2 nothing is then decided but refusals, and the
 * admin's `time.corrected` (docs/decisions/0021-lane-time.md).
 */
export const isAhead = ({ rules, lastDecidedAtMs }: Timed, nowMs: number): boolean =>
  rules >= 2 && lastDecidedAtMs - nowMs > CLOCK_DIFFERENCE_MAX_MS;

/**
 * Time of the lane's next entry: never before its last one, in whichever tree. One time for all trees, or a replay, which knows the clock only by
 * `decidedAt`, would find another tenant's escalation due before it was. On a lane whose time is ahead: the clock's, or a replay could not
 * tell a refusal for that reason from any other.
 */
export const laneNow = (state: Timed, nowMs: number): number => (isAhead(state, nowMs) ? nowMs : Math.max(nowMs, state.lastDecidedAtMs));
