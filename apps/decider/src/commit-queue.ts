/** Rests of as many times what the transaction took. Where two cores are shared by all, 1 makes more transactions than they carry. */
const REST_TIMES = 2;
/** Unit ms. So that a transaction that hung, or a clock that jumped, is not followed by a long rest. */
const REST_MAX_MS = 20;

export interface Pace {
  /** Unit ms, never set back. */
  readonly monotonicMs: () => number;
  /** Waits so many ms; without it nothing rests. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** One transaction at a time, beside the deciding of the next batch. After a failure it is over: `idle` throws what went wrong. */
export class CommitQueue {
  #running: Promise<bigint> = Promise.resolve(0n);
  #rest: Promise<unknown> = Promise.resolve();
  #isBusy = false;
  #isResting = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(private readonly pace: Pace) {}

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * After a transaction, twice as long as it took: each costs the broker as much as dozens of records do, and one at the heels of another waits
   * for its markers. Meanwhile a batch gathers.
   */
  get isResting(): boolean {
    return this.#isResting;
  }

  /** Must not be called while one is running. `work` resolves to the offset of the last ledger record it committed. */
  run(work: () => Promise<bigint>): void {
    if (this.#isBusy) throw new Error('one transaction at a time');
    this.#isBusy = true;
    const startedMs = this.pace.monotonicMs();
    this.#running = work();
    this.#running.then(
      () => {
        this.#isBusy = false;
        this.#restFor(this.pace.monotonicMs() - startedMs);
      },
      (error: unknown) => (this.#failure = { error }), // and stays busy, so that nothing more is committed
    );
  }

  /** Notices a failure also when nothing waits for the transaction. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Resolves to what the last one resolved to, once none is running. */
  async idle(): Promise<bigint> {
    return this.#running;
  }

  /** Resolves when the rest is over. */
  async rested(): Promise<void> {
    await this.#rest;
  }

  #restFor(ms: number): void {
    if (!this.pace.pause) return;
    this.#isResting = true;
    this.#rest = this.pace.pause(Math.min(REST_TIMES * ms, REST_MAX_MS)).finally(() => (this.#isResting = false));
  }
}
