import {
  type AppendCheck,
  type BaseOffset,
  type CommitPoint,
  DisposedError,
  type FetchedPartition,
  type FetchOptions,
  type FetchPosition,
  IndefiniteError,
  KafkaFault,
  type LaneLog,
  type LogOffsets,
  type LogReader,
  type LogWriter,
  messageOf,
  type OutgoingRecord,
  PartitionUnavailable,
  type TopicPartition,
} from '#adapters';

import { ConcurrentTransactions, type MemoryBroker } from './memory-broker.ts';

/** When a request reaches the broker, and whether its answer comes back. */
export interface Network {
  /** Resolves to what `request` returns, once it is this request's turn. Before `isReady` only after `maxWaitMs`. */
  ask<T>(name: string, request: () => T, wait?: { readonly isReady: () => boolean; readonly maxWaitMs: number }): Promise<T>;
  /** How many of `available` records an answer brings. */
  cut(available: number): number;
}

type WriterOptions = Parameters<LaneLog['openWriter']>[0];

/** The port that decider, notary and checker use, over a broker in memory. */
export const memoryLaneLog = (broker: MemoryBroker, network: Network): LaneLog => ({
  openReader: () => network.ask('open reader', () => new MemoryReader(broker, network)),
  openWriter: (options) => MemoryWriter.open(broker, network, options),
  topicFaults: () => network.ask('topics', () => []),
  endBlocking: () => Promise.resolve(undefined), // inputs are written without transactions here
});

class MemoryReader implements LogReader {
  readonly #closing = new AbortController();

  constructor(
    private readonly broker: MemoryBroker,
    private readonly network: Network,
  ) {}

  async fetch(positions: readonly FetchPosition[], options: FetchOptions = {}): Promise<FetchedPartition[]> {
    const { signal, maxWaitMs = 100, isolation = 'committed' } = options;
    signal?.throwIfAborted();
    this.#refuseClosed();
    const known = positions.map((position) => ({ position, partition: this.broker.find(position) }));
    const [absent] = known.filter(({ partition }) => !partition);
    if (absent && known.every(({ partition }) => !partition)) throw unknownTopic(absent.position);
    const isReady = (): boolean => known.some(({ position, partition }) => !partition || partition.isReadable(position.offset, isolation));
    const answered = this.network.ask(
      `fetch ${positions.map(({ topic }) => topic).join(' ')}`,
      () => known.map(({ position, partition }) => this.#read(position, partition, isolation)),
      { isReady, maxWaitMs },
    );
    return untilAborted(answered, this.#closing.signal, signal);
  }

  async endOffsets(partitions: readonly TopicPartition[]): Promise<LogOffsets[]> {
    this.#refuseClosed();
    return this.network.ask(`ends of ${partitions.map(({ topic }) => topic).join(' ')}`, () =>
      partitions.map((of) => {
        const { topic, partition, start, highWatermark, lastStable } = this.broker.partition(of);
        return { topic, partition, start, highWatermark, lastStable };
      }),
    );
  }

  close(): Promise<void> {
    this.#closing.abort(new DisposedError('reader'));
    return Promise.resolve();
  }

  #read(at: FetchPosition, partition: ReturnType<MemoryBroker['find']>, isolation: 'committed' | 'uncommitted'): FetchedPartition {
    const { topic, offset } = at;
    if (partition) return partition.read(offset, this.network.cut(Number(partition.highWatermark - offset)), isolation);
    const nothing = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n };
    return { topic, partition: at.partition, records: [], nextOffset: offset, ...nothing, error: unknownTopic(at) };
  }

  #refuseClosed(): void {
    this.#closing.signal.throwIfAborted();
  }
}

const unknownTopic = ({ topic, partition }: TopicPartition): PartitionUnavailable =>
  new PartitionUnavailable('UNKNOWN_TOPIC_OR_PARTITION', topic, partition, true);

function untilAborted<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const given = signals.filter((signal) => signal !== undefined);
    const onAbort = ({ target }: Event): void => {
      reject((target as AbortSignal).reason as Error);
    };
    for (const signal of given) signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      for (const signal of given) signal.removeEventListener('abort', onAbort);
    });
  });
}

class MemoryWriter implements LogWriter {
  #state: 'ready' | 'busy' | 'disposed' = 'ready';
  #commitSent = false;

  private constructor(
    private readonly broker: MemoryBroker,
    private readonly network: Network,
    private readonly options: WriterOptions,
    private readonly epoch: number,
  ) {}

  static async open(broker: MemoryBroker, network: Network, options: WriterOptions): Promise<MemoryWriter> {
    try {
      const epoch = await untilEnded(network, `initialise ${options.transactionalId}`, () => broker.initialise(options.transactionalId));
      return new MemoryWriter(broker, network, options, epoch);
    } catch (error) {
      throw new IndefiniteError(`initialise of ${options.transactionalId}: ${messageOf(error)}`, false, error);
    }
  }

  async commit(records: readonly OutgoingRecord[], _laneSeq: number, check?: AppendCheck): Promise<BaseOffset[]> {
    if (records.length === 0) throw new Error('a transaction needs at least one record');
    if (this.#state === 'busy') throw new Error('writer: one transaction at a time');
    if (this.#isDisposed()) throw new DisposedError('writer');
    this.#state = 'busy';
    try {
      const offsets = await this.#transact(records, check);
      if (!this.#isDisposed()) this.#state = 'ready';
      return offsets;
    } catch (error) {
      if (error instanceof RefusedByCheck) {
        this.#state = 'disposed';
        throw error.cause;
      }
      const closed = this.#isDisposed();
      this.#state = 'disposed';
      throw this.#describe(error, closed);
    }
  }

  expectOwner(): Promise<void> {
    return this.network.ask('owner', () => {
      this.broker.expectEpoch(this.options.transactionalId, this.epoch);
    });
  }

  /** An open transaction is left as it is: to the broker's time-out, or the successor. */
  close(): Promise<void> {
    this.#state = 'disposed';
    return Promise.resolve();
  }

  async #transact(records: readonly OutgoingRecord[], check?: AppendCheck): Promise<BaseOffset[]> {
    const { transactionalId: id } = this.options;
    await this.#at('before-send');
    const offsets: BaseOffset[] = [];
    for (const each of byPartition(records)) {
      const topic = each[0]?.topic ?? '';
      offsets.push(await untilEnded(this.network, `produce ${topic}`, () => this.broker.produce(id, this.epoch, each)));
    }
    await this.#at('after-send');
    await this.#abortUnless(() => check?.(offsets));
    await this.#at('before-commit');
    this.#commitSent = true; // from here on an error leaves the outcome unknown
    const ended = this.network.ask('commit', () => {
      this.broker.end(id, this.epoch, 'committed');
    });
    ended.catch(() => undefined); // awaited below; it may fail while the point is still being passed
    await this.#at('after-commit-sent');
    await ended;
    this.#commitSent = false;
    await this.#at('after-commit');
    return offsets;
  }

  async #abortUnless(check: () => void): Promise<void> {
    try {
      check();
    } catch (error) {
      await this.network.ask('abort', () => {
        this.broker.end(this.options.transactionalId, this.epoch, 'aborted');
      });
      throw new RefusedByCheck(error);
    }
  }

  async #at(point: CommitPoint): Promise<void> {
    await this.options.onPoint?.(point);
    if (this.#isDisposed() && point !== 'after-commit') throw new DisposedError('writer');
  }

  #describe(error: unknown, closed: boolean): unknown {
    if (closed && !this.#commitSent) return new DisposedError('writer');
    if (error instanceof KafkaFault && error.code === 'FENCED') return error;
    return new IndefiniteError(`transaction of ${this.options.transactionalId}: ${messageOf(error)}`, this.#commitSent, error);
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isDisposed(): boolean {
    return this.#state === 'disposed';
  }
}

class RefusedByCheck extends Error {
  constructor(override readonly cause: unknown) {
    super('the check refused what was appended');
  }
}

/** Asks again for as long as the broker is still ending a transaction of the same id. */
async function untilEnded<T>(network: Network, name: string, request: () => T): Promise<T> {
  for (;;) {
    const answer = await network.ask(name, () => {
      try {
        return { is: request() };
      } catch (error) {
        if (error instanceof ConcurrentTransactions) return undefined;
        throw error;
      }
    });
    if (answer) return answer.is;
  }
}

function byPartition(records: readonly OutgoingRecord[]): OutgoingRecord[][] {
  const groups = new Map<string, OutgoingRecord[]>();
  for (const record of records) {
    const name = `${record.topic}/${record.partition}`;
    groups.set(name, [...(groups.get(name) ?? []), record]);
  }
  return [...groups.values()];
}
