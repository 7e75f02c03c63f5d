import { type Place, VerdictFollower } from './follow.ts';
import type { Rejection, VerifiedVerdict } from '../verdict.ts';

export interface OnVerdictOptions {
  readonly brokers: readonly string[];
  /** Tenant → trust file of its log, obtained elsewhere. Verdicts of other tenants are passed over. */
  readonly trust: Readonly<Record<string, string>>;
  /** How many lanes the ledger has. */
  readonly lanes: number;
  readonly topicPrefix?: string;
  /** `now`: what comes after the call. Otherwise the next offset of each lane, as `positions` gave them. Default now. */
  readonly from?: 'now' | readonly bigint[];
  /** Verdicts that do not verify. They never reach the handler; the default writes one line to stderr. */
  readonly onRejected?: (rejection: Rejection) => void;
}
export type VerdictHandler = (verdict: VerifiedVerdict, place: Place) => void | Promise<void>;

export interface Subscription {
  /** Next offset per lane: everything before was handled or rejected. Keep them, and go on from there. */
  readonly positions: readonly bigint[];
  /** Resolves at close; rejects with what the handler threw, or when the position no longer exists. Nothing is skipped. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/**
 * Follows `verdicts` and hands over, in the order of each lane and one at a time, those whose receipt verifies. For observation: acting on
 * a verdict needs a claim, so that an effect runs once: `openExecutor`.
 */
export async function onVerdict(options: OnVerdictOptions, handler: VerdictHandler): Promise<Subscription> {
  const { lanes, from = 'now' } = options;
  if (from !== 'now' && from.length !== lanes) throw new RangeError(`from: expected ${lanes} offsets, got ${from.length}`);
  const every = Array.from({ length: lanes }, (_, lane) => lane);
  const follower = new VerdictFollower(options, handler);
  for (const lane of every) follower.positions.set(lane, from === 'now' ? (await follower.range(lane)).end : (from[lane] ?? 0n));
  const done = follower.run();
  done.catch(() => undefined); // whoever cares awaits it
  return {
    get positions() {
      return every.map((lane) => follower.positions.get(lane) ?? 0n);
    },
    done,
    close: () => follower.close(),
  };
}
