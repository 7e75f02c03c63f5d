import { BrokerUnavailable } from './errors.ts';

/**
 * What `work` resolves to, or BrokerUnavailable after `ms`: the client's own time-outs cover each request, not what lies between them, and a
 * lane that waits for ever is worse than one that takes over again. `work` itself cannot be called off; `late` gets what comes too late.
 */
export async function bounded<T>(what: string, ms: number, work: Promise<T>, late?: (result: T) => unknown): Promise<T> {
  let isLate = false;
  // A bare timer: this runs for each request, and aborting a signal makes an error with a stack each time.
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(new BrokerUnavailable(`${what}: no answer within ${ms} ms`));
    }, ms);
  });
  work.then(
    (result) => (isLate ? late?.(result) : undefined),
    () => undefined, // told below, or too late to matter
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
