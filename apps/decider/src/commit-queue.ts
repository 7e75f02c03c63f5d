/**
 * Unit ms, from the beginning of one transaction to that of the next. One costs all who take part as much as dozens of records do, so the more
 * come, the more of them share one. Where two cores carry everything, 17 instead of 25 ms give 4 ms at the median and take 5 % more of them.
 */
const PACE_MS = 10;
const PACE_MS_A_RECORD = 0.5;
const PACE_MAX_MS = 25;
/** Share of what the last one took. Its markers are still being written: one at its heels would wait for them at the broker. */
const REST_SHARE_MIN = 0.5;
/** Unit ms. So that a transaction that hung, or a clock that jumped, is not followed by a long rest. */
const REST_MAX_MS = 25;

export interface Pace {
  /** Unit ms, never set back. */
  readonly monotonicMs: () => number;
  /** Waits so many ms; without it nothing rests. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** One transaction at a time, beside the deciding of the next batch. After a failure it is over: `idle` throws what went wrong. */
export class CommitQueue {
  #running: Promise<void> = Promise.resolve();
  #rest: Promise<unknown> = Promise.resolve();
  #isBusy = false;
  #isResting = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(private readonly pace: Pace) {}

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** After a transaction, until the next is due. Meanwhile a batch gathers. */
  get isResting(): boolean {
    return this.#isResting;
  }

  /** Must not be called while one is running. `records`: of the ledger. */
  run(records: number, work: () => Promise<void>): void {
    if (this.#isBusy) throw new Error('one transaction at a time');
    this.#isBusy = true;
    const startedMs = this.pace.monotonicMs();
    this.#running = work();
    this.#running.then(
      () => {
        this.#isBusy = false;
        this.#restAfter(records, this.pace.monotonicMs() - startedMs);
      },
      (error: unknown) => (this.#failure = { error }), // and stays busy, so that nothing more is committed
    );
  }

  /** Notices a failure also when nothing waits for the transaction. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Resolves once none is running. */
  async idle(): Promise<void> {
    return this.#running;
  }

  /** Resolves when the rest is over. */
  async rested(): Promise<void> {
    await this.#rest;
  }

  #restAfter(records: number, tookMs: number): void {
    if (!this.pace.pause) return;
    const dueMs = Math.min(PACE_MS + PACE_MS_A_RECORD * records, PACE_MAX_MS) - tookMs;
    this.#isResting = true;
    this.#rest = this.pace.pause(Math.min(Math.max(dueMs, REST_SHARE_MIN * tookMs), REST_MAX_MS)).finally(() => (this.#isResting = false));
  }
}
