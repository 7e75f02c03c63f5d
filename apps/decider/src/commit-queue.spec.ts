import { describe, expect, it } from 'vitest';

import { CommitQueue } from './commit-queue.ts';

/** A transaction that ends when the test says so. */
function transaction() {
  return Promise.withResolvers<undefined>();
}

describe('a commit queue', () => {
  it('is idle before the first, and idle again once that has ended', async () => {
    const queue = new CommitQueue();
    await queue.idle();
    const one = transaction();
    queue.run(() => one.promise);
    expect(queue.isBusy).toBe(true);
    one.resolve(undefined);
    await queue.idle();
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
