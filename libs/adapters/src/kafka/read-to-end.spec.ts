import { expect, it } from 'vitest';

import { readToEnd } from './read-to-end.ts';
import type { FetchedPartition, LaneReader, LogOffsets } from './reader.ts';
import type { KafkaRecord } from './records.ts';

const COUNT = 4;
const records = Array.from({ length: COUNT }, (_, at): KafkaRecord => ({
  ...{ topic: 't', partition: 0, offset: BigInt(at), timestampMs: 0, key: null, value: Buffer.of(), headers: {} },
}));
/** Everything in one fetch, at once. */
const reader = {
  endOffsets: () => Promise.resolve([{ topic: 't', partition: 0, start: 0n, highWatermark: 4n, lastStable: 4n } satisfies LogOffsets]),
  fetch: () => {
    const ends = { nextOffset: 4n, highWatermark: 4n, lastStableOffset: 4n, logStartOffset: 0n };
    return Promise.resolve([{ topic: 't', partition: 0, records, ...ends } satisfies FetchedPartition]);
  },
} as unknown as LaneReader;

it('lets heartbeats through while a single fetch keeps it busy', async () => {
  let heartbeats = 0;
  setImmediate(() => (heartbeats += 1));
  const each = (): void => {
    for (const startedMs = performance.now(); performance.now() - startedMs < 60;);
  };
  await readToEnd(reader, { topic: 't', partition: 0 }, each, new AbortController().signal);
  expect(heartbeats).toBe(1);
});
