/** Unit ms. Two deciders know the broker's time to a second each: the one that says `effect.uncertain` may be this far ahead of the one that granted. */
const BEGIN_MARGIN_MS = 2000;
/** Of the time that a grant gives: a bundle may give a second, and the margin must not be all of it. */
const BEGIN_MARGIN_SHARE = 1 / 4;

/** By when an effect has to begin: by both clocks. */
export interface BeginBy {
  /** Unit ms, in lane time. NaN: never. */
  readonly laneMs: number;
  /** Unit ms, of this process's monotonic clock. undefined for a grant that an earlier process asked for. */
  readonly monotonicMs: number | undefined;
}

/** What the ledger grants: a deadline, and when it said so. */
export interface GrantedTime {
  readonly resultBy: string;
  /** Unknown for what the journal alone remembers. */
  readonly decidedAtMs?: number;
}

/**
 * Time of one executor. Its wall clock may be wrong, so two other things bound the time of the lane:
 *
 * - It is no earlier than the `decidedAt` of any verdict that was read, carried on by the monotonic clock, which nobody sets.
 * - A grant was decided after it was asked for. So its `resultBy` comes no earlier than (monotonic time of asking) + (resultBy − decidedAt).
 *
 * The monotonic clock may stand still while the machine sleeps; the wall clock does not.
 */
export class ExecutorClock {
  /** The latest lane time that was heard of, minus the monotonic time when it was heard. */
  #offsetMs = -Infinity;
  #latestMs = -Infinity;

  constructor(
    private readonly wallMs: () => number,
    /** Unit ms, of an origin of its own. */
    readonly monotonicMs: () => number,
  ) {}

  /** When a verdict was decided, in the order of its lane. Times only grow there, but for a lane whose time the admin has corrected. NaN is passed over. */
  hear(decidedAtMs: number): void {
    if (Number.isNaN(decidedAtMs)) return;
    const offsetMs = decidedAtMs - this.monotonicMs();
    if (offsetMs > this.#offsetMs || decidedAtMs < this.#latestMs) this.#offsetMs = offsetMs;
    this.#latestMs = decidedAtMs;
  }

  /** POSIX ms: the wall clock's time, and no earlier than the lane's as far as it is known. */
  get nowMs(): number {
    return Math.max(this.wallMs(), Math.floor(this.monotonicMs() + this.#offsetMs));
  }

  /** `askedAtMs`: monotonic time before the grant was asked for; undefined when another process did. */
  beginBy({ resultBy, decidedAtMs }: GrantedTime, askedAtMs: number | undefined): BeginBy {
    const resultByMs = Date.parse(resultBy);
    const givenMs = decidedAtMs === undefined ? undefined : resultByMs - decidedAtMs;
    const marginMs = givenMs === undefined ? BEGIN_MARGIN_MS : Math.min(BEGIN_MARGIN_MS, givenMs * BEGIN_MARGIN_SHARE);
    return {
      laneMs: resultByMs - marginMs,
      monotonicMs: askedAtMs === undefined || givenMs === undefined ? undefined : askedAtMs + givenMs - marginMs,
    };
  }

  /** Why an effect must not begin any more; undefined while it may. */
  lateFor({ laneMs, monotonicMs }: BeginBy): string | undefined {
    if (!(this.nowMs < laneMs)) return 'its result could come after resultBy';
    if (monotonicMs !== undefined && !(this.monotonicMs() < monotonicMs))
      return 'its result could come after resultBy, by the monotonic clock; the wall clock is behind';
    return undefined;
  }
}
