import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import {
  type CommitPoint,
  DisposedError,
  FencedError,
  IndefiniteError,
  LaneReader,
  PlainWriter,
  TransactionalWriter,
} from '../../libs/adapters/src/kafka/index.ts';
import { client, createTopic, readAll, texts, unique } from '../support/kafka.ts';

const brokers = inject('brokers');
let reader: LaneReader;

beforeAll(async () => {
  reader = await LaneReader.open(client(brokers));
});
afterAll(() => reader.close());

const text = (topic: string, value: string, partition = 0) => ({ topic, partition, key: Buffer.from('k'), value: Buffer.from(value) });

it('commits several topics in one transaction and says where', async () => {
  const one = await createTopic(brokers, unique('one'), 2);
  const two = await createTopic(brokers, unique('two'));
  const writer = await TransactionalWriter.open({ ...client(brokers), transactionalId: unique('w'), partitions: [] });
  await writer.commit([text(one, 'a', 1)], 0);
  const bases = await writer.commit([text(one, 'b', 1), text(two, 'c'), text(one, 'd', 1)], 0);
  expect(bases).toHaveLength(2);
  expect(bases).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ topic: one, partition: 1, baseOffset: 2n }),
      expect.objectContaining({ topic: two, partition: 0, baseOffset: 0n }),
    ]),
  );
  expect(texts(await readAll(reader, one, 1))).toEqual(['a', 'b', 'd']);
  expect(texts(await readAll(reader, two))).toEqual(['c']);
  await writer.close();
});

it('passes its named points in order', async () => {
  const topic = await createTopic(brokers, unique('points'));
  const points: CommitPoint[] = [];
  const writer = await TransactionalWriter.open({
    ...client(brokers),
    transactionalId: unique('w'),
    partitions: [],
    onPoint: (point) => void points.push(point),
  });
  await writer.commit([text(topic, 'x')], 0);
  expect(points).toEqual(['before-send', 'after-send', 'before-commit', 'after-commit-sent', 'after-commit']);
  await writer.close();
});

it('is fenced by its successor, says so, and stays unusable', async () => {
  const topic = await createTopic(brokers, unique('fence'));
  const transactionalId = unique('lane');
  const old = await TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: [] });
  await old.commit([text(topic, 'before')], 0);
  const successor = await TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: [] });
  const error: unknown = await old.commit([text(topic, 'late')], 0).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FencedError);
  expect(error).toMatchObject({ code: 'FENCED', succeeded: true });
  await expect(old.commit([text(topic, 'later')], 0)).rejects.toBeInstanceOf(DisposedError);
  await successor.commit([text(topic, 'after')], 0);
  expect(texts(await readAll(reader, topic))).toEqual(['before', 'after']);
  await successor.close();
});

it('aborts what a predecessor left open, before its successor is ready', async () => {
  const topic = await createTopic(brokers, unique('left'));
  const transactionalId = unique('lane');
  let successor: TransactionalWriter | undefined;
  const old = await TransactionalWriter.open({
    ...client(brokers),
    transactionalId,
    partitions: [],
    onPoint: async (point) => {
      if (point !== 'before-commit') return;
      successor = await TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: [] });
      const [end] = await reader.endOffsets([{ topic, partition: 0 }]);
      expect(end?.lastStable).toBe(end?.highWatermark); // nothing is open any more
    },
  });
  await expect(old.commit([text(topic, 'lost')], 0)).rejects.toMatchObject({ code: 'FENCED', succeeded: true });
  await successor?.commit([text(topic, 'kept')], 0);
  expect(texts(await readAll(reader, topic))).toEqual(['kept']);
  await successor?.close();
});

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

it('closes with a transaction in flight', async () => {
  const topic = await createTopic(brokers, unique('close'));
  const writer: TransactionalWriter = await TransactionalWriter.open({
    ...client(brokers),
    transactionalId: unique('w'),
    partitions: [],
    onPoint: async (point) => {
      if (point === 'after-send') await writer.close();
    },
  });
  await expect(writer.commit([text(topic, 'x')], 0)).rejects.toBeInstanceOf(DisposedError);
  const [end] = await reader.endOffsets([{ topic, partition: 0 }]);
  expect(end).toMatchObject({ lastStable: 0n, highWatermark: 1n }); // sent, and left open: no commit went out
});

it('says that the outcome is unknown when the answer to a commit does not come', async () => {
  const topic = await createTopic(brokers, unique('unknown'));
  const transactionalId = unique('lane');
  const writer: TransactionalWriter = await TransactionalWriter.open({
    ...client(brokers),
    transactionalId,
    partitions: [],
    onPoint: (point) => (point === 'after-commit-sent' ? writer.close() : undefined),
  });
  const error: unknown = await writer.commit([text(topic, 'x')], 0).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'INDEFINITE', commitSent: true });
  // Either way the successor sees what became of it: the request had left.
  await (await TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: [] })).close();
  expect(texts(await readAll(reader, topic))).toEqual(['x']);
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

it('says when the broker appended, on topics that are stamped by it', async () => {
  const topic = await createTopic(brokers, unique('stamped'), 1, { 'message.timestamp.type': 'LogAppendTime' });
  const writer = await TransactionalWriter.open({ ...client(brokers), transactionalId: unique('w'), partitions: [] });
  const [base] = await writer.commit([text(topic, 'x')], 0);
  expect(base?.appendTimeMs).toBe((await readAll(reader, topic))[0]?.timestampMs);
  await writer.close();
});
