import type { Producer, ProducerBatch, RecordMetadata, RetryOptions, TopicMessages } from 'kafkajs';
import { CLIENT_RETRY, type ConnectionOptions } from './client.ts';
import { openCluster } from './internals.ts';
import { kafkajsModule, type socketFactory } from './patch.ts';

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}
/** Where the first record of each topic-partition was appended; the others follow it, in the order given. */
export interface BaseOffset {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: bigint;
  /** Unit ms: the broker's clock, on topics stamped by it; −1 elsewhere. */
  readonly appendTimeMs: number;
}

/** Unit ms. An open transaction stalls every read_committed reader of its partitions for at most this long. */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** A transaction's first request meets CONCURRENT_TRANSACTIONS while the last markers are written: ask again soon. In all < 10 s. */
const TRANSACTION_RETRY: RetryOptions = { initialRetryTime: 1, factor: 0, multiplier: 1.3, maxRetryTime: 200, retries: 60 };

interface ProducerSettings {
  readonly transactionalId?: string;
  readonly config?: { socketFactory?: typeof socketFactory };
}

/** As `new Kafka(config).producer(…)`, but with the cluster in hand: kafkajs takes the retries of InitProducerId from `cluster.retry` only. */
export function createProducer(options: ConnectionOptions, { transactionalId, config = {} }: ProducerSettings) {
  const { cluster, logger } = openCluster(options, { maxInFlightRequests: 1, config });
  const retry = transactionalId === undefined ? CLIENT_RETRY : TRANSACTION_RETRY;
  cluster.retry = retry;
  const producer = producerOf({
    cluster,
    logger,
    retry,
    createPartitioner: () => partitionGiven,
    idempotent: false, // a transaction is idempotent by itself; this would only fetch a second producer id
    ...(transactionalId === undefined ? {} : { transactionalId, transactionTimeout: TRANSACTION_TIMEOUT_MS }),
  });
  return { producer, cluster };
}

const producerOf = kafkajsModule<(options: object) => Producer>('producer/index.js');

function partitionGiven({ message }: { message: { partition?: number } }): number {
  if (message.partition === undefined) throw new Error('a record needs its partition');
  return message.partition;
}

export function toBatch(records: readonly OutgoingRecord[], more?: Readonly<Record<string, string>>): ProducerBatch {
  const topics = new Map<string, TopicMessages>();
  for (const { topic, partition, key, value, headers } of records) {
    const of = topics.get(topic) ?? { topic, messages: [] };
    topics.set(topic, of);
    of.messages.push({ partition, key, value, headers: more ? { ...headers, ...more } : (headers ?? {}) });
  }
  return { acks: -1, topicMessages: [...topics.values()], timeout: PRODUCE_TIMEOUT_MS };
}

/** Unit ms. How long the leader waits for its replicas; below our request time-out, so that the broker's own answer arrives. */
const PRODUCE_TIMEOUT_MS = 4000;

export function toBaseOffset({ topicName, partition, baseOffset, logAppendTime }: RecordMetadata): BaseOffset {
  return { topic: topicName, partition, baseOffset: BigInt(baseOffset ?? '-1'), appendTimeMs: Number(logAppendTime ?? '-1') };
}
