import { describe, expect, it, vi } from 'vitest';

import { bounded } from './bounded.ts';
import { BrokerUnavailable } from './errors.ts';

describe('a bounded wait', () => {
  it('gives what the work gives, result or error', async () => {
    expect(await bounded('work', 1000, Promise.resolve(7))).toBe(7);
    await expect(bounded('work', 1000, Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('ends when the work does not, and hands on what comes too late', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const work = Promise.withResolvers<string>();
    const late = vi.fn();
    const waiting = bounded('work', 1, work.promise, late);
    vi.advanceTimersByTime(1);
    await expect(waiting).rejects.toThrow(BrokerUnavailable);
    work.resolve('at last');
    await work.promise;
    expect(late).toHaveBeenCalledWith('at last');
    vi.useRealTimers();
  });
});
