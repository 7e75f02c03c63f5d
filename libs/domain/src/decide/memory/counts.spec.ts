import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { admits, Counts } from './counts.ts';

const MAX = 1000;
const capacity = (tenants: number, issuers = 2) => ({ max: MAX, tenants, issuers });

/** Adds for `asker` until no more is admitted; returns how many that were. */
function fill(counts: Counts, tenant: string, issuer: string, of = capacity(10)): number {
  let added = 0;
  for (; admits(counts, of, { tenant, issuer }); added++) counts.add(tenant, issuer, 1);
  return added;
}

describe('the room of a lane', () => {
  it('that others leave idle is lent to one tenant, but for a quarter', () => {
    const counts = new Counts();
    expect(fill(counts, 'acme', 'platform')).toBeGreaterThan(MAX / 2);
    expect(counts.total).toBeLessThanOrEqual((MAX * 3) / 4);
  });

  it('is left for the share of each tenant, whatever one of them floods', () => {
    const counts = new Counts();
    fill(counts, 'acme', 'platform');
    fill(counts, 'acme', 'runner');
    for (const tenant of ['b', 'c']) {
      fill(counts, tenant, 'platform');
      fill(counts, tenant, 'runner');
      expect(counts.ofTenant(tenant)).toBe(MAX / 10);
    }
  });

  it('is left for the other issuers of a tenant, whatever one of them floods', () => {
    const counts = new Counts();
    const one = capacity(1, 3);
    const byRunner = fill(counts, 'acme', 'runner', one);
    expect(byRunner).toBeLessThan((MAX * 3) / 4);
    expect(fill(counts, 'acme', 'platform', one)).toBeGreaterThan(MAX / 10);
  });

  it('is never more than the whole', () => {
    const ask = fc.record({ tenant: fc.constantFrom('a', 'b', 'c', 'd'), issuer: fc.constantFrom('x', 'y', 'z'), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 400 }), (asks) => {
        const counts = new Counts();
        const small = { max: 40, tenants: 4, issuers: 3 };
        for (const { tenant, issuer, leaves } of asks) {
          if (leaves && counts.ofIssuer(tenant, issuer) > 0) counts.add(tenant, issuer, -1);
          const below = counts.ofTenant(tenant) === 0;
          const admitted = admits(counts, small, { tenant, issuer });
          // A tenant without anything is always admitted: a quarter of the lane is never lent, and four shares are all of it.
          if (below && counts.total < 40) expect(admitted).toBe(true);
          if (admitted) counts.add(tenant, issuer, 1);
          expect(counts.total).toBeLessThanOrEqual(40);
        }
      }),
    );
  });

  it('is counted down to nothing when all of it is over', () => {
    const counts = new Counts();
    for (const more of [1, 1, -1, -1] as const) counts.add('acme', 'platform', more);
    expect([counts.total, counts.ofTenant('acme'), counts.ofIssuer('acme', 'platform')]).toEqual([0, 0, 0]);
  });
});
