/** Unit ms. How old the facts may be that a request is admitted by: a revoked token is refused at the latest this long after its revocation. */
export const STALE_MAX_MS = 10_000;

/**
 * How old the facts of one lane are. That a broker answers says nothing of it: a million records may wait. Facts are as of the moment at which
 * the log ended where the fold stands now.
 */
export class Freshness {
  #heardAtMs = -Infinity;
  #currentAtMs = -Infinity;
  /** Where the log ended at some moment, which the fold has not reached yet. */
  #goal: { readonly atMs: number; readonly end: bigint } | undefined;

  /** An answer to what was asked at `askedAtMs`: the log ends at `end` (not the last stable offset, which an open transaction holds back), and is folded up to `next`. */
  note({ askedAtMs, nowMs, end, next }: { askedAtMs: number; nowMs: number; end: bigint; next: bigint }): void {
    this.#heardAtMs = nowMs;
    if (this.#goal && next >= this.#goal.end) {
      this.#currentAtMs = this.#goal.atMs;
      this.#goal = undefined;
    }
    if (next >= end) this.#currentAtMs = askedAtMs;
    else this.#goal ??= { atMs: askedAtMs, end };
  }

  /** Unit ms: age of the facts. Infinity: the end was never reached. */
  staleMs(nowMs: number): number {
    return nowMs - this.#currentAtMs;
  }

  /** Unit ms: how long ago a broker last answered for the lane. Infinity: never. */
  silentMs(nowMs: number): number {
    return nowMs - this.#heardAtMs;
  }
}
