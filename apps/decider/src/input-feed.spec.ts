import { expect, it } from 'vitest';

import type { FetchPosition, KafkaRecord, LogReader } from '#adapters';
import { MemoryLane } from '#testing';

import { CONTROLS_WAITING_MAX, InputFeed } from './input-feed.ts';

const COUNT = CONTROLS_WAITING_MAX + 36;

it('no more controls wait than the gate remembers judgements of: the rest is judged, and seen, when there is room', async () => {
  const lane = MemoryLane.ready();
  const start = lane.state.positions.controls.next;
  const controls = Array.from({ length: COUNT }, (_, at): KafkaRecord => ({
    ...{ offset: start + BigInt(at), key: null, value: Buffer.from('x'), headers: {} },
    ...{ topic: 'controls', partition: 0, timestampMs: 0 },
  }));
  const reader = {
    fetch: (positions: readonly FetchPosition[]) =>
      Promise.resolve(
        positions.map(({ topic, partition, offset }) => {
          const records = topic === 'controls' ? controls.slice(Number(offset - start)) : [];
          return { topic, partition, records, nextOffset: topic === 'controls' ? start + BigInt(COUNT) : offset };
        }),
      ),
  } as unknown as LogReader;
  const judged: bigint[] = [];
  const onControl = ({ offset }: KafkaRecord): Promise<void> => Promise.resolve(void judged.push(offset));
  const feed = new InputFeed(reader, lane.state, (name) => name, { onHeld: () => undefined, onControl });
  const seen: bigint[] = [];
  await feed.arrived();
  expect(judged).toHaveLength(CONTROLS_WAITING_MAX);
  while (seen.length < COUNT) {
    for (let next = feed.peek(); next; next = feed.peek()) {
      expect(judged).toContain(next.record.offset);
      seen.push(next.record.offset);
      feed.take(next.topic);
    }
    await feed.arrived();
  }
  expect(seen).toEqual(controls.map(({ offset }) => offset));
  expect(judged).toEqual(seen);
});
