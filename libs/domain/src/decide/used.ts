/** Which statements of one tenant's parties have counted, and how often: by digest, until no bundle would count them any more. */
import type { Held } from './shares.ts';

/** Statements known on one lane: some 150 bytes each. */
export const USED_PER_LANE_MAX = 500_000;
/** Hex characters: 16 bytes; two that share them would need 2⁶⁴ tries, and the second would be refused as used. */
const DIGEST_CHARS = 32;
/** A sweep looks at all of them. */
const SWEEP_EVERY_MS = 60_000;

export type EncodedUsed = readonly (readonly [digest: string, uses: number, untilMs: number])[];

export class UsedBook implements Held {
  readonly #used = new Map<string, { uses: number; readonly untilMs: number }>();
  #sweptAtMs = 0;

  get size(): number {
    return this.#used.size;
  }

  liveSize(nowMs: number): number {
    let size = 0;
    for (const { untilMs } of this.#used.values()) if (nowMs < untilMs) size += 1;
    return size;
  }

  timesUsed(digest: string, nowMs: number): number {
    const used = this.#used.get(digest.slice(0, DIGEST_CHARS));
    return used && nowMs < used.untilMs ? used.uses : 0;
  }

  use({ digest, untilMs }: { readonly digest: string; readonly untilMs: number }, nowMs: number): void {
    this.#sweep(nowMs);
    const uses = this.timesUsed(digest, nowMs) + 1;
    this.#used.set(digest.slice(0, DIGEST_CHARS), { uses, untilMs });
  }

  /** What it counted for will not happen. */
  release({ digest }: { readonly digest: string }): void {
    const key = digest.slice(0, DIGEST_CHARS);
    const used = this.#used.get(key);
    if (!used) return;
    if (used.uses > 1) used.uses -= 1;
    else this.#used.delete(key);
  }

  encode(): EncodedUsed {
    return [...this.#used].map(([digest, { uses, untilMs }]) => [digest, uses, untilMs]);
  }

  static decode(encoded: EncodedUsed): UsedBook {
    const book = new UsedBook();
    for (const [digest, uses, untilMs] of encoded) book.#used.set(digest, { uses, untilMs });
    return book;
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + SWEEP_EVERY_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [digest, { untilMs }] of this.#used) if (nowMs >= untilMs) this.#used.delete(digest);
  }
}
