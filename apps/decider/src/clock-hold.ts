import { setTimeout as delay } from 'node:timers/promises';

import { CLOCK_KEY, codecs, type AppendCheck, type Log, type LogWriter } from '#adapters';
import { CLOCK_DIFFERENCE_MAX_MS, formatTime, isAhead, LaneHalted, type LaneState } from '#domain';

import type { Corrections } from './corrections.ts';
import { type BrokerTime, ClockFault, type LaneClock } from './lane-clock.ts';

/** Unit ms. Between two questions for the time while the lane is held: soon enough after an operator set a clock, and no load. */
const ASK_AGAIN_MS = 1000;

/** A broker that was busy once answers the next time; one that is always slow is worth an alarm. */
const FIRST_ASKED_MAX = 3;

/** What a lane's clocks say. */
export interface ClockReport {
  /** Unit ms: how far the wall clock is ahead of the broker's. */
  readonly differenceMs: number;
  /** Why nothing is decided; undefined when the clocks agree. */
  readonly held: string | undefined;
}

export interface ClockHoldOptions {
  readonly clock: LaneClock;
  readonly writer: LogWriter;
  readonly topicName: (name: string) => string;
  readonly log: Log;
  /** Resolves after so many ms; sooner when `signal` aborts. */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
  readonly corrections: Pick<Corrections, 'find'>;
  readonly onReport?: ((lane: number, report: ClockReport) => void) | undefined;
  /** Lanes whose last batch was aborted because of its time, and why: kept from one ownership to the next, until a batch is committed. */
  readonly doubts: Map<number, string>;
}

/** The lane's time is calibrated here, and here the lane waits while its clocks disagree: owned, and deciding nothing. */
export class ClockHold {
  #said: string | undefined;
  #isHeld = false;
  /** Offset on `controls`: what stands before it, and it, may be decided although the lane's time is ahead. */
  #correctionAt: bigint | undefined;

  constructor(private readonly options: ClockHoldOptions) {}

  /** It was said that nothing is decided because of the clocks as they were then, and not yet that they agree again. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Why nothing may be decided now. */
  whyHeld(state: LaneState): string | undefined {
    const { clock } = this.options;
    const { fault } = clock;
    if (fault !== undefined) return fault;
    const aheadMs = state.lastDecidedAtMs - clock.nowMs;
    if (aheadMs <= CLOCK_DIFFERENCE_MAX_MS) return undefined;
    if (this.#correctionAt !== undefined && state.positions.controls.next <= this.#correctionAt) return undefined;
    const remedy = state.rules >= 2 ? `; when the clocks are right: countersign time set-back --lane ${state.heads.lane}` : '';
    return `the lane's last decision is dated ${formatTime(state.lastDecidedAtMs)}, ${Math.round(aheadMs / 1000)} s ahead of the clocks${remedy}`;
  }

  /**
   * Asks the broker for its time, by a record of our own. A crash here leaves the ledger as it is. `laneSeq`: of what is committed. Nothing else
   * may be on its way.
   */
  async calibrate(state: LaneState, laneSeq: number): Promise<void> {
    const { clock, writer, topicName } = this.options;
    const { lane } = state.heads;
    const value = codecs.laneClock.encode({ lane, wallMs: clock.wallMs(), decidedAtMs: state.lastDecidedAtMs });
    const record = { topic: topicName('decider-state'), partition: lane, key: Buffer.from(CLOCK_KEY), value };
    const beforeMs = clock.monotonicMs();
    const answers: BrokerTime[] = [];
    await writer.commit([record], laneSeq, ([answer]) => {
      const { appendTimeMs = -1 } = answer ?? {};
      if (appendTimeMs < 0) throw new LaneHalted('TOPIC_SETTINGS', `${record.topic}: message.timestamp.type=LogAppendTime expected`);
      answers.push({ appendTimeMs, beforeMs, afterMs: clock.monotonicMs() });
    });
    for (const answer of answers) clock.calibrate(answer);
    if (answers.length === 0) throw new Error('the writer committed without its check: then no time of a batch would be checked either');
  }

  /** The first question of an ownership: asked again at once when the answer came too late to be of use. */
  async begin(state: LaneState, laneSeq: number): Promise<void> {
    for (let asked = 0; asked < FIRST_ASKED_MAX && !this.options.clock.isKnown; asked++) await this.calibrate(state, laneSeq);
    this.report(state);
  }

  /** Of a batch that is dated `decidedAtMs`: called with the broker's answers before the batch is committed. */
  checkOf(lane: number, decidedAtMs: number): AppendCheck {
    const { clock, doubts, topicName } = this.options;
    const beforeMs = clock.monotonicMs();
    return (appended) => {
      const ledger = appended.find(({ topic }) => topic === topicName('ledger'));
      try {
        clock.check({ appendTimeMs: ledger?.appendTimeMs ?? -1, beforeMs, afterMs: clock.monotonicMs() }, decidedAtMs);
      } catch (error) {
        if (error instanceof ClockFault) {
          doubts.set(lane, error.message);
          this.#report(lane, error.message);
        }
        throw error;
      }
      if (doubts.delete(lane)) this.#report(lane, undefined);
    };
  }

  /** Says what the clocks say now. */
  report(state: LaneState): void {
    const why = this.whyHeld(state);
    this.#isHeld = why !== undefined;
    this.#report(state.heads.lane, why);
  }

  /** Resolves once something may be decided, or `signal` aborts. Nothing may be on its way. */
  async until(state: LaneState, laneSeq: number, signal: AbortSignal): Promise<void> {
    const { sleep = pause, clock, corrections } = this.options;
    await this.calibrate(state, laneSeq); // a clock that was set, or a machine that slept: often they agree again at once
    while (this.whyHeld(state) !== undefined) {
      this.report(state);
      await sleep(ASK_AGAIN_MS, signal);
      if (signal.aborted) return;
      await this.calibrate(state, laneSeq);
      if (clock.fault === undefined && isAhead(state, clock.nowMs)) this.#correctionAt = await corrections.find(state, clock.nowMs, signal);
    }
    this.report(state);
  }

  #report(lane: number, why: string | undefined): void {
    const { clock, doubts, log, onReport } = this.options;
    const held = why ?? doubts.get(lane);
    onReport?.(lane, { differenceMs: clock.differenceMs, held });
    if (held === undefined && this.#said !== undefined) log.warn({ lane }, 'the clocks agree again: the lane decides on');
    if (held !== undefined && this.#said === undefined)
      log.error(
        { lane, code: 'CLOCK', alarm: true, differenceMs: clock.differenceMs },
        `nothing is decided: ${held}. See docs/runbooks/clock.md`,
      );
    this.#said = held;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
