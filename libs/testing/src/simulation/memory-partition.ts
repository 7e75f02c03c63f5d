import { type FetchedPartition, type KafkaRecord, OffsetOutOfRange, type OutgoingRecord } from '#adapters';

/** One transaction as the coordinator knows it. */
export interface Transaction {
  readonly transactionalId: string;
  /** Unit ms. */
  readonly startedMs: number;
  status: 'open' | 'committed' | 'aborted';
  /** Partitions that have records of it and no marker yet. Until the marker is there, readers of that partition wait. */
  readonly unmarked: Set<MemoryPartition>;
}

type Item = { readonly record: KafkaRecord; readonly of: Transaction | undefined } | { readonly marker: Transaction };

/** One topic-partition as a broker keeps it: a marker takes an offset, and the records of an aborted transaction stay where they are. */
export class MemoryPartition {
  readonly #items: Item[] = [];
  /** First offset of each transaction that has no marker here yet. */
  readonly #open = new Map<Transaction, number>();
  #start = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** The broker's own time is the records' time. */
    readonly isStamped: boolean,
  ) {}

  get start(): bigint {
    return BigInt(this.#start);
  }

  get highWatermark(): bigint {
    return BigInt(this.#items.length);
  }

  /** Read_committed readers see nothing from here on. */
  get lastStable(): bigint {
    return BigInt(Math.min(this.#items.length, ...this.#open.values()));
  }

  append({ key, value, headers = {} }: OutgoingRecord, nowMs: number, of?: Transaction): bigint {
    const offset = this.#items.length;
    const { topic, partition } = this;
    if (of && !this.#open.has(of)) this.#open.set(of, offset);
    of?.unmarked.add(this);
    const record: KafkaRecord = { topic, partition, offset: BigInt(offset), timestampMs: nowMs, key, value, headers: { ...headers } };
    this.#items.push({ record, of });
    return BigInt(offset);
  }

  mark(of: Transaction): void {
    this.#items.push({ marker: of });
    this.#open.delete(of);
    of.unmarked.delete(this);
  }

  /** Of a partition where no transaction is open. */
  copy(): MemoryPartition {
    const copy = new MemoryPartition(this.topic, this.partition, this.isStamped);
    copy.#items.push(...this.#items);
    return copy;
  }

  /** As if a replica that had lagged behind were the leader now, or a segment had been cut. */
  cut(end: bigint): void {
    this.#items.length = Number(end);
    for (const [of, first] of this.#open) if (first >= this.#items.length) this.#open.delete(of);
  }

  /** As retention does. */
  deleteBefore(offset: bigint): void {
    this.#start = Number(offset);
  }

  isReadable(offset: bigint, isolation: 'committed' | 'uncommitted'): boolean {
    return offset < this.start || offset > this.highWatermark || offset < this.#endFor(isolation);
  }

  /** At most `max` records of a transaction that was committed, or of none. */
  read(offset: bigint, max: number, isolation: 'committed' | 'uncommitted'): FetchedPartition {
    const { topic, partition, highWatermark, lastStable: lastStableOffset, start: logStartOffset } = this;
    const at = { topic, partition, highWatermark, lastStableOffset, logStartOffset };
    if (offset < logStartOffset || offset > highWatermark) {
      return { ...at, records: [], nextOffset: offset, error: new OffsetOutOfRange(topic, partition, offset) };
    }
    const records: KafkaRecord[] = [];
    let next = Number(offset);
    for (const end = Number(this.#endFor(isolation)); next < end && records.length < max; next += 1) {
      const item = this.#items[next];
      if (!item || 'marker' in item) continue;
      if (isolation === 'uncommitted' || item.of?.status !== 'aborted') records.push(item.record);
    }
    return { ...at, records, nextOffset: BigInt(next) };
  }

  #endFor(isolation: 'committed' | 'uncommitted'): bigint {
    return isolation === 'committed' ? this.lastStable : this.highWatermark;
  }
}
