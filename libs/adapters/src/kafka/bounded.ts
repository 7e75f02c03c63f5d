import { setTimeout as delay } from 'node:timers/promises';

import { BrokerUnavailable } from './errors.ts';

/**
 * What `work` resolves to, or BrokerUnavailable after `ms`: the client's own time-outs cover each request, not what lies between them, and a
 * lane that waits for ever is worse than one that takes over again. `work` itself cannot be called off; `late` gets what comes too late.
 */
export async function bounded<T>(what: string, ms: number, work: Promise<T>, late?: (result: T) => unknown): Promise<T> {
  const timer = new AbortController();
  let isLate = false;
  const limit = delay(ms, undefined, { signal: timer.signal }).then(() => {
    isLate = true;
    throw new BrokerUnavailable(`${what}: no answer within ${ms} ms`);
  });
  work.then(
    (result) => (isLate ? late?.(result) : undefined),
    () => undefined, // told below, or too late to matter
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    timer.abort();
    limit.catch(() => undefined); // the abort of the timer itself
  }
}
