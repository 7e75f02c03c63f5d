import type { KafkaRecord, LogReader, OutgoingRecord } from '#adapters';

export const record = (topic: string, value: string, partition = 0): OutgoingRecord => ({
  ...{ topic, partition },
  ...{ key: Buffer.from('key'), value: Buffer.from(value) },
});

export const valuesOf = (records: readonly KafkaRecord[]): string[] => records.map(({ value }) => value?.toString() ?? '(null)');

/**
 * Everything committed on one partition from `from` on, once no transaction is open there: a commit is acknowledged before the markers are
 * written that make it visible.
 */
export async function committed(reader: LogReader, topic: string, partition = 0, from = 0n): Promise<KafkaRecord[]> {
  for (;;) {
    const [end] = await reader.endOffsets([{ topic, partition }]);
    if (end?.lastStable === end?.highWatermark) return readTo(reader, { topic, partition }, from, end?.highWatermark ?? 0n);
  }
}

async function readTo(reader: LogReader, of: { topic: string; partition: number }, from: bigint, end: bigint): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  for (let offset = from; offset < end;) {
    const [fetched] = await reader.fetch([{ ...of, offset }]);
    if (!fetched) throw new Error('no answer for the partition');
    if (fetched.error) throw fetched.error;
    records.push(...fetched.records);
    offset = fetched.nextOffset;
  }
  return records;
}
