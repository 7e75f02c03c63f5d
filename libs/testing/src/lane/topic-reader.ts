/** Topics without Kafka, for what reads them as a log. */
import type { FetchedPartition, KafkaRecord, LogOffsets, LogReader } from '#adapters';

export const recordsOf = (topic: string, values: readonly (Uint8Array | null)[], keys: readonly string[] = []): KafkaRecord[] =>
  values.map((value, at) => ({
    ...{ topic, partition: 0, offset: BigInt(at), timestampMs: 0, headers: {} },
    ...{ key: Buffer.from(keys[at] ?? ''), value: value && Buffer.from(value) },
  }));

/** Lane 0 of topics that are held in memory, each whole in one answer. */
export function readerOf(topics: Readonly<Record<string, readonly KafkaRecord[]>>): LogReader {
  const endOf = (topic: string): bigint => BigInt(topics[topic]?.length ?? 0);
  return {
    endOffsets: ([{ topic, partition } = { topic: '', partition: 0 }]) =>
      Promise.resolve([{ topic, partition, start: 0n, highWatermark: endOf(topic), lastStable: endOf(topic) } satisfies LogOffsets]),
    fetch: ([{ topic, partition, offset } = { topic: '', partition: 0, offset: 0n }]) => {
      const records = (topics[topic] ?? []).filter((record) => record.offset >= offset);
      const ends = { nextOffset: endOf(topic), highWatermark: endOf(topic), lastStableOffset: endOf(topic), logStartOffset: 0n };
      return Promise.resolve([{ topic, partition, records, ...ends } satisfies FetchedPartition]);
    },
    close: () => Promise.resolve(),
  };
}
