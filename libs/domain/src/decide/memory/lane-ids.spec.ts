import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LaneIds, type IdName, type RememberedId } from './lane-ids.ts';

const SECOND_MS = 1000;

/** What the table promises, in the plainest way. */
class Model {
  readonly known = new Map<string, RememberedId & { readonly name: IdName }>();

  find(name: IdName, nowMs: number): RememberedId | undefined {
    const found = this.known.get(JSON.stringify(name));
    if (!found || (!found.open && nowMs >= found.untilMs)) return undefined;
    const { name: _, ...id } = found;
    return id;
  }

  change(name: IdName, change: Partial<RememberedId>): void {
    const key = JSON.stringify(name);
    const found = this.known.get(key);
    if (found) this.known.set(key, { ...found, ...change });
  }

  sweep(nowMs: number): void {
    for (const [key, { open, untilMs }] of this.known) {
      if (!open && (Math.floor(untilMs / SECOND_MS) + 1) * SECOND_MS <= nowMs) this.known.delete(key);
    }
  }

  of(tenant: string): number {
    return [...this.known.values()].filter(({ name }) => name.tenant === tenant).length;
  }
}

const steps = fc.array(
  fc.record({
    name: fc.record({
      tenant: fc.constantFrom('acme', 'globex'),
      issuer: fc.constantFrom('platform', 'runner'),
      id: fc.integer({ min: 0, max: 12 }).map((id) => `a-${id}`),
    }),
    what: fc.constantFrom('remember', 'remember', 'remember', 'prolong', 'permit', 'claim', 'settle', 'erase', 'restart'),
    laterMs: fc.integer({ min: 0, max: 2 * SECOND_MS }),
    lifetimeMs: fc.integer({ min: 0, max: 6 * SECOND_MS }),
    open: fc.boolean(),
    bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
  { maxLength: 300 },
);

describe('the ids of a lane', () => {
  it('are known as they were told, each until it is over, through growth, sweeps and restarts', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let ids = new LaneIds();
        const model = new Model();
        let nowMs = 1_790_000_000_000;
        all.forEach(({ name, what, laterMs, lifetimeMs, open, bytes }, index) => {
          nowMs += laterMs;
          const taken = ids.takenAt(nowMs);
          model.sweep(nowMs);
          expect([taken.total, taken.ofTenant('acme'), taken.ofTenant('globex')]).toEqual([
            model.known.size,
            model.of('acme'),
            model.of('globex'),
          ]);
          ids.sweep(nowMs);
          const known = model.find(name, nowMs);
          const untilMs = nowMs + lifetimeMs;
          if (what === 'remember' && !known) {
            ids.remember(name, { index, digest: bytes, untilMs, open });
            model.known.set(JSON.stringify(name), {
              name,
              index,
              digest: bytes,
              permit: null,
              untilMs,
              open,
              claimed: false,
              log: undefined,
            });
          } else if (what === 'prolong' && known) {
            ids.prolong(name, untilMs);
            model.change(name, { untilMs: Math.max(untilMs, known.untilMs) });
          } else if (what === 'permit' && known) {
            ids.permit(name, bytes, untilMs);
            model.change(name, { permit: bytes, untilMs: Math.max(untilMs, known.untilMs) });
          } else if (what === 'claim' && known) {
            ids.claim(name);
            model.change(name, { claimed: true });
          } else if (what === 'settle' && known) {
            ids.settle(name);
            model.change(name, { open: false });
          } else if (what === 'erase' && known) {
            ids.forgetDigests(name.tenant, new Set([known.index]));
            model.change(name, { digest: null });
          } else if (what === 'restart') ids = LaneIds.decode(ids.encode());
          expect([ids.size, ids.counts.total, ids.counts.ofTenant('acme')]).toEqual([model.known.size, model.known.size, model.of('acme')]);
          expect(ids.find(name, nowMs)).toEqual(model.find(name, nowMs));
        });
        for (const { name } of model.known.values()) expect(ids.find(name, nowMs)).toEqual(model.find(name, nowMs));
      }),
    );
  });

  it('of an erased leaf of one tenant stay what they were for another tenant', () => {
    const ids = new LaneIds();
    const [acme, globex] = ['acme', 'globex'].map((tenant) => ({ tenant, issuer: 'platform', id: 'a-1' })) as [IdName, IdName];
    for (const name of [acme, globex]) ids.remember(name, { index: 7, digest: new Uint8Array(16).fill(1), untilMs: 10, open: false });
    ids.forgetDigests('acme', new Set([7]));
    expect([ids.find(acme, 0)?.digest, ids.find(globex, 0)?.digest]).toEqual([null, new Uint8Array(16).fill(1)]);
  });

  it('that were not written by encode are refused', () => {
    const ids = new LaneIds();
    ids.remember({ tenant: 'acme', issuer: 'platform', id: 'a' }, { index: 1, digest: null, untilMs: 5, open: true });
    const { owners, rows } = ids.encode();
    expect(() => LaneIds.decode({ owners: [], rows })).toThrow('without an owner');
    expect(() => LaneIds.decode({ owners, rows: rows.subarray(1) })).toThrow('ids: ');
  });
});
