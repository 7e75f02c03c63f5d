import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Freshness } from './freshness.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

describe('the age of facts', () => {
  it('is unknown before the end of the log was reached once, although a broker answers', () => {
    const facts = new Freshness();
    expect([facts.staleMs(5), facts.silentMs(5)]).toEqual([Infinity, Infinity]);
    facts.note({ askedAtMs: 10, nowMs: 12, end: 100n, next: 50n });
    expect([facts.staleMs(20), facts.silentMs(20)]).toEqual([Infinity, 8]);
  });

  it('grows while the end is not reached, however often a broker answers', () => {
    const facts = new Freshness();
    facts.note({ askedAtMs: 0, nowMs: 1, end: 5n, next: 5n });
    for (let at = 1000; at <= 20_000; at += 1000) facts.note({ askedAtMs: at, nowMs: at, end: 1_000_000n, next: BigInt(at) });
    expect([facts.staleMs(20_000), facts.silentMs(20_000)]).toEqual([20_000, 0]);
  });

  it('of a log that grows without rest is that of the last end which was passed', () => {
    const facts = new Freshness();
    facts.note({ askedAtMs: 0, nowMs: 0, end: 10n, next: 0n });
    facts.note({ askedAtMs: 100, nowMs: 100, end: 20n, next: 10n });
    facts.note({ askedAtMs: 200, nowMs: 200, end: 30n, next: 20n });
    expect(facts.staleMs(200)).toBe(100);
  });

  it('is never less than the truth', () => {
    const step = fc.record({ waitMs: fc.nat(50), written: fc.nat(5), folded: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const facts = new Freshness();
        const ends: [atMs: number, end: number][] = [];
        let [nowMs, end, next] = [0, 0, 0];
        for (const { waitMs, written, folded } of steps) {
          const askedAtMs = nowMs;
          nowMs += waitMs;
          end += written;
          ends.push([nowMs, end]); // grows at the worst moment: just before the answer
          next = Math.min(end, next + folded);
          facts.note({ askedAtMs, nowMs, end: BigInt(end), next: BigInt(next) });
          const missedSinceMs = ends.find(([, at]) => at > next)?.[0];
          if (missedSinceMs !== undefined) expect(facts.staleMs(nowMs)).toBeGreaterThanOrEqual(nowMs - missedSinceMs);
        }
      }),
    );
  });
});
