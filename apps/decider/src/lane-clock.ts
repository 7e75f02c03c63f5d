/** The lane's clocks disagree: deciding on would date decisions wrongly. The lane takes over anew. */
export class ClockFault extends Error {
  override readonly name = 'ClockFault';
}

/** NTP slews far below this; more is a jump, a suspended machine or another host's clock. Unit ms. */
const STEP_MAX_MS = 1000;
/** Broker and decider on two hosts with working time-keeping differ by far less. Unit ms. */
const BROKER_DIFFERENCE_MAX_MS = 60_000;

/** Wall clock of one ownership of a lane, checked at each reading. */
export class LaneClock {
  readonly #wallStartMs: number;
  readonly #monotonicStartMs: number;

  constructor(
    private readonly wall: () => number = Date.now,
    private readonly monotonic: () => number = () => performance.now(),
  ) {
    this.#wallStartMs = wall();
    this.#monotonicStartMs = monotonic();
  }

  /** POSIX milliseconds. Throws ClockFault when the wall clock left the monotonic one, or lies behind `lastDecidedAtMs`. */
  now(lastDecidedAtMs: number): number {
    const nowMs = this.wall();
    const drift = nowMs - this.#wallStartMs - (this.monotonic() - this.#monotonicStartMs);
    if (Math.abs(drift) > STEP_MAX_MS) throw new ClockFault(`wall clock left the monotonic clock by ${Math.round(drift)} ms`);
    if (lastDecidedAtMs - nowMs > STEP_MAX_MS) throw new ClockFault(`wall clock is ${lastDecidedAtMs - nowMs} ms behind the last decision`);
    return nowMs;
  }

  /** `appendTimeMs` as the broker stamped our own commit that began at `decidedAtMs`; negative when it did not say. */
  compareWithBroker(appendTimeMs: number, decidedAtMs: number): void {
    const difference = Math.abs(appendTimeMs - decidedAtMs);
    if (appendTimeMs >= 0 && difference > BROKER_DIFFERENCE_MAX_MS) {
      throw new ClockFault(`wall clock and the broker's differ by ${difference} ms`);
    }
  }
}
