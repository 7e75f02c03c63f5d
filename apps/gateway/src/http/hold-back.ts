import { Problem } from './problem.ts';

/** Unit ms. So long a refusal for haste is held back: who asks again at once asks 64 times a second with 64 connections, not 10,000 times. */
export const HOLD_BACK_MS = 1000;
/** Refusals held back at once, some kilobytes each; more are answered at once. */
export const HELD_MAX = 1000;

/**
 * Answers a request that was refused. A refusal costs as much as the reading of a request, so a caller that never pauses would take the
 * processor from the others, although nothing is decided for it: its refusal comes late, and so its next request.
 */
export class HoldBack {
  readonly #held = new Set<() => void>();

  get count(): number {
    return this.#held.size;
  }

  /** Calls `answer` now, or later when the refusal is for haste. */
  refuse(error: unknown, answer: () => void): void {
    if (!(error instanceof Problem) || error.code !== 'RATE_LIMITED' || this.#held.size >= HELD_MAX) {
      answer();
      return;
    }
    const release = (): void => {
      clearTimeout(timer);
      if (this.#held.delete(release)) answer();
    };
    const timer = setTimeout(release, HOLD_BACK_MS);
    this.#held.add(release);
  }

  /** Answers all that are held. */
  close(): void {
    for (const release of [...this.#held]) release();
  }
}
