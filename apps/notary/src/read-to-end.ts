import type { KafkaRecord, LaneReader } from '#adapters';

const FETCH = { maxWaitMs: 100, minBytes: 1, maxBytesPerPartition: 8 * 1024 * 1024 };

/** Every committed record of one partition, up to where it ended when the call was made. After the predecessor was fenced, that is all. */
export async function readToEnd(
  reader: LaneReader,
  place: { readonly topic: string; readonly partition: number },
  each: (record: KafkaRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  const [ends] = await reader.endOffsets([place]);
  if (!ends) throw new Error(`no offsets for ${place.topic}`);
  for (let offset = ends.start; offset < ends.highWatermark;) {
    const [fetched] = await reader.fetch([{ ...place, offset }], { ...FETCH, signal });
    if (!fetched) throw new Error(`nothing fetched of ${place.topic}`);
    if (fetched.error) throw fetched.error;
    for (const record of fetched.records) each(record);
    offset = fetched.nextOffset;
  }
}
