/** How many effects run at once. Those that wait get their turn in order. */
export class Slots {
  #free: number;
  readonly #waiting: { readonly resolve: (release: () => void) => void; readonly reject: (error: Error) => void }[] = [];
  #closed: Error | undefined;

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves with what gives the slot back. Rejects once closed. */
  take(): Promise<() => void> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#next();
    });
  }

  close(why: Error): void {
    this.#closed = why;
    for (const { reject } of this.#waiting.splice(0)) reject(why);
  }

  #next(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#free -= 1;
      next.resolve(this.#releaseOnce());
    }
  }

  #releaseOnce(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free += 1;
      this.#next();
    };
  }
}
