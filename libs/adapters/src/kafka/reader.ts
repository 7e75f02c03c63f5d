import { bounded } from './bounded.ts';
import { REQUEST_TIMEOUT_MS, type ConnectionOptions } from './client.ts';
import { BrokerUnavailable, DisposedError, KafkaFault, OffsetOutOfRange, PartitionUnavailable, messageOf, protocolCode } from './errors.ts';
import { fetchRequest, type FetchLimits, type FetchPosition, type PartitionAnswer } from './fetch-request.ts';
import { closeCluster, errorType, openCluster, type Broker, type Cluster } from './internals.ts';
import { decodeRecordSet, type KafkaRecord } from './records.ts';
import { untilLed } from './until-led.ts';

export interface FetchOptions {
  /** Unit ms. How long the broker holds an empty answer back. */
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly maxBytesPerPartition?: number;
  /** Default 'committed'. */
  readonly isolation?: 'committed' | 'uncommitted';
  readonly signal?: AbortSignal;
}
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Committed records only, in offset order, none before the requested offset. */
  readonly records: KafkaRecord[];
  /** Where to go on: past control records, aborted records and holes. With an error: where it stands. */
  readonly nextOffset: bigint;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly error?: KafkaFault;
}
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}
export interface LogOffsets extends TopicPartition {
  readonly start: bigint;
  readonly highWatermark: bigint;
  readonly lastStable: bigint;
}

/** Committed records at positions that the caller holds; see LaneReader. */
export interface LogReader {
  fetch(positions: readonly FetchPosition[], options?: FetchOptions): Promise<FetchedPartition[]>;
  endOffsets(partitions: readonly TopicPartition[]): Promise<LogOffsets[]>;
  close(): Promise<void>;
}

/** Unit ms. Some retries of a connection and a long poll. */
const ANSWER_MAX_MS = 15_000;
const OFFSET_OUT_OF_RANGE = 1;
const DEFAULT_LIMITS: FetchLimits = {
  maxWaitMs: 100,
  minBytes: 1,
  maxBytes: 16 * 1024 * 1024,
  maxBytesPerPartition: 1024 * 1024,
  isolation: 'committed',
};

/**
 * Reads partitions at positions that the caller holds: no group, no offset of the broker's choosing, read_committed. One connection of its
 * own. `fetch` throws BrokerUnavailable when a broker does not answer (call again: the metadata is fresh by then); what concerns one
 * partition comes back as that partition's `error`. One fetch at a time.
 */
export class LaneReader {
  readonly #cluster: Cluster;
  #closed = false;
  #turn = 0;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static async open(options: ConnectionOptions): Promise<LaneReader> {
    const { cluster } = openCluster(options);
    try {
      await bounded('reader', ANSWER_MAX_MS, cluster.connect());
    } catch (error) {
      await closeCluster(cluster, new DisposedError('reader'));
      throw new BrokerUnavailable(`reader: no connection: ${messageOf(error)}`, error);
    }
    return new LaneReader(cluster);
  }

  async fetch(positions: readonly FetchPosition[], options: FetchOptions = {}): Promise<FetchedPartition[]> {
    const { signal, ...given } = options;
    signal?.throwIfAborted();
    const limits = { ...DEFAULT_LIMITS, ...given };
    const work = this.#guard(async () => {
      const { perBroker, missing } = await this.#byLeader(positions);
      // The broker fills an answer in request order: another partition goes first each time.
      this.#turn++;
      const answers = await Promise.all([...perBroker].map(([nodeId, of]) => this.#fetchFrom(nodeId, rotate(of, this.#turn), limits)));
      const fetched = [...missing, ...answers.flat()];
      if (fetched.some(({ error }) => error instanceof PartitionUnavailable)) await this.#cluster.refreshMetadata();
      return fetched;
    });
    return signal ? untilAborted(work, signal) : work;
  }

  /** Log start, end, and the end of what read_committed readers may see. Throws PartitionUnavailable for the first that has none. */
  async endOffsets(partitions: readonly TopicPartition[]): Promise<LogOffsets[]> {
    return untilLed(this.#cluster, () => this.#endOffsets(partitions));
  }

  async #endOffsets(partitions: readonly TopicPartition[]): Promise<LogOffsets[]> {
    return this.#guard(async () => {
      const { perBroker, missing } = await this.#byLeader(partitions.map((of) => ({ ...of, offset: 0n })));
      const absent = missing[0]?.error;
      if (absent) throw absent;
      const answers = await Promise.all(
        [...perBroker].map(async ([nodeId, of]) => {
          const broker = await this.#cluster.findBroker({ nodeId });
          const start = await listOffsets(broker, of, { timestamp: EARLIEST, isolationLevel: 0 });
          const highWatermark = await listOffsets(broker, of, { timestamp: LATEST, isolationLevel: 0 });
          const lastStable = await listOffsets(broker, of, { timestamp: LATEST, isolationLevel: 1 });
          return of.map(({ topic, partition }) => {
            const key = `${topic}/${partition}`;
            return {
              topic,
              partition,
              start: pick(start, key),
              highWatermark: pick(highWatermark, key),
              lastStable: pick(lastStable, key),
            };
          });
        }),
      );
      return answers.flat();
    });
  }

  /** Ends at once; a fetch in flight rejects with DisposedError. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await closeCluster(this.#cluster, new DisposedError('reader'));
  }

  async #fetchFrom(nodeId: string, positions: FetchPosition[], limits: FetchLimits): Promise<FetchedPartition[]> {
    const broker = await this.#cluster.findBroker({ nodeId });
    const answer = await broker.connectionPool.send(fetchRequest(positions, limits, REQUEST_TIMEOUT_MS)).catch(async (error: unknown) => {
      // A dead socket would otherwise count as connected as long as the other one of this broker lives.
      if (!this.#closed) await broker.disconnect();
      throw error;
    });
    if (answer.errorCode !== 0) throw new KafkaFault(errorType(answer.errorCode).type, `fetch: ${errorType(answer.errorCode).type}`);
    return answer.partitions.map((of) => {
      const asked = positions.find(({ topic, partition }) => topic === of.topic && partition === of.partition);
      return toFetched(of, asked?.offset ?? 0n);
    });
  }

  async #byLeader(positions: readonly FetchPosition[]) {
    const topics = [...new Set(positions.map(({ topic }) => topic))];
    await this.#cluster.addMultipleTargetTopics(topics);
    const perBroker = new Map<string, FetchPosition[]>();
    const missing: FetchedPartition[] = [];
    for (const position of positions) {
      const { topic, partition } = position;
      const leader = this.#cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)?.leader;
      if (leader === undefined || leader < 0) {
        const code = leader === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'LEADER_NOT_AVAILABLE';
        missing.push(failed(position, new PartitionUnavailable(code, topic, partition, true)));
      } else perBroker.set(String(leader), [...(perBroker.get(String(leader)) ?? []), position]);
    }
    return { perBroker, missing };
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new DisposedError('reader');
    try {
      return await bounded('reader', ANSWER_MAX_MS, work());
    } catch (error) {
      if (this.#isClosed()) throw new DisposedError('reader');
      if (error instanceof KafkaFault) throw error;
      const known = protocolCode(error);
      if (known)
        throw new KafkaFault(known.type, `reader: ${messageOf(error)}`, { retriable: errorType(known.code).retriable, cause: error });
      await bounded('metadata', ANSWER_MAX_MS, this.#cluster.refreshMetadata()).catch(() => undefined); // the next call tries again and reports
      throw new BrokerUnavailable(`reader: ${messageOf(error)}`, error);
    }
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isClosed(): boolean {
    return this.#closed;
  }
}

function toFetched(answer: PartitionAnswer, from: bigint): FetchedPartition {
  const { topic, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, recordSet } = answer;
  const offsets = { highWatermark, lastStableOffset, logStartOffset };
  if (errorCode !== 0) {
    const { type, retriable } = errorType(errorCode);
    const error =
      errorCode === OFFSET_OUT_OF_RANGE
        ? new OffsetOutOfRange(topic, partition, from)
        : new PartitionUnavailable(type, topic, partition, retriable);
    return { topic, partition, records: [], nextOffset: from, ...offsets, error };
  }
  return { topic, partition, ...decodeRecordSet(recordSet, { topic, partition, from, aborted }), ...offsets };
}

function failed({ topic, partition, offset }: FetchPosition, error: KafkaFault): FetchedPartition {
  return { topic, partition, records: [], nextOffset: offset, highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n, error };
}

const EARLIEST = -2;
const LATEST = -1;

async function listOffsets(
  broker: Broker,
  of: FetchPosition[],
  ask: { timestamp: number; isolationLevel: number },
): Promise<Map<string, bigint>> {
  const topics = [...new Set(of.map(({ topic }) => topic))].map((topic) => ({
    topic,
    partitions: of.filter((each) => each.topic === topic).map(({ partition }) => ({ partition, timestamp: ask.timestamp })),
  }));
  const { responses } = await broker.listOffsets({ isolationLevel: ask.isolationLevel, topics });
  return new Map(
    responses.flatMap(({ topic, partitions }) => partitions.map(({ partition, offset }) => [`${topic}/${partition}`, BigInt(offset)])),
  );
}

function pick(offsets: Map<string, bigint>, key: string): bigint {
  const offset = offsets.get(key);
  if (offset === undefined) throw new Error(`no offset answered for ${key}`);
  return offset;
}

const rotate = <T>(list: T[], by: number): T[] => [...list.slice(by % list.length), ...list.slice(0, by % list.length)];

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
