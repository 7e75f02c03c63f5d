import { describe, expect, it } from 'vitest';

import { CommitQueue } from './commit-queue.ts';

/** A transaction that ends when the test says so. */
function transaction() {
  return Promise.withResolvers<bigint>();
}

describe('a commit queue', () => {
  it('is idle before the first, and idle again with what the last one resolved to', async () => {
    const queue = new CommitQueue();
    expect(await queue.idle()).toBe(0n);
    const one = transaction();
    queue.run(() => one.promise);
    expect(queue.isBusy).toBe(true);
    one.resolve(7n);
    expect(await queue.idle()).toBe(7n);
    expect(queue.isBusy).toBe(false);
  });

  it('never runs two at once', () => {
    const queue = new CommitQueue();
    queue.run(() => transaction().promise);
    expect(() => {
      queue.run(() => transaction().promise);
    }).toThrow('one transaction at a time');
  });

  it('is over after a failure: said to who waits and to who asks, and never run again', async () => {
    const queue = new CommitQueue();
    const one = transaction();
    queue.run(() => one.promise);
    one.reject(new Error('fenced'));
    await expect(queue.idle()).rejects.toThrow('fenced');
    expect(() => {
      queue.throwIfFailed();
    }).toThrow('fenced');
    expect(queue.isBusy).toBe(true);
  });
});
