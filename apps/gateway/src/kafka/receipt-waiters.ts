/** Callers that wait for a receipt at the same time; beyond it a caller gets the pending state at once, and may ask again. */
export const WAITERS_MAX = 1000;

/** Wakes callers when the entry made from their record has its receipt. */
export class ReceiptWaiters {
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;
  #closed = false;

  get count(): number {
    return this.#count;
  }

  /** Resolves on the receipt, after `forMs`, at close, or at once when too many wait. Nothing is missed: the fold runs in the same thread. */
  async wait(partition: number, offset: number, forMs: number, isThere: () => boolean): Promise<void> {
    if (this.#closed || this.#count >= WAITERS_MAX || isThere()) return;
    const key = `${partition}/${offset}`;
    this.#count += 1;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#forget(key, wake);
        resolve();
      };
      const timer = setTimeout(wake, forMs);
      this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(wake));
    });
  }

  wake(partition: number, offset: number): void {
    for (const wake of this.#waiting.get(`${partition}/${offset}`) ?? []) wake();
  }

  close(): void {
    this.#closed = true;
    for (const waiting of [...this.#waiting.values()]) for (const wake of waiting) wake();
  }

  #forget(key: string, wake: () => void): void {
    const waiting = this.#waiting.get(key);
    if (!waiting?.delete(wake)) return;
    this.#count -= 1;
    if (waiting.size === 0) this.#waiting.delete(key);
  }
}
