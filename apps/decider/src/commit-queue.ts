/** One transaction at a time, beside the deciding of the next batch. After a failure it is over: `idle` throws what went wrong. */
export class CommitQueue {
  #running: Promise<void> = Promise.resolve();
  #isBusy = false;
  #failure: { readonly error: unknown } | undefined;

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Must not be called while one is running. */
  run(work: () => Promise<void>): void {
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

  /** Resolves once none is running. */
  async idle(): Promise<void> {
    return this.#running;
  }
}
