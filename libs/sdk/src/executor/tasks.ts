/** Work that goes on beside the verdicts, until the executor ends. */
export class Tasks {
  readonly #running = new Set<Promise<void>>();
  readonly #fatal = Promise.withResolvers<never>();

  constructor() {
    this.#fatal.promise.catch(() => undefined); // whoever cares awaits it
  }

  /** Rejects with what the first piece of work could not go on after. */
  get fatal(): Promise<never> {
    return this.#fatal.promise;
  }

  start(work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => {
        if (!(error instanceof Closed)) this.#fatal.reject(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Resolves once nothing runs any more. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

/** The executor ends: what waited for something gives up without a word. */
export class Closed extends Error {
  override readonly name = 'Closed';
  constructor() {
    super('closed');
  }
}
