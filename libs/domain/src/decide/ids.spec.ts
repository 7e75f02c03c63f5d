import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ID_ROW_BYTES } from './id-table.ts';
import { IdBook, type KnownId } from './ids.ts';

const MINUTE_MS = 60_000;

/** What the book promises, in the plainest way. */
class Model {
  readonly known = new Map<string, KnownId>();
  forgetExpired(nowMs: number): void {
    for (const [key, { open, expiresAtMs }] of this.known) {
      if (!open && (Math.floor(expiresAtMs / MINUTE_MS) + 1) * MINUTE_MS <= nowMs) this.known.delete(key);
    }
  }
}

const steps = fc.array(
  fc.record({
    key: fc.integer({ min: 0, max: 40 }).map((id) => `platform\0a-${id}`),
    what: fc.constantFrom('remember', 'remember', 'remember', 'settle', 'sweep', 'restart'),
    laterMs: fc.integer({ min: 0, max: 2 * MINUTE_MS }),
    lifetimeMs: fc.integer({ min: 0, max: 6 * MINUTE_MS }),
    open: fc.boolean(),
    digest: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 })),
  }),
  { maxLength: 300 },
);

describe('a book of ids', () => {
  it('knows what it was told, until that is over, through growth, sweeps and restarts', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let book = new IdBook();
        const model = new Model();
        let nowMs = 1_790_000_000_000;
        all.forEach(({ key, what, laterMs, lifetimeMs, open, digest }, index) => {
          nowMs += laterMs;
          // As evolve does: first what is over is forgotten, then the entry counts.
          model.forgetExpired(nowMs);
          const before = book.size;
          expect(book.forgettable(nowMs)).toBe(before - model.known.size);
          expect(book.forgetExpired(nowMs)).toBe(before - model.known.size);
          const known = model.known.get(key);
          if (what === 'remember' && !known) {
            const id = { index, digest, expiresAtMs: nowMs + lifetimeMs, open };
            model.known.set(key, id);
            book.remember(key, id);
          } else if (what === 'settle' && known) {
            model.known.set(key, { ...known, open: false });
            book.settle(key);
          } else if (what === 'restart') book = IdBook.decode(book.encode());
          expect(book.size).toBe(model.known.size);
          expect(book.firstOf(key, nowMs)).toEqual(firstOf(model, key, nowMs));
        });
        for (let id = 0; id <= 40; id++) {
          const key = `platform\0a-${id}`;
          expect(book.firstOf(key, nowMs)).toEqual(firstOf(model, key, nowMs));
        }
      }),
    );
  });

  it('holds ten thousand, forgets every other one, and finds each of the rest', () => {
    const book = new IdBook();
    const id = (index: number): KnownId => ({
      index,
      digest: new Uint8Array(16).fill(index),
      expiresAtMs: index % 2 === 0 ? 0 : 10 * MINUTE_MS,
      open: false,
    });
    for (let index = 0; index < 10_000; index++) book.remember(`i\0${index}`, id(index));
    expect(book.forgetExpired(MINUTE_MS)).toBe(5000);
    for (let index = 0; index < 10_000; index++) {
      expect(book.firstOf(`i\0${index}`, MINUTE_MS)).toEqual(index % 2 === 0 ? undefined : id(index));
    }
    for (let index = 10_000; index < 15_000; index++) book.remember(`i\0${index}`, id(index));
    expect(book.size).toBe(10_000);
    expect(book.encode().length).toBe(10_000 * ID_ROW_BYTES);
  });

  it('writes what it holds in the order of the leaves, whatever was forgotten in between', () => {
    const idAt = (index: number, expiresAtMs: number): KnownId => ({
      index,
      digest: new Uint8Array(16).fill(index),
      expiresAtMs,
      open: false,
    });
    const [forgetful, plain] = [new IdBook(), new IdBook()];
    for (const index of [0, 1, 2]) forgetful.remember(`a-${index}`, idAt(index, index === 0 ? 0 : 9 * MINUTE_MS));
    expect(forgetful.forgetExpired(2 * MINUTE_MS)).toBe(1);
    forgetful.remember('a-3', idAt(3, 9 * MINUTE_MS)); // where the first one was
    for (const index of [1, 2, 3]) plain.remember(`a-${index}`, idAt(index, 9 * MINUTE_MS));
    expect(forgetful.encode()).toEqual(plain.encode());
  });

  it('refuses bytes that it did not write', () => {
    const book = new IdBook();
    book.remember('i\0a', { index: 1, digest: null, expiresAtMs: 5, open: true });
    const row = book.encode();
    expect(IdBook.decode(row).firstOf('i\0a', 0)).toEqual({ index: 1, digest: null, expiresAtMs: 5, open: true });
    expect(() => IdBook.decode(row.subarray(1))).toThrow('ids: ');
    expect(() => IdBook.decode(Uint8Array.of(...row, ...row))).toThrow('twice');
    for (const [at, byte] of [
      [48, 0], // not in use
      [48, 33], // a flag that does not exist
      [33, 0xff], // no index
      [40, 0x7f], // no time
    ] as const) {
      expect(() => IdBook.decode(row.with(at, byte))).toThrow('ids: ');
    }
  });
});

function firstOf({ known }: Model, key: string, nowMs: number): KnownId | undefined {
  const id = known.get(key);
  const isOver = id && (Math.floor(id.expiresAtMs / MINUTE_MS) + 1) * MINUTE_MS <= nowMs;
  return id && (id.open || !isOver) ? id : undefined;
}
