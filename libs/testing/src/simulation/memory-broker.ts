import { type BaseOffset, FencedError, KafkaFault, type OutgoingRecord, PartitionUnavailable, type TopicPartition } from '#adapters';

import { MemoryPartition, type Transaction } from './memory-partition.ts';

/** What the coordinator remembers of one transactional id. */
interface Producer {
  epoch: number;
  transaction: Transaction | undefined;
}

/** Unit ms, as the adapter asks for. */
const TRANSACTION_TIMEOUT_MS = 10_000;

/** Somebody else's transaction of this id is still being ended: ask again. */
export class ConcurrentTransactions extends Error {
  override readonly name = 'ConcurrentTransactions';
}

/** Topics, and the coordinator of transactions, in memory. Every call is one request, answered at once; whoever calls decides the order. */
export class MemoryBroker {
  readonly #partitions = new Map<string, MemoryPartition>();
  readonly #producers = new Map<string, Producer>();

  constructor(
    /** Unit ms: the broker's clock, which somebody may set. */
    private readonly nowMs: () => number,
    /** Unit ms: what time-outs go by. */
    private readonly monotonicMs: () => number = nowMs,
  ) {}

  create(topic: string, partitions = 1, { isStamped = false } = {}): void {
    for (let at = 0; at < partitions; at++) this.#partitions.set(`${topic}/${at}`, new MemoryPartition(topic, at, isStamped));
  }

  /** With the same records and epochs, where no transaction is open. */
  copy(nowMs: () => number, monotonicMs = nowMs): MemoryBroker {
    const copy = new MemoryBroker(nowMs, monotonicMs);
    for (const [name, partition] of this.#partitions) copy.#partitions.set(name, partition.copy());
    for (const [id, { epoch }] of this.#producers) copy.#producers.set(id, { epoch, transaction: undefined });
    return copy;
  }

  get partitions(): Iterable<MemoryPartition> {
    return this.#partitions.values();
  }

  find({ topic, partition }: TopicPartition): MemoryPartition | undefined {
    return this.#partitions.get(`${topic}/${partition}`);
  }

  partition(of: TopicPartition): MemoryPartition {
    const found = this.find(of);
    if (!found) throw new PartitionUnavailable('UNKNOWN_TOPIC_OR_PARTITION', of.topic, of.partition, true);
    return found;
  }

  /** A record of no transaction. */
  append(record: OutgoingRecord): BaseOffset {
    const { topic, partition } = record;
    const [to, nowMs] = [this.partition(record), this.nowMs()];
    return { topic, partition, baseOffset: to.append(record, nowMs), appendTimeMs: to.isStamped ? nowMs : -1 };
  }

  /** The new epoch, after which every older one is refused. Throws while a transaction of this id has not ended everywhere. */
  initialise(transactionalId: string): number {
    const producer = this.#producers.get(transactionalId) ?? { epoch: -1, transaction: undefined };
    this.#producers.set(transactionalId, producer);
    if (producer.transaction?.status === 'open') this.#abort(producer, producer.transaction);
    this.#refuseWhileEnding(producer);
    producer.epoch += 1;
    return producer.epoch;
  }

  /** Throws FencedError when the id was initialised since. */
  expectEpoch(transactionalId: string, epoch: number): void {
    this.#current(transactionalId, epoch);
  }

  /** All records go to one topic-partition. */
  produce(transactionalId: string, epoch: number, records: readonly OutgoingRecord[]): BaseOffset {
    const producer = this.#current(transactionalId, epoch);
    if (producer.transaction?.status !== 'open') this.#refuseWhileEnding(producer);
    const [first] = records;
    if (!first) throw new Error('at least one record');
    const [to, nowMs] = [this.partition(first), this.nowMs()]; // one time for all: they are one record batch
    if (producer.transaction?.status !== 'open') {
      producer.transaction = { transactionalId, startedMs: this.monotonicMs(), status: 'open', unmarked: new Set() };
    }
    const { transaction } = producer;
    const [baseOffset = -1n] = records.map((record) => to.append(record, nowMs, transaction));
    return { topic: to.topic, partition: to.partition, baseOffset, appendTimeMs: to.isStamped ? nowMs : -1 };
  }

  /** Decides; readers see it, partition by partition, when the markers are written. */
  end(transactionalId: string, epoch: number, status: 'committed' | 'aborted'): void {
    const { transaction } = this.#current(transactionalId, epoch);
    if (!transaction) throw new FencedError(`end of ${transactionalId}: INVALID_TXN_STATE`, true, undefined);
    if (transaction.status === status) return; // the same request once more
    if (transaction.status !== 'open') throw new FencedError(`end of ${transactionalId}: INVALID_TXN_STATE`, true, undefined);
    transaction.status = status;
  }

  /** Markers that are still to be written: in any order, and at any time. */
  markersDue(): { transaction: Transaction; partition: MemoryPartition }[] {
    return [...this.#producers.values()].flatMap(({ transaction }) =>
      transaction && transaction.status !== 'open' ? [...transaction.unmarked].map((partition) => ({ transaction, partition })) : [],
    );
  }

  get isAnyOpen(): boolean {
    return [...this.#producers.values()].some(({ transaction }) => transaction?.status === 'open');
  }

  /** Ends what has been open for too long; returns how many that were. */
  expire(): number {
    let count = 0;
    for (const producer of this.#producers.values()) {
      const { transaction } = producer;
      if (transaction?.status !== 'open' || this.monotonicMs() - transaction.startedMs < TRANSACTION_TIMEOUT_MS) continue;
      this.#abort(producer, transaction);
      count += 1;
    }
    return count;
  }

  /** The owner is fenced by it. */
  #abort(producer: Producer, transaction: Transaction): void {
    transaction.status = 'aborted';
    producer.epoch += 1;
  }

  #current(transactionalId: string, epoch: number): Producer {
    const producer = this.#producers.get(transactionalId);
    if (!producer) throw new KafkaFault('INVALID_PRODUCER_ID_MAPPING', transactionalId);
    if (producer.epoch !== epoch) throw new FencedError(`${transactionalId}: INVALID_PRODUCER_EPOCH`, true, undefined);
    return producer;
  }

  #refuseWhileEnding({ transaction }: Producer): void {
    if (transaction && transaction.status !== 'open' && transaction.unmarked.size > 0) throw new ConcurrentTransactions();
  }
}
