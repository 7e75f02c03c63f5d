import { setTimeout as delay } from 'node:timers/promises';
import { BrokerUnavailable, KafkaFault } from './errors.ts';
import type { Cluster } from './internals.ts';

/** A new topic's leader answers within a second or two; 5 s in all. */
const LEADER_ATTEMPTS_MAX = 50;
/** Unit ms. */
const LEADER_WAIT_MS = 100;

/** `ask` again while a partition has no leader that answers: its topic was just created, or an election is under way. */
export async function untilLed<T>(cluster: Cluster, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof KafkaFault && error.retriable && !(error instanceof BrokerUnavailable);
      if (!isPassing || attempt === LEADER_ATTEMPTS_MAX) throw error;
      await delay(LEADER_WAIT_MS);
      await cluster.refreshMetadata();
    }
  }
}
