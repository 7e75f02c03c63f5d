import { setTimeout as delay } from 'node:timers/promises';

import type { MemoryBroker } from './memory-broker.ts';
import type { Network } from './memory-log.ts';

/** As a good network and an idle broker: every request arrives in its turn, and markers are written at once. In real time. */
export const promptNetwork = (broker: MemoryBroker): Network => ({
  ask: async (_, request, wait) => {
    const untilMs = performance.now() + (wait?.maxWaitMs ?? 0);
    while (wait && !wait.isReady() && performance.now() < untilMs) await delay(1);
    await Promise.resolve(); // nothing is answered before the caller has the promise
    try {
      return request();
    } finally {
      for (const { transaction, partition } of broker.markersDue()) partition.mark(transaction);
    }
  },
  cut: (available) => available,
});
