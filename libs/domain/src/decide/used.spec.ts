import { describe, expect, it } from 'vitest';

import { UsedBook } from './used.ts';

const one = { digest: 'a'.repeat(64), untilMs: 1000 };
const two = { digest: 'b'.repeat(64), untilMs: 500_000 };

describe('statements that were used', () => {
  it('are counted until no bundle would count them', () => {
    const book = new UsedBook();
    book.use(one, 0);
    book.use(one, 1);
    expect([book.timesUsed(one.digest, 999), book.timesUsed(one.digest, 1000), book.timesUsed(two.digest, 0)]).toEqual([2, 0, 0]);
  });
  it('are given back one use at a time', () => {
    const book = new UsedBook();
    book.use(one, 0);
    book.use(one, 0);
    book.release(one);
    expect([book.timesUsed(one.digest, 0), book.size]).toEqual([1, 1]);
    book.release(one);
    book.release(one);
    expect([book.timesUsed(one.digest, 0), book.size]).toEqual([0, 0]);
  });
  it('are forgotten by a sweep afterwards, and encoded whole', () => {
    const book = new UsedBook();
    book.use(one, 0);
    expect(UsedBook.decode(book.encode()).encode()).toEqual(book.encode());
    expect([book.size, book.liveSize(1000)]).toEqual([1, 0]);
    book.use(two, 100_000);
    expect(book.encode()).toEqual([['b'.repeat(32), 1, 500_000]]);
  });
});
