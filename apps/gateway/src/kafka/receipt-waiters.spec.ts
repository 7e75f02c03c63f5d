import { describe, expect, it } from 'vitest';

import { ReceiptWaiters, WAITERS_MAX } from './receipt-waiters.ts';

const never = (): boolean => false;
/** Unit ms. Longer than any test: what resolves was woken. */
const LONG_MS = 60_000;

describe('receipt waiters', () => {
  it('wakes everyone who waits for the record, and nobody else', async () => {
    const waiters = new ReceiptWaiters();
    const woken = Promise.all([waiters.wait(0, 7, LONG_MS, never), waiters.wait(0, 7, LONG_MS, never)]);
    const other = waiters.wait(1, 7, LONG_MS, never);
    waiters.wake(0, 7);
    await woken;
    expect(waiters.count).toBe(1);
    waiters.close();
    await other;
    expect(waiters.count).toBe(0);
  });
  it('does not wait for what is there, nor after close', async () => {
    const waiters = new ReceiptWaiters();
    await waiters.wait(0, 7, LONG_MS, () => true);
    waiters.close();
    await waiters.wait(0, 8, LONG_MS, never);
  });
  it('ends by itself', async () => {
    const waiters = new ReceiptWaiters();
    await waiters.wait(0, 7, 1, never);
    expect(waiters.count).toBe(0);
  });
  it('turns callers away beyond its maximum', async () => {
    const waiters = new ReceiptWaiters();
    const waiting = Array.from({ length: WAITERS_MAX }, (_, offset) => waiters.wait(0, offset, LONG_MS, never));
    await waiters.wait(1, 0, LONG_MS, never);
    waiters.close();
    await Promise.all(waiting);
  });
});
