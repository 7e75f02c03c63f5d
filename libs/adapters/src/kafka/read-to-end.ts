import { setImmediate as nextTurn } from 'node:timers/promises';
import { TransactionOpen } from './errors.ts';
import type { FetchPosition } from './fetch-request.ts';
import type { LogReader } from './reader.ts';
import type { KafkaRecord } from './records.ts';

const FETCH = { maxWaitMs: 100, minBytes: 1, maxBytesPerPartition: 8 * 1024 * 1024 };

/**
 * Unit ms. One fetch can hold minutes of signatures to check. Without a pause the group hears no heartbeat, takes the lane away, and gives it
 * to the next process that fares no better.
 */
const TURN_MAX_MS = 50;

/** Unit ms. The broker ends an open transaction after 10 s, and looks for such ones every 10 s. */
const STANDSTILL_MAX_MS = 25_000;

/**
 * Every committed record of one partition from `from` (or its start) to `to` (or where it ended when the call was made). Call after the lane's
 * predecessor was fenced: then nothing of it is still open. `each` may be slow; the next fetch waits for it.
 */
export async function readToEnd(
  reader: LogReader,
  place: { readonly topic: string; readonly partition: number; readonly from?: bigint; readonly to?: bigint },
  each: (record: KafkaRecord) => unknown,
  signal: AbortSignal,
): Promise<bigint> {
  const [ends] = await reader.endOffsets([place]);
  if (!ends) throw new Error(`no offsets for ${place.topic}`);
  let position: FetchPosition = { topic: place.topic, partition: place.partition, offset: place.from ?? ends.start };
  const end = place.to ?? ends.highWatermark;
  let movedMs = performance.now();
  while (position.offset < end) {
    signal.throwIfAborted();
    const [fetched] = await reader.fetch([position], { ...FETCH, signal });
    if (!fetched) throw new Error(`nothing fetched of ${place.topic}`);
    let turnMs = performance.now();
    for (const record of fetched.records) {
      if (record.offset >= end) break;
      await each(record);
      if (performance.now() - turnMs < TURN_MAX_MS) continue;
      await nextTurn();
      turnMs = performance.now();
      signal.throwIfAborted();
    }
    if (fetched.error) throw fetched.error; // behind what could be read
    if (fetched.nextOffset > position.offset) movedMs = performance.now();
    else if (performance.now() - movedMs > STANDSTILL_MAX_MS) {
      throw new TransactionOpen(place.topic, place.partition, position.offset);
    }
    position = { ...position, offset: fetched.nextOffset };
  }
  return position.offset;
}
