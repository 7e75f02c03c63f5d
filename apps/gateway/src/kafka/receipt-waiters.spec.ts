import { describe, expect, it } from 'vitest';

import { ReceiptWaiters, WAITERS_MAX, WAITERS_TENANT_MAX } from './receipt-waiters.ts';

const never = (): boolean => false;
/** Unit ms. Longer than any test: what resolves was woken. */
const LONG_MS = 60_000;

describe('receipt waiters', () => {
  it('wakes every caller that waits for one of its keys, and no other', async () => {
    const waiters = new ReceiptWaiters();
    const woken = Promise.all([waiters.wait('acme', ['a', 'b'], LONG_MS, never), waiters.wait('acme', ['b'], LONG_MS, never)]);
    const other = waiters.wait('acme', ['c'], LONG_MS, never);
    waiters.wake('b');
    await woken;
    expect(waiters.count).toBe(1);
    waiters.close();
    await other;
    expect(waiters.count).toBe(0);
  });
  it('does not wait for what is there, nor after close', async () => {
    const waiters = new ReceiptWaiters();
    await waiters.wait('acme', ['a'], LONG_MS, () => true);
    waiters.close();
    await waiters.wait('acme', ['a'], LONG_MS, never);
  });
  it('ends by itself', async () => {
    const waiters = new ReceiptWaiters();
    await waiters.wait('acme', ['a', 'b'], 1, never);
    expect(waiters.count).toBe(0);
  });
  it('turns away more of one tenant than its part, and not those of another', async () => {
    const waiters = new ReceiptWaiters();
    const waiting = Array.from({ length: WAITERS_TENANT_MAX }, (_, at) => waiters.wait('acme', [String(at)], LONG_MS, never));
    await waiters.wait('acme', ['more'], LONG_MS, never);
    const other = waiters.wait('globex', ['other'], LONG_MS, never);
    expect(waiters.count).toBe(WAITERS_TENANT_MAX + 1);
    waiters.close();
    await Promise.all([...waiting, other]);
    expect(waiters.count).toBe(0);
  });
  it('turns callers away beyond its maximum', async () => {
    const waiters = new ReceiptWaiters();
    const waiting = Array.from({ length: WAITERS_MAX }, (_, at) => waiters.wait(`tenant-${at % 8}`, [String(at)], LONG_MS, never));
    await waiters.wait('acme', ['more'], LONG_MS, never);
    waiters.close();
    await Promise.all(waiting);
  });
});
