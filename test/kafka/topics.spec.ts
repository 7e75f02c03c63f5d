import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import {
  checkTopics,
  connectionConfig,
  createTopics,
  LaneReader,
  physicalTopic,
  PlainWriter,
  TOPICS,
} from '../../libs/adapters/src/kafka/index.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { client, createTopic, readAll, unique } from '../support/kafka.ts';

const brokers = inject('brokers');
const admin = new kafkajs.Kafka(connectionConfig(client(brokers))).admin();
beforeAll(() => admin.connect());
afterAll(() => admin.disconnect());

it('creates every topic once, with its settings, and changes nothing the second time', async () => {
  const options = { prefix: `${unique('all')}.`, lanes: 2 };
  expect((await createTopics(admin, options)).sort()).toEqual(TOPICS.map(({ name }) => physicalTopic(name, options.prefix)).sort());
  expect(await checkTopics(admin, options)).toEqual([]);
  expect(await createTopics(admin, options)).toEqual([]);
});

it('lists every difference with its code', async () => {
  const options = { prefix: `${unique('bad')}.`, lanes: 2 };
  const ledger = await createTopic(brokers, `${options.prefix}ledger`, 1, { 'cleanup.policy': 'compact', 'max.message.bytes': '1000' });
  const faults = await checkTopics(admin, options);
  expect(faults.filter(({ code }) => code === 'TOPIC_MISSING')).toHaveLength(TOPICS.length - 1);
  expect(faults.filter(({ topic }) => topic === ledger).map(({ code, text }) => `${code}: ${text}`)).toEqual([
    `TOPIC_PARTITIONS: topic ${ledger}: 2 partitions expected, 1 found`,
    `TOPIC_SETTING: topic ${ledger}: cleanup.policy=delete expected, compact found`,
    `TOPIC_SETTING: topic ${ledger}: retention.ms=-1 expected, 604800000 found`,
    `TOPIC_SETTING: topic ${ledger}: max.message.bytes=16777216 expected, 1000 found`,
    `TOPIC_SETTING: topic ${ledger}: message.timestamp.type=LogAppendTime expected, CreateTime found`,
  ]);
});

it('never lets the ledger or the controls expire or be compacted', () => {
  for (const name of ['ledger', 'controls', 'receipts'])
    expect(TOPICS.find((spec) => spec.name === name)).toMatchObject({ cleanupPolicy: 'delete', retentionMs: -1 });
});

it('stores inputs uncompressed, stamped by the broker, and at most 1 MiB', async () => {
  const inputs = TOPICS.filter(({ name }) => ['actions', 'outcomes', 'controls'].includes(name));
  for (const spec of inputs)
    expect(spec).toMatchObject({ compressionType: 'uncompressed', timestampType: 'LogAppendTime', maxMessageBytes: 1024 * 1024 });

  const options = { prefix: `${unique('input')}.`, lanes: 1 };
  await createTopics(admin, options);
  const actions = physicalTopic('actions', options.prefix);
  const producer = new kafkajs.Kafka(connectionConfig(client(brokers))).producer();
  await producer.connect();
  // Dated 1970 and compressed, as a careless platform would send it.
  await producer.send({
    topic: actions,
    compression: kafkajs.CompressionTypes.GZIP,
    messages: [{ partition: 0, value: 'x', timestamp: '1' }],
  });
  await producer.disconnect();
  const reader = await LaneReader.open(client(brokers));
  const [record] = await readAll(reader, actions);
  await reader.close();
  expect(record?.timestampMs).toBeGreaterThan(1_600_000_000_000);
  const writer = PlainWriter.open(client(brokers));
  const large = { topic: actions, partition: 0, key: null, value: Buffer.alloc(1024 * 1024 + 1) };
  await expect(writer.send([large])).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  await writer.close();
});
