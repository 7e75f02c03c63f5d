import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RateLimits, ratesFrom, ratesOf, TENANT_RATE_DEFAULT } from './rates.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });
const acme = { tenant: 'acme', token: 't1' };
const other = { tenant: 'acme', token: 't2' };
const globex = { tenant: 'globex', token: 't1' };

function limits(perSecond: number) {
  let nowMs = 0;
  const of = new RateLimits(ratesOf(perSecond), () => nowMs);
  const take = (who: typeof acme, isProposal = true): number | 'taken' => {
    try {
      of.take(who, isProposal);
      return 'taken';
    } catch (error) {
      return (error as { extras: { retryAfterS: number } }).extras.retryAfterS;
    }
  };
  const drain = (who: typeof acme, isProposal = true): number => {
    for (let taken = 0; ; taken++) if (take(who, isProposal) !== 'taken') return taken;
  };
  return { take, drain, wait: (ms: number) => (nowMs += ms) };
}

describe('how often one may ask', () => {
  it('has a burst and a steady rate, of the token and of the tenant', () => {
    const { drain, wait } = limits(100);
    expect([drain(acme), drain(other), drain(acme)]).toEqual([25, 25, 0]);
    wait(100);
    expect([drain(acme), drain(other)]).toEqual([5, 5]);
    wait(60_000);
    expect([drain(acme), drain(other)]).toEqual([25, 25]);
  });

  it('is no matter between tenants, nor between proposals and reads', () => {
    const { drain } = limits(100);
    drain(acme);
    expect([drain(globex), drain(acme, false)]).toEqual([25, 50]);
  });

  it('says after how many seconds to ask again, and it is true', () => {
    const { drain, take, wait } = limits(0.5);
    drain(acme);
    const retryAfterS = take(acme);
    expect(retryAfterS).toBe(4);
    wait(Number(retryAfterS) * 1000 - 1);
    expect(take(acme)).toBe(1);
    wait(1);
    expect(take(acme)).toBe('taken');
  });

  it('takes nothing of the tenant when the token has none left', () => {
    const { drain } = limits(100);
    drain(acme);
    for (let at = 0; at < 1000; at++) drain(acme);
    expect(drain(other)).toBe(25);
  });

  it('never lets more through than burst and rate allow', () => {
    const step = fc.record({ waitMs: fc.nat(300), asks: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { take, wait } = limits(40);
        let [elapsedMs, taken] = [0, 0];
        for (const { waitMs, asks } of steps) {
          wait(waitMs);
          elapsedMs += waitMs;
          for (let at = 0; at < asks; at++) if (take(acme) === 'taken') taken += 1;
          expect(taken).toBeLessThanOrEqual(10 + (elapsedMs / 1000) * 20 + 1e-6);
        }
      }),
    );
  });
});

it('is set by COUNTERSIGN_TENANT_RATE, and refuses what is no rate', () => {
  expect(ratesFrom({})).toEqual(ratesOf(TENANT_RATE_DEFAULT));
  expect(ratesFrom({ COUNTERSIGN_TENANT_RATE: '20' })).toEqual(ratesOf(20));
  for (const text of ['0', '-1', 'many', 'Infinity'])
    expect(() => ratesFrom({ COUNTERSIGN_TENANT_RATE: text })).toThrow('COUNTERSIGN_TENANT_RATE');
});
