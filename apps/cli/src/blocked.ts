/** Topics of a ledger that cannot be read to their end, and which open transaction is in the way. */
import { setTimeout as delay } from 'node:timers/promises';

import { blockersOf, blockerText, LaneReader, type LogOffsets, TOPICS } from '#adapters';
import { INPUT_TOPICS } from '#domain';

import type { Context } from './context.ts';

/** Unit ms. Our own transactions are open for some milliseconds at a time; what stands still for longer is somebody else's, or forgotten. */
const STANDS_STILL_MS = 2000;

export interface BlockedTopic {
  readonly lane: number;
  readonly isInput: boolean;
  /** For people: what is blocked, by whom, and what to do. */
  readonly text: string;
}

export async function blockedTopics({ home, brokers }: Context): Promise<BlockedTopic[]> {
  const connection = { brokers, clientId: 'countersign-doctor' };
  const partitions = TOPICS.flatMap(({ name }) =>
    Array.from({ length: home.config.lanes }, (_, partition) => ({ topic: home.topic(name), partition })),
  );
  const reader = await LaneReader.open(connection);
  let stuck: LogOffsets[];
  try {
    const isBehind = ({ lastStable, highWatermark }: LogOffsets): boolean => lastStable < highWatermark;
    const before = (await reader.endOffsets(partitions)).filter(isBehind);
    if (before.length === 0) return [];
    await delay(STANDS_STILL_MS);
    const after = await reader.endOffsets(before);
    stuck = after.filter((now, at) => isBehind(now) && now.lastStable === before[at]?.lastStable);
  } finally {
    await reader.close();
  }
  if (stuck.length === 0) return [];
  const inputs = new Set(INPUT_TOPICS.map((name) => home.topic(name)));
  return (await blockersOf(connection, stuck)).map((blocker) => {
    const { topic, partition, firstOffset } = blocker;
    const byHand = `kafka-transactions.sh abort --topic ${topic} --partition ${partition} --start-offset ${firstOffset}`;
    const remedy = `nothing after it is decided until it ends; the decider aborts it when it may, else: ${byHand}`;
    return { lane: partition, isInput: inputs.has(topic), text: `BLOCKED: ${blockerText(blocker)}; ${remedy}` };
  });
}
