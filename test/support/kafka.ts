import type { Admin } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connectionConfig, untilTopicsReady, type KafkaRecord, type LaneReader } from '../../libs/adapters/src/kafka/index.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';

/** A name that no other test uses, so that all share one broker. */
export const unique = (word: string): string => `${word}-${randomUUID().slice(0, 8)}`;

export const client = (brokers: readonly string[]) => ({ brokers, clientId: 'test' });

export async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka(connectionConfig(client(brokers))).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export async function createTopic(
  brokers: readonly string[],
  topic: string,
  partitions = 1,
  settings: Record<string, string> = {},
): Promise<string> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await withAdmin(brokers, async (admin) => {
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions, configEntries }] });
    await untilTopicsReady(admin, [topic]);
  });
  return topic;
}

/** Unit ms. Far above what anything here takes, so that only a defect reaches it. */
export const PATIENCE_MS = 45_000;

export interface UntilOptions {
  /** Why the condition cannot come true any more; undefined while it can. */
  readonly hopeless?: () => string | undefined;
  readonly patienceMs?: number;
}

/** Waits for a condition, not for a time. The condition's last error is the failure's cause. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { hopeless, patienceMs = PATIENCE_MS }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + patienceMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    const why = hopeless?.() ?? (performance.now() > deadline ? `${patienceMs} ms have passed` : undefined);
    if (why !== undefined) throw new Error(`never happened: ${what} (${why})`, { cause });
    await delay(10);
  }
}

/**
 * Everything committed on one partition from `from` on, once no transaction is open there: the broker acknowledges a commit before it has
 * written the markers that make it visible.
 */
export async function readAll(reader: LaneReader, topic: string, partition = 0, from = 0n): Promise<KafkaRecord[]> {
  const end = await until(`no transaction is open on ${topic}`, async () => {
    const [offsets] = await reader.endOffsets([{ topic, partition }]);
    return offsets?.lastStable === offsets?.highWatermark ? offsets : undefined;
  });
  const records: KafkaRecord[] = [];
  for (let offset = from; offset < end.lastStable;) {
    const [fetched] = await reader.fetch([{ topic, partition, offset }]);
    if (!fetched) throw new Error('no answer for the partition');
    if (fetched.error) throw fetched.error;
    records.push(...fetched.records);
    offset = fetched.nextOffset;
  }
  return records;
}

export const texts = (records: readonly KafkaRecord[]): string[] => records.map(({ value }) => value?.toString() ?? '(null)');
