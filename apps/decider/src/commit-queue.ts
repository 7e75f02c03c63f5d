/** One transaction at a time, beside the deciding of the next batch. After a failure it is over: `idle` throws what went wrong. */
export class CommitQueue {
  #running: Promise<bigint> = Promise.resolve(0n);
  #isBusy = false;
  #failure: { readonly error: unknown } | undefined;
  #endedMs = -Infinity;
  #tookMs = 0;

  /** Never set back, unit ms. */
  constructor(private readonly monotonicMs: () => number = () => performance.now()) {}

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Must not be called while one is running. `work` resolves to the offset of the last ledger record it committed. */
  run(work: () => Promise<bigint>): void {
    if (this.#isBusy) throw new Error('one transaction at a time');
    this.#isBusy = true;
    const startedMs = this.monotonicMs();
    this.#running = work();
    this.#running.then(
      () => {
        this.#isBusy = false;
        this.#endedMs = this.monotonicMs();
        this.#tookMs = this.#endedMs - startedMs;
      },
      (error: unknown) => (this.#failure = { error }), // and stays busy, so that nothing more is committed
    );
  }

  /**
   * Unit ms. How long to go on gathering, so that transactions take half of the time at most: each costs the broker as much as dozens of
   * records do, and one that follows at the heels of another waits for its markers. 0 after a pause.
   */
  get restMs(): number {
    return Math.max(0, this.#endedMs + this.#tookMs - this.monotonicMs());
  }

  /** Notices a failure also when nothing waits for the transaction. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Resolves to what the last one resolved to, once none is running. */
  async idle(): Promise<bigint> {
    return this.#running;
  }
}
