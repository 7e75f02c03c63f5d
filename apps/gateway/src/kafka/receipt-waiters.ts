/** Callers that wait for a receipt at the same time; beyond it a caller gets the pending state at once, and may ask again. */
export const WAITERS_MAX = 1000;
/** Of one tenant: a quarter, so that no tenant alone fills what all share. */
export const WAITERS_TENANT_MAX = 250;

/** Wakes callers when what they wait for has its receipt. A key names a payload by its digest, or a refusal by the place of its record. */
export class ReceiptWaiters {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #countOf = new Map<string, number>();
  #count = 0;
  #closed = false;

  get count(): number {
    return this.#count;
  }

  /** Resolves on any of the keys, after `forMs`, at close, or at once when too many wait. Nothing is missed: the fold runs in the same thread. */
  async wait(tenant: string, keys: readonly string[], forMs: number, isThere: () => boolean): Promise<void> {
    const own = this.#countOf.get(tenant) ?? 0;
    if (this.#closed || this.#count >= WAITERS_MAX || own >= WAITERS_TENANT_MAX || isThere()) return;
    this.#count += 1;
    this.#countOf.set(tenant, own + 1);
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#forget(tenant, keys, wake);
        resolve();
      };
      const timer = setTimeout(wake, forMs);
      for (const key of keys) this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(wake));
    });
  }

  wake(key: string): void {
    for (const wake of [...(this.#waiting.get(key) ?? [])]) wake();
  }

  close(): void {
    this.#closed = true;
    for (const waiting of [...this.#waiting.values()]) for (const wake of [...waiting]) wake();
  }

  #forget(tenant: string, keys: readonly string[], wake: () => void): void {
    let isKnown = false;
    for (const key of keys) {
      const waiting = this.#waiting.get(key);
      if (!waiting?.delete(wake)) continue;
      isKnown = true;
      if (waiting.size === 0) this.#waiting.delete(key);
    }
    if (!isKnown) return;
    this.#count -= 1;
    const left = (this.#countOf.get(tenant) ?? 1) - 1;
    if (left > 0) this.#countOf.set(tenant, left);
    else this.#countOf.delete(tenant);
  }
}
