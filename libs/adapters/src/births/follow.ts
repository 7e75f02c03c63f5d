/** Reads the whole ledger, lane by lane, from genesis: every record checked, only whole sealed batches shown. */
import { emptyHeads, type LaneHeads, type SealedEntry } from '#domain';

import type { Home } from '../home/home.ts';
import { type KafkaRecord, LaneReader, type LogOffsets } from '../kafka/index.ts';
import { LedgerBatches, readVoids } from '../recover/ledger-batches.ts';
import { wire } from '../wire/codec.ts';

/** Unit bytes: a batch of 512 entries comes in few fetches. */
const FETCH_BYTES_MAX = 8 * 1024 * 1024;

export interface FollowedEntry extends SealedEntry {
  readonly lane: number;
  /** Of its record on the topic `ledger`. */
  readonly offset: bigint;
}

export class LedgerFollower {
  readonly #reader: LaneReader;
  readonly #lanes: Lane[];
  readonly #topic: string;

  private constructor(reader: LaneReader, lanes: Lane[], topic: string) {
    this.#reader = reader;
    this.#lanes = lanes;
    this.#topic = topic;
  }

  /** `lanes` absent: all of them. Throws BrokerUnavailable. */
  static async open(home: Home, brokers: readonly string[], lanes?: readonly number[]): Promise<LedgerFollower> {
    const birth = home.birth();
    const reader = await LaneReader.open({ brokers, clientId: 'countersign-follower' });
    const followed = birth.systemLogs
      .filter((log) => lanes?.includes(log.lane) ?? true)
      .map(({ lane }) => {
        const place = { topic: home.topic('checkpoints'), lane, birth, wire };
        return { lane, batches: new LedgerBatches(emptyHeads(birth, lane), wire, () => readVoids(reader, place)), offset: 0n };
      });
    return new LedgerFollower(reader, followed, home.topic('ledger'));
  }

  /** Entries that came since the last call; waits up to `maxWaitMs` for one. Throws LedgerBroken with the lane and the offset. */
  async poll(maxWaitMs = 100, signal?: AbortSignal): Promise<FollowedEntry[]> {
    const positions = this.#lanes.map(({ lane, offset }) => ({ topic: this.#topic, partition: lane, offset }));
    const limits = { maxWaitMs, maxBytes: FETCH_BYTES_MAX, maxBytesPerPartition: FETCH_BYTES_MAX };
    const fetched = await this.#reader.fetch(positions, signal ? { ...limits, signal } : limits);
    const entries: FollowedEntry[] = [];
    for (const { partition, records, nextOffset, error } of fetched) {
      const lane = this.#lanes.find((each) => each.lane === partition);
      if (!lane) continue;
      for (const record of records) entries.push(...(await admit(lane, record)));
      if (error && !error.retriable) throw error;
      lane.offset = nextOffset;
    }
    return entries;
  }

  /** Everything that is committed now, shown to `each` in the order of each lane, lanes interleaved as they are fetched; `onProgress` hears (read, to read) after each fetch. */
  async catchUp(each: (entry: FollowedEntry) => void, onProgress?: (done: bigint, total: bigint) => void): Promise<void> {
    const ends = await this.ends();
    const total = ends.reduce((sum, { lastStable }) => sum + lastStable, 0n);
    const behind = (): boolean => ends.some(({ partition, lastStable }) => this.position(partition) < lastStable);
    while (behind()) {
      for (const entry of await this.poll(10)) each(entry);
      onProgress?.(
        this.#lanes.reduce((sum, { offset }) => sum + offset, 0n),
        total,
      );
    }
  }

  ends(): Promise<LogOffsets[]> {
    return this.#reader.endOffsets(this.#lanes.map(({ lane }) => ({ topic: this.#topic, partition: lane })));
  }

  position(lane: number): bigint {
    return this.#lanes.find((each) => each.lane === lane)?.offset ?? 0n;
  }

  /** Trees of what was read. */
  heads(lane: number): LaneHeads | undefined {
    return this.#lanes.find((each) => each.lane === lane)?.batches.heads;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

interface Lane {
  readonly lane: number;
  readonly batches: LedgerBatches;
  offset: bigint;
}

async function admit({ lane, batches }: Lane, record: KafkaRecord): Promise<FollowedEntry[]> {
  const read = await batches.push(record);
  return read.flatMap(({ batch, records }) =>
    batch.entries.map((entry, at) => ({ ...entry, lane, offset: records[at]?.offset ?? record.offset })),
  );
}
