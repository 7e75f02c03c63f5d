/** For tests: time that passes only when it is told to. */
export class FakeTime {
  nowMs: number;
  /** How far the wall clock is ahead. */
  wallErrorMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** Rejects when the signal is aborted. */
  readonly pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
    new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        reject(signal.reason as Error);
      };
      this.#sleepers.add({ untilMs: this.nowMs + ms, wake: resolve });
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
    });

  /** One sleeper after the other: what it does is done before the next one wakes. */
  async pass(ms: number, isDone: () => Promise<void>): Promise<void> {
    const untilMs = this.nowMs + ms;
    await isDone();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#sleepers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.untilMs);
      next.wake();
      await isDone();
    }
    this.nowMs = untilMs;
  }

  #next(untilMs: number) {
    const due = [...this.#sleepers].filter((sleeper) => sleeper.untilMs <= untilMs);
    return due.toSorted((a, b) => a.untilMs - b.untilMs)[0];
  }
}
