/** One transaction at a time, beside the deciding of the next batch. After a failure it is over: `idle` throws what went wrong. */
export class CommitQueue {
  #running: Promise<bigint> = Promise.resolve(0n);
  #isBusy = false;
  #failure: { readonly error: unknown } | undefined;

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Must not be called while one is running. `work` resolves to the offset of the last ledger record it committed. */
  run(work: () => Promise<bigint>): void {
    if (this.#isBusy) throw new Error('one transaction at a time');
    this.#isBusy = true;
    this.#running = work();
    this.#running.then(
      () => (this.#isBusy = false),
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
}
