import { Unavailable } from '../errors.ts';
import type { Teller } from './notice.ts';
import type { OpenClaim } from './open-claim.ts';
import { Closed } from './tasks.ts';

/** Unit ms, before what Kafka did not acknowledge is published again; doubles up to the second. */
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 10_000;

export interface OutboxOptions {
  /** Unit ms. Rejects when the signal is aborted. Between tries of a publication, between claims, and until a permit's time has come. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Publishes claims and reports, again and again until Kafka has them. */
export class Outbox {
  readonly #pause: OutboxOptions['pause'];
  readonly #teller: Teller;
  readonly #stop = new AbortController();

  constructor({ pause }: OutboxOptions, teller: Teller) {
    this.#pause = pause;
    this.#teller = teller;
  }

  /** Throws Closed when the executor ends. */
  expectOpen(): void {
    if (this.#stop.signal.aborted) throw new Closed();
  }

  close(why: Error): void {
    this.#stop.abort(why);
  }

  /** true: Kafka has it. false: it can never be sent. undefined: an answer came meanwhile, so it had arrived. */
  async send(open: OpenClaim, send: () => Promise<unknown>): Promise<boolean | undefined> {
    const waitsForGrant = !open.answered;
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        await send();
        return true;
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          this.#teller.tell(open.verdict, 'NOT_SENT', {
            detail: error instanceof Error ? error.message : String(error),
            claim: open.claim,
          });
          return false;
        }
      }
      if (waitsForGrant && open.answered) return undefined;
      await this.pause(pauseMs);
    }
  }

  /** Unit ms. Throws Closed when the executor ends meanwhile. */
  async pause(ms: number): Promise<void> {
    await this.#pause(ms, this.#stop.signal).catch(() => {
      throw new Closed();
    });
  }
}
