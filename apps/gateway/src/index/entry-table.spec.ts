import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EntryTable, type NewEntry, placeKey } from './entry-table.ts';

const source = (offset: number, epoch = 0, partition = 0) => ({ topic: 'actions' as const, partition, epoch, offset });
const table = (entries: readonly NewEntry[], max?: number): EntryTable => {
  const made = new EntryTable(max);
  for (const entry of entries) made.add(entry);
  return made;
};

describe('entry table', () => {
  it('finds an entry by tenant and index, and by the record it was made from', () => {
    const made = table([
      { tenant: 'acme', leafIndex: 0, source: source(4) },
      { tenant: 'globex', leafIndex: 0, source: source(6) },
      { tenant: 'acme', leafIndex: 1, source: undefined },
    ]);
    expect(made.get(made.slotOf('acme', 1) ?? -1)).toEqual({
      tenant: 'acme',
      generation: 0,
      leafIndex: 1,
      source: undefined,
      receiptOffset: undefined,
    });
    expect(made.slotsFrom('actions', 0, 6).map((slot) => made.get(slot)?.tenant)).toEqual(['globex']);
    expect([made.slotsFrom('actions', 0, 5), made.slotsFrom('controls', 0, 4), made.slotsFrom('actions', 1, 4)]).toEqual([[], [], []]);
    expect([made.slotOf('acme', 2), made.slotOf('acme', -1), made.slotOf('nobody', 0)]).toEqual([undefined, undefined, undefined]);
  });

  it('gives every part of one record', () => {
    const made = table(['_system.0', 'acme', 'globex'].map((tenant) => ({ tenant, leafIndex: 0, source: source(9) })));
    expect(made.slotsFrom('actions', 0, 9)).toHaveLength(3);
  });

  it('answers for the newest epoch that has the offset', () => {
    const made = table([
      { tenant: 'acme', leafIndex: 0, source: source(0, 0) },
      { tenant: 'acme', leafIndex: 1, source: source(7, 0) },
      { tenant: 'acme', leafIndex: 2, source: source(0, 1) },
    ]);
    expect(made.slotsFrom('actions', 0, 0).map((slot) => made.get(slot)?.leafIndex)).toEqual([2]);
    expect(made.slotsFrom('actions', 0, 7).map((slot) => made.get(slot)?.leafIndex)).toEqual([1]);
  });

  it('finds entries by the digest of their payload, the newest first, and never one that was dropped', () => {
    const digest = (character: string) => character.repeat(64);
    const made = table(
      ['a', 'b', 'a', 'a', 'c'].map((character, leafIndex) => ({
        tenant: 'acme',
        leafIndex,
        source: source(leafIndex),
        digest: digest(character),
      })),
      4,
    );
    const found = (character: string) => made.slotsOf(digest(character)).map((slot) => made.get(slot)?.leafIndex);
    expect([found('a'), found('b'), found('d')]).toEqual([[3, 2], [1], []]);
    made.add({ tenant: 'acme', leafIndex: 5, source: undefined });
    expect([found('b'), made.waitKeyOf(made.nextSlot - 1)]).toEqual([[], undefined]);
  });

  it('knows whom refused bytes name, until the entry is dropped', () => {
    const made = table([{ tenant: '_system.0', leafIndex: 0, source: source(4), sender: 'acme' }], 1);
    expect(made.get(0)?.sender).toBe('acme');
    expect(made.waitKeyOf(0)).toBe(placeKey(source(4)));
    made.add({ tenant: '_system.0', leafIndex: 1, source: source(5), sender: '' });
    expect(made.get(1)?.sender).toBe('');
  });

  it('drops the oldest beyond its maximum, and never shows one entry under the name of another', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (tenants, max) => {
        const made = new EntryTable(max);
        const sizes = new Map<string, number>();
        const all = tenants.map((tenant, at) => {
          const leafIndex = sizes.get(tenant) ?? 0;
          sizes.set(tenant, leafIndex + 1);
          const entry = { tenant, leafIndex, source: source(at * 2) };
          const { slot } = made.add(entry);
          made.setReceipt(slot, at * 3);
          return { ...entry, generation: 0, receiptOffset: at * 3 };
        });
        expect(made.size).toBe(Math.min(max, all.length));
        all.forEach((entry, at) => {
          const expected = at >= all.length - max ? entry : undefined;
          const byIndex = made.slotOf(entry.tenant, entry.leafIndex);
          expect(byIndex === undefined ? undefined : made.get(byIndex)).toEqual(expected);
          expect(made.slotsFrom('actions', 0, entry.source.offset).map((slot) => made.get(slot))).toEqual(expected ? [expected] : []);
        });
        for (const [tenant, size] of sizes) expect(made.treeSize(tenant)).toBe(size);
      }),
    );
  });

  it('grows beyond its first capacity without losing one', () => {
    const made = table(
      Array.from({ length: 10_000 }, (_, leafIndex) => ({ tenant: 'acme', leafIndex, source: source(leafIndex) })),
      9_000,
    );
    expect([made.size, made.slotOf('acme', 999), made.get(made.slotOf('acme', 1000) ?? -1)?.leafIndex]).toEqual([9_000, undefined, 1000]);
    expect(made.get(made.slotOf('acme', 9_999) ?? -1)?.source?.offset).toBe(9_999);
  });
});
