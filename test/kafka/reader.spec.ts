import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { LaneReader, PlainWriter } from '../../libs/adapters/src/kafka/index.ts';
import { kafkajsModule } from '../../libs/adapters/src/kafka/patch.ts';
import { connectionConfig } from '../../libs/adapters/src/kafka/client.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { client, createTopic, readAll, texts, unique } from '../support/kafka.ts';

const brokers = inject('brokers');
let reader: LaneReader;
let plain: PlainWriter;

beforeAll(async () => {
  reader = await LaneReader.open(client(brokers));
  plain = PlainWriter.open(client(brokers));
});
afterAll(async () => {
  await reader.close();
  await plain.close();
});

const text = (topic: string, value: string, partition = 0) => ({ topic, partition, key: Buffer.from('tenant'), value: Buffer.from(value) });

it('shows committed records only, when two transactional producers interleave and some abort', async () => {
  const topic = await createTopic(brokers, unique('interleaved'));
  const producers = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const producer = new kafkajs.Kafka(connectionConfig(client(brokers))).producer({
        transactionalId: unique(name),
        maxInFlightRequests: 1,
      });
      await producer.connect();
      return producer;
    }),
  );
  const [first, second] = producers;
  if (!first || !second) throw new Error('two producers expected');
  const expected: string[] = [];
  for (const [round, ends] of (['abort,abort', 'commit,abort', 'abort,commit', 'commit,commit'] as const).entries()) {
    const one = await first.transaction();
    const two = await second.transaction();
    for (const step of [0, 1]) {
      await one.send({ topic, messages: [{ partition: 0, key: Buffer.alloc(4), value: `one-${ends}-${round}.${step}` }] });
      await two.send({ topic, messages: [{ partition: 0, value: `two-${ends}-${round}.${step}` }] });
    }
    const [endOne, endTwo] = ends.split(',') as ['abort' | 'commit', 'abort' | 'commit'];
    await two[endTwo]();
    await one[endOne]();
    for (const step of [0, 1]) {
      if (endOne === 'commit') expected.push(`one-${ends}-${round}.${step}`);
      if (endTwo === 'commit') expected.push(`two-${ends}-${round}.${step}`);
    }
  }
  await Promise.all(producers.map((producer) => producer.disconnect()));
  const records = await readAll(reader, topic);
  expect(texts(records)).toEqual(expected);
  // From every position the same records, and always a way on: 16 records and 8 markers.
  for (let from = 0n; from <= 24n; from++)
    expect(texts(await readAll(reader, topic, 0, from))).toEqual(texts(records.filter(({ offset }) => offset >= from)));
});

it('brings key, value, headers, tombstone and time as they were written', async () => {
  const topic = await createTopic(brokers, unique('fields'), 1, { 'message.timestamp.type': 'LogAppendTime' });
  await plain.send([
    { ...text(topic, 'v'), headers: { ce_id: 'ü', __proto__x: '' } },
    { topic, partition: 0, key: Buffer.from('k'), value: null },
  ]);
  const [first, second] = await readAll(reader, topic);
  expect(first).toMatchObject({ topic, partition: 0, offset: 0n, headers: { ce_id: 'ü', __proto__x: '' } });
  expect(first?.key?.toString()).toBe('tenant');
  expect(first?.timestampMs).toBeGreaterThan(1_600_000_000_000);
  expect(second).toMatchObject({ offset: 1n, value: null });
});

it('says that a partition or a topic does not exist', async () => {
  const topic = await createTopic(brokers, unique('exists'));
  const [fetched] = await reader.fetch([{ topic, partition: 7, offset: 0n }]);
  expect(fetched?.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  await expect(reader.endOffsets([{ topic, partition: 7 }])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
  await expect(reader.fetch([{ topic: unique('absent'), partition: 0, offset: 0n }])).rejects.toMatchObject({
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  });
});

it('keeps no timer running on an idle connection', async () => {
  interface Queue {
    scheduleCheckPendingRequests(): void;
    throttleCheckTimeoutId: unknown;
  }
  const RequestQueue = kafkajsModule<{ prototype: Queue }>('network/requestQueue/index.js');
  const armed = new Set<Queue>();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the queue it belongs to, just below
  const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: Queue) {
    schedule.call(this);
    armed.add(this);
  };
  try {
    const topic = await createTopic(brokers, unique('idle'));
    await reader.endOffsets([{ topic, partition: 0 }]);
    expect(armed.size).toBeGreaterThan(0);
    expect([...armed].filter((queue) => queue.throttleCheckTimeoutId !== null)).toEqual([]);
  } finally {
    RequestQueue.prototype.scheduleCheckPendingRequests = schedule;
  }
});
