import { describe, expect, it } from 'vitest';

import { CommitQueue } from './commit-queue.ts';

/** A transaction that ends when the test says so. */
function transaction() {
  return Promise.withResolvers<undefined>();
}

describe('a commit queue', () => {
  it('is idle before the first, and idle again once that has ended', async () => {
    const queue = new CommitQueue({ monotonicMs: () => 0 });
    await queue.idle();
    const one = transaction();
    queue.run(1, () => one.promise);
    expect(queue.isBusy).toBe(true);
    one.resolve(undefined);
    await queue.idle();
    expect(queue.isBusy).toBe(false);
  });

  it('never runs two at once', () => {
    const queue = new CommitQueue({ monotonicMs: () => 0 });
    queue.run(1, () => transaction().promise);
    expect(() => {
      queue.run(1, () => transaction().promise);
    }).toThrow('one transaction at a time');
  });

  it('is over after a failure: said to who waits and to who asks, and never run again', async () => {
    const queue = new CommitQueue({ monotonicMs: () => 0 });
    const one = transaction();
    queue.run(1, () => one.promise);
    one.reject(new Error('fenced'));
    await expect(queue.idle()).rejects.toThrow('fenced');
    expect(() => {
      queue.throwIfFailed();
    }).toThrow('fenced');
    expect(queue.isBusy).toBe(true);
  });

  it('rests after one until the next is due, the later the more records share it, but never for long, and not at all without a pause', async () => {
    let now = 0;
    const passing = (ms: number): Promise<void> => {
      now += ms;
      return Promise.resolve();
    };
    const pauses: { ms: number; end: () => void }[] = [];
    const pause = (ms: number): Promise<void> => new Promise((end) => pauses.push({ ms, end }));
    const queue = new CommitQueue({ monotonicMs: () => now, pause });
    for (const [records, took, rests] of [
      [1, 4, 6.5],
      [20, 4, 16],
      [1000, 4, 21],
      [1, 30, 15],
      [1, 60_000, 25],
    ] as const) {
      queue.run(records, () => passing(took));
      await queue.idle();
      expect(queue.isResting).toBe(true);
      expect(pauses.at(-1)?.ms).toBe(rests);
      pauses.at(-1)?.end();
      await queue.rested();
      expect(queue.isResting).toBe(false);
    }
    const restless = new CommitQueue({ monotonicMs: () => now });
    restless.run(1, () => passing(10));
    await restless.idle();
    expect(restless.isResting).toBe(false);
  });
});
