/** The bound within which clocks of one lane agree, and what a lane's time is. Where each clock is used: docs/time.md. */
import type { Json } from '../formats/canonical-json.ts';
import { parseTime } from '../formats/time.ts';
import type { PayloadKind } from '../payloads/kinds.ts';
import { ISSUED_AHEAD_MS_MAX } from './memory/lifetimes.ts';
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

/** Controls that only ever take away: they count whatever the clocks say, and a late copy of one harms nobody. */
const TIGHTENING: ReadonlySet<PayloadKind> = new Set<PayloadKind>(['freeze.raised', 'issuer.revoked', 'key.revoked', 'token.revoked']);

/** Why the lane's time refuses a record with a good signature, in one word; a proposal below the floor is denied as expired elsewhere. */
export function refusedByTime(
  state: Timed & Pick<LaneState, 'floorMs'>,
  { kind, payload }: { readonly kind: PayloadKind; readonly payload: Readonly<Record<string, Json>> },
  nowMs: number,
): 'lane-time-ahead' | 'expired' | undefined {
  if (TIGHTENING.has(kind) || kind === 'time.corrected') return undefined;
  if (kind !== 'action.proposed' && isBelowFloor(state, payload['issuedAt'])) return 'expired';
  return isAhead(state, nowMs) ? 'lane-time-ahead' : undefined;
}

/**
 * What a correction to `nowMs` leaves: while the lane's time ran ahead ids were forgotten early, so a copy from before cannot be recognised. All
 * that was asked or signed until then is over, by the clock of a sender who may be ahead.
 */
export const floorOf = (nowMs: number): number => nowMs + ISSUED_AHEAD_MS_MAX;

export function isBelowFloor({ floorMs }: Pick<LaneState, 'floorMs'>, time: Json | undefined): boolean {
  if (floorMs === 0 || typeof time !== 'string') return false;
  try {
    return parseTime(time) < floorMs;
  } catch {
    return false; // it is malformed, which is said elsewhere
  }
}
