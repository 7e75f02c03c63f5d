import { setTimeout as delay } from 'node:timers/promises';
import { KafkaFault, PartitionUnavailable, protocolCode } from './errors.ts';
import type { Broker, Cluster } from './internals.ts';
import { ledBy } from './leader-of.ts';
import { type BaseOffset, type PartitionRecords, PRODUCE, type ProduceOptions, produceRequest } from './produce-request.ts';
import type { OutgoingRecord } from './record-batch.ts';

export interface ProduceRetry {
  /** Unit ms, between one try and the next. */
  readonly pausesMs: readonly number[];
  /** Whether the same may succeed when it is asked again: then all of it is. */
  readonly isPassing: (error: unknown) => boolean;
}

/** Resolves once every in-sync replica has the records. Throws the last error. */
export async function produce(
  cluster: Cluster,
  records: readonly OutgoingRecord[],
  { pausesMs, isPassing, ...options }: ProduceOptions & ProduceRetry,
): Promise<BaseOffset[]> {
  const partitions = byPartition(records);
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  for (let tries = 0; ; tries++) {
    try {
      await cluster.addMultipleTargetTopics(topics);
      const answers: BaseOffset[] = [];
      // One after the other: leaders that add their partitions to one transaction at the same time keep each other waiting for 20 ms.
      for (const [broker, of] of await byLeader(cluster, partitions)) {
        demandVersion(broker);
        answers.push(...(await broker.connectionPool.send(produceRequest(of, options))));
      }
      return answers;
    } catch (error) {
      const pauseMs = pausesMs[tries];
      if (pauseMs === undefined || !isPassing(error)) throw error;
      await delay(pauseMs);
      if (!isConcurrent(error)) await afresh(cluster);
    }
  }
}

/** The transaction before this one is still being ended: its leaders are where they were. */
const isConcurrent = (error: unknown): boolean => protocolCode(error)?.type === 'CONCURRENT_TRANSACTIONS';

/** What a restart, an election or the transaction before looks like; everything else (too large, not authorised) will not get better. */
export const isPassing = (error: unknown): boolean =>
  isConcurrent(error) || error instanceof PartitionUnavailable || RETRIED.has(protocolCode(error)?.type ?? '');

const RETRIED = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NETWORK_EXCEPTION',
  'UNKNOWN_TOPIC_OR_PARTITION', // metadata that lags behind
  'KAFKA_STORAGE_ERROR', // a disk that failed: another replica leads soon
]);

/** A broker that does not know the request hangs up, which looks like one that is away. */
function demandVersion({ versions }: Broker): void {
  const version = versions?.[PRODUCE.apiKey]?.maxVersion ?? PRODUCE.apiVersion;
  if (version < PRODUCE.apiVersion) throw new KafkaFault('KAFKA_VERSION', 'Apache Kafka 4.0 or later expected: this broker is older');
}

/** Leaders may have moved, or connections be lost; what is wrong still is told by the next try. */
async function afresh(cluster: Cluster): Promise<void> {
  try {
    if (!cluster.isConnected()) await cluster.connect();
    await cluster.refreshMetadata();
  } catch {
    // no broker answers
  }
}

function byPartition(records: readonly OutgoingRecord[]): PartitionRecords[] {
  const found: (PartitionRecords & { records: OutgoingRecord[] })[] = [];
  for (const record of records) {
    // A handful of partitions, and mostly the last one's neighbour.
    const of = found.find(({ topic, partition }) => partition === record.partition && topic === record.topic);
    if (of) of.records.push(record);
    else found.push({ topic: record.topic, partition: record.partition, records: [record] });
  }
  return found;
}

async function byLeader(cluster: Cluster, partitions: readonly PartitionRecords[]): Promise<Map<Broker, PartitionRecords[]>> {
  const leaders = new Map<Broker, PartitionRecords[]>();
  for (const of of partitions) {
    const broker = await ledBy(cluster, of);
    leaders.set(broker, [...(leaders.get(broker) ?? []), of]);
  }
  return leaders;
}
