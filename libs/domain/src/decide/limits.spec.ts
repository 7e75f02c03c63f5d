import { describe, expect, it } from 'vitest';

import { LimitBook, SLOTS_PER_WINDOW } from './limits.ts';

const LOG = 'log';
const WINDOW_MS = 24 * 60_000;
const SLOT_MS = WINDOW_MS / SLOTS_PER_WINDOW;
const count = (amount: number | null = 1, key = 'a') => ({ limit: 'one', key, amount });
const KEY = count();

function bookOf(
  ...added: readonly { index: number; nowMs: number; amount?: number | null; key?: string; isGone?: boolean; origin?: string }[]
): LimitBook {
  const book = new LimitBook();
  for (const { index, nowMs, amount, key, isGone = false, origin = LOG } of added) {
    book.add({ limit: 'one', origin, windowMs: WINDOW_MS, index, nowMs, count: isGone ? undefined : count(amount, key) });
  }
  return book;
}

describe('what a limit has counted', () => {
  it('counts for its whole window, and for less than a slot longer', () => {
    const last = SLOT_MS - 1;
    const book = bookOf({ index: 1, nowMs: last, amount: 5 });
    expect(book.spent(KEY, last + WINDOW_MS)).toBe(5);
    expect(book.spent(KEY, SLOT_MS + WINDOW_MS)).toBe(0);
  });
  it('is added up for each key by itself, over all slots', () => {
    const book = bookOf({ index: 1, nowMs: 0, amount: 5 }, { index: 2, nowMs: SLOT_MS, amount: 7 }, { index: 3, nowMs: SLOT_MS, key: 'b' });
    expect([book.spent(KEY, SLOT_MS), book.spent(count(1, 'b'), SLOT_MS), book.spent(count(1, 'c'), SLOT_MS)]).toEqual([12, 1, 0]);
  });
  it('is given back to the slot that it was counted in', () => {
    const book = bookOf({ index: 1, nowMs: 0, amount: 5 }, { index: 2, nowMs: SLOT_MS, amount: 7 });
    book.release(count(5), LOG, 1);
    expect([book.spent(KEY, SLOT_MS), book.size]).toEqual([7, 1]);
    book.release(count(7), LOG, 2);
    expect([book.spent(KEY, SLOT_MS), book.size]).toEqual([0, 0]);
  });
  it('is unknown where an input of its slot is erased, until that slot is out of the window', () => {
    const book = bookOf({ index: 1, nowMs: 0 }, { index: 5, nowMs: 1 }, { index: 9, nowMs: SLOT_MS });
    book.forget(LOG, [6]);
    expect(book.spent(KEY, SLOT_MS)).toBe(3);
    book.forget(LOG, [3]);
    expect(book.spent(count(1, 'never seen'), SLOT_MS)).toBe('unknown');
    expect(book.unknownOf('one', SLOT_MS)).toMatchObject([{ first: 1, last: 5 }]);
    expect(book.spent(KEY, SLOT_MS + WINDOW_MS)).toBe(1);
  });
  it('is the same whether an input was gone when it was read, or was erased later', () => {
    const [one, two] = [
      { index: 1, nowMs: 0 },
      { index: 5, nowMs: 1, amount: 9 },
    ];
    const live = bookOf(one, two);
    live.forget(LOG, [5]);
    live.release(count(9), LOG, 5);
    expect(live.encode()).toEqual(bookOf(one, { ...two, isGone: true }).encode());
  });
  it('of a next log, whose indexes begin again, is in slots of its own', () => {
    const book = bookOf({ index: 7, nowMs: 0, amount: 5 }, { index: 2, nowMs: 1, amount: 9, origin: 'next' });
    expect(book.unknownOf('one', 1)).toEqual([]);
    book.release(count(9), 'next', 2);
    expect(book.spent(KEY, 1)).toBe(5);
    book.forget('next', [2]);
    expect(book.unknownOf('one', 1)).toMatchObject([{ origin: 'next', first: 2, last: 2 }]);
  });
  it('of the same index in two logs is two decisions: one is given back, and one is erased, without the other', () => {
    const one = { index: 2, nowMs: 0, amount: 5 };
    const next = { index: 2, nowMs: 1, amount: 9, origin: 'next' };
    const released = bookOf(one, next);
    released.release(count(9), 'next', 2);
    expect(released.spent(KEY, 1)).toBe(5);
    const erased = bookOf(one, next);
    erased.forget('next', [2]);
    expect(erased.unknownOf('one', 1)).toMatchObject([{ origin: 'next', first: 2, last: 2 }]);
  });
  it('is not mixed up when the window of the limit changes', () => {
    const book = bookOf({ index: 1, nowMs: 0, amount: 5 });
    book.add({ limit: 'one', origin: LOG, windowMs: 60_000, index: 2, nowMs: 1, count: count(7) });
    book.release(count(5), LOG, 1);
    expect(book.spent(KEY, 1)).toBe(7);
    expect(book.spent(KEY, 70_000)).toBe(0);
  });
  it('is forgotten by a sweep once it is out of its window, and encoded whole', () => {
    const book = bookOf({ index: 1, nowMs: 0 }, { index: 2, nowMs: SLOT_MS, key: 'b' });
    expect(LimitBook.decode(book.encode()).encode()).toEqual(book.encode());
    expect([book.size, book.liveSize(SLOT_MS + WINDOW_MS)]).toEqual([2, 1]);
    book.sweep(SLOT_MS + WINDOW_MS);
    expect([book.size, LimitBook.decode(book.encode()).size]).toEqual([1, 1]);
    book.sweep(2 * SLOT_MS + WINDOW_MS);
    expect(book.encode()).toEqual([]);
  });
});
