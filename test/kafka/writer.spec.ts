import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { DisposedError, IndefiniteError, LaneReader, PlainWriter, TransactionalWriter } from '../../libs/adapters/src/kafka/index.ts';
import { closeCluster, openCluster } from '../../libs/adapters/src/kafka/internals.ts';
import { isPassing, produce } from '../../libs/adapters/src/kafka/produce.ts';
import { commitTransaction, initProducer, TRANSACTION_PAUSES_MS } from '../../libs/adapters/src/kafka/transaction-requests.ts';
import { client, createTopic, readAll, texts, unique } from '../support/kafka.ts';

const brokers = inject('brokers');
let reader: LaneReader;

beforeAll(async () => {
  reader = await LaneReader.open(client(brokers));
});
afterAll(() => reader.close());

const text = (topic: string, value: string, partition = 0) => ({ topic, partition, key: Buffer.from('k'), value: Buffer.from(value) });

it('reports a refused record as not committed, and its successor goes on', async () => {
  const topic = await createTopic(brokers, unique('large'), 1, { 'max.message.bytes': '10000' });
  const transactionalId = unique('lane');
  const writer = await TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: [] });
  const error: unknown = await writer.commit([text(topic, 'x'.repeat(20_000))], 0).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(IndefiniteError);
  expect(error).toMatchObject({ commitSent: false });
  const next = await TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: [] });
  await next.commit([text(topic, 'small')], 0);
  expect(texts(await readAll(reader, topic))).toEqual(['small']);
  await next.close();
});

it('an end that comes late touches no later transaction', async () => {
  const topic = await createTopic(brokers, unique('late'));
  const { cluster } = openCluster(client(brokers));
  await cluster.connect();
  const once = { pausesMs: TRANSACTION_PAUSES_MS, isPassing };
  const first = await initProducer(cluster, unique('lane'));
  await produce(cluster, [text(topic, 'first')], { ...once, transaction: first });
  const second = await commitTransaction(cluster, first);
  await produce(cluster, [text(topic, 'second')], { ...once, transaction: second });
  await expect(commitTransaction(cluster, first)).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
  const [ends] = await reader.endOffsets([{ topic, partition: 0 }]);
  expect(ends?.lastStable).toBeLessThan(ends?.highWatermark ?? 0n); // open, as before
  await commitTransaction(cluster, second);
  expect(texts(await readAll(reader, topic))).toEqual(['first', 'second']);
  await closeCluster(cluster, new Error('done'));
});

it('sends without transaction, to the partition given, and says where', async () => {
  const topic = await createTopic(brokers, unique('plain'), 2, { 'max.message.bytes': '10000' });
  const writer = PlainWriter.open(client(brokers));
  expect(await writer.send([text(topic, 'a', 1), text(topic, 'b', 1)])).toMatchObject([{ topic, partition: 1, baseOffset: 0n }]);
  await expect(writer.send([text(topic, 'x'.repeat(20_000))])).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  expect(await writer.send([text(topic, 'c', 1)])).toMatchObject([{ topic, partition: 1, baseOffset: 2n }]);
  await writer.close();
  await expect(writer.send([text(topic, 'd', 1)])).rejects.toBeInstanceOf(DisposedError);
});

it('says BROKER_UNAVAILABLE within its bound when nobody listens', async () => {
  const writer = PlainWriter.open({ brokers: ['127.0.0.1:9'], clientId: 'test' });
  await expect(writer.send([text('t', 'x')])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retriable: true });
  await writer.close();
});
