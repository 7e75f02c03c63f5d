import type { Producer, ProducerBatch, RecordMetadata, RetryOptions, TopicMessages, Transaction } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { bounded } from './bounded.ts';
import { CLIENT_RETRY, type ConnectionOptions } from './client.ts';
import { BrokerUnavailable, DisposedError, FencedError, IndefiniteError, KafkaFault, messageOf, protocolCode } from './errors.ts';
import { closeCluster, openCluster, type Cluster } from './internals.ts';
import { endLeftOpen, LANE_SEQ_HEADER } from './left-open.ts';
import { openTransactions } from './transactions-api.ts';
import { kafkajsModule, socketFactory } from './patch.ts';
import type { TopicPartition } from './reader.ts';

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

/**
 * The named points of one transaction, in order, for fault tests. A crash: before-send, nothing happened; after-send and before-commit, the
 * broker aborts (or the successor does); after-commit-sent, unknown; after-commit, committed.
 */
export type CommitPoint = 'before-send' | 'after-send' | 'before-commit' | 'after-commit-sent' | 'after-commit';

export interface WriterOptions extends ConnectionOptions {
  readonly transactionalId: string;
  /** Everything that is ever written under this id: what a broker left open there is ended before the writer is ready. */
  readonly partitions: readonly TopicPartition[];
  readonly onPoint?: (name: CommitPoint) => void | Promise<void>;
}

/** Unit ms. An open transaction stalls every read_committed reader of its partitions for at most this long. */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** A transaction's first request meets CONCURRENT_TRANSACTIONS while the last markers are written: ask again soon. In all < 10 s. */
const TRANSACTION_RETRY: RetryOptions = { initialRetryTime: 1, factor: 0, multiplier: 1.3, maxRetryTime: 200, retries: 60 };
/** Unit ms. How long a plain send tries before it reports. */
const PLAIN_SEND_MAX_MS = 5000;
/** Unit ms. Above what the broker's own time-out and our retries come to: a transaction that takes longer has no answer to wait for. */
const TRANSACTION_MAX_MS = 30_000;
const END_TXN = 26;

/**
 * One transactional producer, one transaction at a time. After any error it is unusable: whether the transaction was committed must be read
 * from the log, by a successor that has initialised the same transactional id.
 */
export class TransactionalWriter {
  readonly #producer: Producer;
  readonly #cluster: Cluster;
  readonly #options: WriterOptions;
  readonly #wire: CommitWire;
  #state: 'ready' | 'busy' | 'disposed' = 'ready';
  /** A connection broke while nothing was on its way. */
  #isSuspect = false;

  private constructor(producer: Producer, cluster: Cluster, options: WriterOptions, wire: CommitWire) {
    this.#producer = producer;
    this.#cluster = cluster;
    this.#options = options;
    this.#wire = wire;
  }

  /** Initialises the transactional id: fences the predecessor, waits until its open transaction is aborted, ends what a broker forgot. */
  static async open(options: WriterOptions): Promise<TransactionalWriter> {
    const wire = new CommitWire();
    const config = { socketFactory: wire.socketFactory };
    const { producer, cluster } = createProducer(options, { transactionalId: options.transactionalId, config });
    const writer = new TransactionalWriter(producer, cluster, options, wire);
    await writer.#exclusive('initialise', async () => {
      await producer.connect();
      await (await producer.transaction()).commit(); // holds nothing: its begin initialises the producer, its end sends nothing
      await endLeftOpen(cluster, options, options);
    });
    wire.onLost = () => {
      writer.#lost();
    };
    return writer;
  }

  /**
   * A broker that went away may have forgotten a part of our last transaction. The next one must not be written on top of it, since its
   * outcome would become that part's too; so nothing of this writer goes out over another connection without a look.
   */
  #lost(): void {
    if (this.#state === 'busy') void closeCluster(this.#cluster, new BrokerUnavailable('writer: the connection broke'));
    else this.#isSuspect = true;
  }

  async #lookForOpen(): Promise<void> {
    const [open] = await openTransactions(this.#cluster, this.#options.partitions);
    if (open) throw new BrokerUnavailable(`writer: the last transaction is still open on ${open.topic}/${open.partition}`);
    this.#isSuspect = false;
  }

  /**
   * All records in one produce request per leader and one transaction. Resolves once it is committed; readers see it a few ms later.
   * `laneSeq`: the lane's sequence that this leads to; no smaller than the last one's.
   */
  async commit(records: readonly OutgoingRecord[], laneSeq: number): Promise<BaseOffset[]> {
    if (records.length === 0) throw new Error('a transaction needs at least one record');
    return this.#exclusive('transaction', async () => {
      if (this.#isSuspect) await this.#lookForOpen();
      const transaction = await this.#producer.transaction();
      await this.#at('before-send');
      const sent = await transaction.sendBatch(toBatch(records, { [LANE_SEQ_HEADER]: String(laneSeq) }));
      await this.#at('after-send');
      await this.#at('before-commit');
      await this.#end(transaction);
      await this.#at('after-commit');
      return sent.map(toBaseOffset);
    });
  }

  /** Ends the connection. An open transaction is left to the broker's time-out or the successor. */
  async close(): Promise<void> {
    this.#state = 'disposed';
    await closeCluster(this.#cluster, new DisposedError('writer'));
  }

  async #end(transaction: Transaction): Promise<void> {
    this.#wire.commitSent = true; // from here on an error leaves the outcome unknown
    const written = this.#options.onPoint ? this.#wire.nextEndTxn() : undefined;
    const ended = transaction.commit();
    if (written) {
      ended.catch(() => undefined); // awaited below; it may fail while the point is still being passed
      await Promise.race([written, ended]);
      await this.#at('after-commit-sent');
    }
    await ended;
    this.#wire.commitSent = false;
  }

  async #at(point: CommitPoint): Promise<void> {
    await this.#options.onPoint?.(point);
    if (this.#isDisposed() && point !== 'after-commit') throw new DisposedError('writer');
  }

  async #exclusive<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#state === 'busy') throw new Error('writer: one transaction at a time');
    if (this.#state === 'disposed') throw new DisposedError('writer');
    this.#state = 'busy';
    try {
      const result = await bounded(what, TRANSACTION_MAX_MS, work());
      if (!this.#isDisposed()) this.#state = 'ready'; // closed meanwhile: what was done is done
      return result;
    } catch (error) {
      const closed = this.#isDisposed();
      await this.close();
      throw closed && !this.#wire.commitSent ? new DisposedError('writer') : this.#describe(what, error);
    }
  }

  #isDisposed(): boolean {
    return this.#state === 'disposed';
  }

  #describe(what: string, error: unknown): KafkaFault {
    const id = this.#options.transactionalId;
    const known = protocolCode(error);
    if (known && FENCED.has(known.code)) return new FencedError(`${what} of ${id}: ${known.type}`, SUCCEEDED.has(known.code), error);
    return new IndefiniteError(`${what} of ${id}: ${messageOf(error)}`, this.#wire.commitSent, error);
  }
}

/** INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, PRODUCER_FENCED: another owner may be at work. */
const SUCCEEDED = new Set([47, 48, 90]);
/** Also OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_ID_MAPPING (ids expire after 7 idle days) and UNKNOWN_PRODUCER_ID. */
const FENCED = new Set([...SUCCEEDED, 45, 49, 59]);

/** Sees when the commit request has been handed to the kernel, and when a connection is lost: kafkajs tells neither. */
class CommitWire {
  commitSent = false;
  onLost: () => void = () => undefined;
  #onEndTxn: (() => void) | undefined;

  nextEndTxn(): Promise<void> {
    return new Promise((resolve) => (this.#onEndTxn = resolve));
  }

  readonly socketFactory: typeof socketFactory = (options) => {
    const socket = socketFactory(options);
    socket.once('close', () => {
      this.onLost();
    });
    const write = socket.write.bind(socket) as (data: Buffer, encoding: BufferEncoding, done?: () => void) => boolean;
    // kafkajs writes each request with one call: size (4 bytes), API key (2 bytes), …
    socket.write = ((data: Buffer, encoding: BufferEncoding) =>
      data.length > 6 && data.readInt16BE(4) === END_TXN
        ? write(data, encoding, () => this.#onEndTxn?.())
        : write(data, encoding)) as Socketwrite;
    return socket;
  };
}
type Socketwrite = ReturnType<typeof socketFactory>['write'];

/** Sends without transaction: inputs, which carry their own identity, so a record that arrives twice does no harm. */
export class PlainWriter {
  readonly #producer: Producer;
  readonly #cluster: Cluster;
  #connected: Promise<void> | undefined;
  #closed = false;

  private constructor(producer: Producer, cluster: Cluster) {
    this.#producer = producer;
    this.#cluster = cluster;
  }

  /** Does not wait for a broker: the first send connects. */
  static open(options: ConnectionOptions): PlainWriter {
    const { producer, cluster } = createProducer(options, {});
    return new PlainWriter(producer, cluster);
  }

  /** Resolves once every in-sync replica has the records. Throws BrokerUnavailable after 5 s: they may still arrive, or not. */
  async send(records: readonly OutgoingRecord[]): Promise<BaseOffset[]> {
    if (this.#closed) throw new DisposedError('writer');
    const timer = new AbortController();
    const late = delay(PLAIN_SEND_MAX_MS, undefined, { signal: timer.signal }).then(() => {
      throw new BrokerUnavailable(`send: no acknowledgement within ${PLAIN_SEND_MAX_MS} ms`);
    });
    try {
      return await Promise.race([this.#send(records), late]);
    } finally {
      timer.abort();
      late.catch(() => undefined); // the abort of the timer itself
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeCluster(this.#cluster, new DisposedError('writer'));
  }

  async #send(records: readonly OutgoingRecord[]): Promise<BaseOffset[]> {
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
      return (await this.#producer.sendBatch(toBatch(records))).map(toBaseOffset);
    } catch (error) {
      this.#connected = undefined;
      if (error instanceof KafkaFault) throw error;
      const known = protocolCode(error);
      if (known && !RETRIED.has(known.type)) throw new KafkaFault(known.type, `send: ${messageOf(error)}`, { cause: error });
      throw new BrokerUnavailable(`send: ${messageOf(error)}`, error);
    }
  }
}

/** What a restart or an election looks like from here; everything else (too large, not authorised) will not get better. */
const RETRIED = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NETWORK_EXCEPTION',
]);

interface ProducerSettings {
  readonly transactionalId?: string;
  readonly config?: { socketFactory?: typeof socketFactory };
}

/** As `new Kafka(config).producer(…)`, but with the cluster in hand: kafkajs takes the retries of InitProducerId from `cluster.retry` only. */
function createProducer(options: ConnectionOptions, { transactionalId, config = {} }: ProducerSettings) {
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

function toBatch(records: readonly OutgoingRecord[], more?: Readonly<Record<string, string>>): ProducerBatch {
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

function toBaseOffset({ topicName, partition, baseOffset, logAppendTime }: RecordMetadata): BaseOffset {
  return { topic: topicName, partition, baseOffset: BigInt(baseOffset ?? '-1'), appendTimeMs: Number(logAppendTime ?? '-1') };
}
