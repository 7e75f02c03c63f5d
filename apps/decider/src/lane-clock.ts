import { CLOCK_DIFFERENCE_MAX_MS } from '#domain';

/** The lane's clocks disagree: what is being committed would be dated wrongly. It is not committed, and the lane is taken over anew. */
export class ClockFault extends Error {
  override readonly name = 'ClockFault';
  readonly code = 'CLOCK';
}

/** A batch waited too long for its commit: its decisions are not committed, and made again with a newer time. No clock is at fault. */
export class BatchTooOld extends Error {
  override readonly name = 'BatchTooOld';
}

/** One answer of the broker: when it appended, and this process's monotonic clock before the request and after the answer. Unit ms. */
export interface BrokerTime {
  readonly appendTimeMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** Unit ms. The broker's time is known to half of how long its answer took: to a second at worst, a fifth of what clocks may differ. */
const ANSWER_MAX_MS = 2000;

/**
 * Time of one ownership of a lane: the broker's, carried on by the monotonic clock, which nobody sets. The host's wall clock is the second
 * witness: where the two differ, it cannot be told which is right.
 */
export class LaneClock {
  /** Lane time minus monotonic time; undefined until the broker said what time it is. */
  #offsetMs: number | undefined;

  constructor(
    /** The host's wall clock. */
    readonly wallMs: () => number,
    readonly monotonicMs: () => number,
  ) {}

  /** A slow answer says too little: what is known already is kept. */
  calibrate({ appendTimeMs, beforeMs, afterMs }: BrokerTime): void {
    if (afterMs - beforeMs <= ANSWER_MAX_MS) this.#offsetMs = appendTimeMs - (beforeMs + afterMs) / 2;
  }

  get isKnown(): boolean {
    return this.#offsetMs !== undefined;
  }

  /** POSIX milliseconds; the wall clock's before the first calibration. */
  get nowMs(): number {
    return this.#offsetMs === undefined ? this.wallMs() : this.#laneMs(this.monotonicMs());
  }

  /** How far the wall clock is ahead of the broker's. Unit ms. */
  get differenceMs(): number {
    return this.wallMs() - this.nowMs;
  }

  /** Why nothing may be decided now; undefined when the clocks agree. */
  get fault(): string | undefined {
    if (this.#offsetMs === undefined) return `the broker took more than ${ANSWER_MAX_MS} ms to answer, so its time is not known`;
    const { differenceMs } = this;
    if (Math.abs(differenceMs) <= CLOCK_DIFFERENCE_MAX_MS) return undefined;
    return `this host's clock is ${inSeconds(differenceMs)} the broker's, more than ${CLOCK_DIFFERENCE_MAX_MS / 1000} s`;
  }

  /** Before a batch is committed: throws ClockFault when the broker's clock has left this one, BatchTooOld when its date is too old. */
  check(answer: BrokerTime, decidedAtMs: number): void {
    const { appendTimeMs, beforeMs, afterMs } = answer;
    const [earliestMs, latestMs] = [this.#laneMs(beforeMs), this.#laneMs(afterMs)];
    const leftBy = appendTimeMs < earliestMs ? appendTimeMs - earliestMs : Math.max(appendTimeMs - latestMs, 0);
    if (Math.abs(leftBy) > CLOCK_DIFFERENCE_MAX_MS)
      throw new ClockFault(`the broker's clock is ${inSeconds(leftBy)} the lane's time: the batch was aborted`);
    const oldMs = appendTimeMs - decidedAtMs;
    if (Math.abs(oldMs) > CLOCK_DIFFERENCE_MAX_MS)
      throw new BatchTooOld(`the batch is dated ${inSeconds(-oldMs)} the time of its commit: it was aborted`);
    this.calibrate(answer);
  }

  #laneMs(monotonicMs: number): number {
    return Math.floor(monotonicMs + (this.#offsetMs ?? NaN));
  }
}

const inSeconds = (ms: number): string => `${(Math.abs(ms) / 1000).toFixed(1)} s ${ms < 0 ? 'behind' : 'ahead of'}`;
