import { expect, it } from 'vitest';

import type { FetchPosition, KafkaRecord, LogReader } from '#adapters';
import { MemoryLane } from '#testing';

import { CANDIDATES_MAX, InputFeed } from './input-feed.ts';

const COUNT = CANDIDATES_MAX + 36;

it('no more candidate bundles wait than the gate remembers judgements of: the rest is judged, and seen, when there is room', async () => {
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
  expect(judged).toHaveLength(CANDIDATES_MAX);
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

const at = (offset: bigint, topic = 'controls'): KafkaRecord => ({
  ...{ offset, topic, key: null, value: Buffer.from(`${topic} ${offset}`), headers: {}, partition: 0, timestampMs: 0 },
});

/** A feed over one answer that holds these controls, the first of them candidates, and one action; a candidate is ready when `ready` was called for it. */
async function feedOf(
  count: number,
  { urgent, candidates = count, lane = MemoryLane.ready() }: { urgent?: number; candidates?: number; lane?: MemoryLane } = {},
) {
  const start = lane.state.positions.controls.next;
  const controls = Array.from({ length: count }, (_, each) => at(start + BigInt(each)));
  const held: Record<string, KafkaRecord[]> = { controls, actions: [at(lane.state.positions.actions.next, 'actions')] };
  const reader = {
    fetch: (positions: readonly FetchPosition[]) =>
      Promise.resolve(
        positions.map(({ topic, partition, offset }) => {
          const records = (held[topic] ?? []).filter((record) => record.offset >= offset);
          return { topic, partition, records, nextOffset: (records.at(-1)?.offset ?? offset - 1n) + 1n };
        }),
      ),
  } as unknown as LogReader;
  const ready = new Map<bigint, () => void>();
  const feed = new InputFeed(reader, lane.state, (name) => name, {
    onHeld: () => undefined,
    onControl: ({ offset }) =>
      offset - start < candidates ? new Promise<void>((resolve) => ready.set(offset - start, resolve)) : undefined,
    isUrgent: ({ offset }) => urgent !== undefined && offset === start + BigInt(urgent),
  });
  await feed.arrived();
  const next = (): string | undefined => {
    const found = feed.peek();
    if (found) feed.take(found.topic);
    return found && `${found.topic} ${found.topic === 'controls' ? found.record.offset - start : ''}`.trim();
  };
  return { feed, next, ready: (offset: number) => ready.get(BigInt(offset))?.() };
}

it('a control that is not ready keeps its own topic waiting, and no other', async () => {
  const { feed, next, ready } = await feedOf(2);
  expect([next(), next()]).toEqual(['actions', undefined]);
  expect(feed.isEmpty).toBe(true);
  ready(1);
  await Promise.resolve();
  expect(next()).toBeUndefined();
  ready(0);
  await Promise.resolve();
  expect([next(), next(), next()]).toEqual(['controls 0', 'controls 1', undefined]);
});

it('an urgent control does not wait: what is in front of it is decided as it stands, what is behind it waits on', async () => {
  const { next } = await feedOf(4, { urgent: 2 });
  expect([next(), next(), next(), next(), next()]).toEqual(['controls 0', 'controls 1', 'controls 2', 'actions', undefined]);
});

it('so it is when no more candidates can be taken in: the next could be urgent', async () => {
  const { next } = await feedOf(CANDIDATES_MAX);
  expect([next(), next()]).toEqual(['controls 0', 'actions']);
});

it('a candidate is waited for, however many other controls are behind it', async () => {
  const { next, ready } = await feedOf(CANDIDATES_MAX * 4, { candidates: 1 });
  expect([next(), next()]).toEqual(['actions', undefined]);
  ready(0);
  await Promise.resolve();
  expect([next(), next()]).toEqual(['controls 0', 'controls 1']);
});

it('what waits behind a candidate that is not ready counts as nothing to decide: a batch must not wait for it', async () => {
  const { feed, next, ready } = await feedOf(CANDIDATES_MAX * 4, { candidates: 1 });
  expect(feed.holds(CANDIDATES_MAX)).toBe(false);
  ready(0);
  await Promise.resolve();
  expect(feed.holds(CANDIDATES_MAX)).toBe(true);
  expect(next()).toBe('controls 0');
});

it('under rules 1 a control waits, whatever is behind it', async () => {
  const { next } = await feedOf(2, { urgent: 1, lane: MemoryLane.ready(['acme'], { rules: 1 }) });
  expect([next(), next()]).toEqual(['actions', undefined]);
});

it('a flood of outcomes keeps no action waiting: they are taken in turns, each topic in the order of its log, and controls before both', async () => {
  const lane = MemoryLane.ready();
  const { controls, outcomes, actions } = lane.state.positions;
  const of = (topic: string, start: bigint, count: number) => Array.from({ length: count }, (_, each) => at(start + BigInt(each), topic));
  const held: Record<string, KafkaRecord[]> = {
    controls: of('controls', controls.next, 2),
    outcomes: of('outcomes', outcomes.next, 50),
    actions: of('actions', actions.next, 3),
  };
  const reader = {
    fetch: (positions: readonly FetchPosition[]) =>
      Promise.resolve(
        positions.map(({ topic, partition, offset }) => {
          const records = (held[topic] ?? []).filter((record) => record.offset >= offset);
          return { topic, partition, records, nextOffset: (records.at(-1)?.offset ?? offset - 1n) + 1n };
        }),
      ),
  } as unknown as LogReader;
  const feed = new InputFeed(reader, lane.state, (name) => name, { onHeld: () => undefined, onControl: () => undefined });
  await feed.arrived();
  const taken: string[] = [];
  for (let next = feed.peek(); next; next = feed.peek()) {
    taken.push(String(next.record.value));
    feed.take(next.topic);
  }
  const named = (topic: string) => (held[topic] ?? []).map(({ value }) => String(value));
  const [first, second, third] = named('actions');
  const [one, two, three, ...more] = named('outcomes');
  expect(taken).toEqual([...named('controls'), one, first, two, second, three, third, ...more]);
});
