/* Transactions that their coordinator calls ended though a partition has no marker: what a killed broker can leave behind. */
import { once } from 'node:events';
import { Socket } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';

import { IndefiniteError, LaneReader, TransactionalWriter, withAdmin } from '#adapters';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { closeCluster, openCluster } from '../../libs/adapters/src/kafka/internals.ts';
import { producerOf } from '../../libs/adapters/src/kafka/transactions-api.ts';
import { client, createTopic, readAll, texts, unique } from '../support/kafka.ts';
import { produceUnasked } from './unasked.ts';

const brokers = inject('brokers');
let reader: LaneReader;
let one: string;
let two: string;
let transactionalId: string;

const text = (topic: string, value: string) => ({ topic, partition: 0, key: null, value: Buffer.from(value) });
const partitions = () => [one, two].map((topic) => ({ topic, partition: 0 }));
const open = () => TransactionalWriter.open({ ...client(brokers), transactionalId, partitions: partitions() });
const isStuck = async (topic: string): Promise<boolean> => {
  const [ends] = await reader.endOffsets([{ topic, partition: 0 }]);
  return ends?.lastStable !== ends?.highWatermark;
};

/** As the last owner of the id, after its last transaction: the coordinator never hears of it. */
async function leaveOpen(topic: string, value: string, laneSeq: number | undefined, id = transactionalId): Promise<void> {
  const { cluster } = openCluster(client(brokers));
  await cluster.connect();
  const owner = await producerOf(cluster, id);
  const headers = laneSeq === undefined ? {} : { laneseq: String(laneSeq) };
  await produceUnasked(cluster, { ...text(topic, value), headers }, { ...owner, transactionalId: id });
  await closeCluster(cluster, new Error('done'));
  expect(await isStuck(topic)).toBe(true);
}

/** With it on (the default), a broker takes records of known transactions only. */
const verifyPartitions = (on: boolean): Promise<unknown> =>
  withAdmin(client(brokers), (admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.BROKER,
          name: '1',
          configEntries: [{ name: 'transaction.partition.verification.enable', value: String(on) }],
        },
      ],
    }),
  );

beforeAll(async () => {
  reader = await LaneReader.open(client(brokers));
  await verifyPartitions(false);
});
afterAll(async () => {
  await verifyPartitions(true);
  await reader.close();
});
beforeEach(async () => {
  transactionalId = unique('lane');
  one = await createTopic(brokers, unique('one'));
  two = await createTopic(brokers, unique('two'));
});

it('is aborted by the next owner when no other partition shows that it was committed', async () => {
  const old = await open();
  await old.commit([text(one, 'a'), text(two, 'a')], 1);
  await old.close();
  await leaveOpen(one, 'forgotten', 2);
  await leaveOpen(two, 'forgotten', 2);
  const next = await open();
  expect([await isStuck(one), await isStuck(two)]).toEqual([false, false]);
  await next.commit([text(one, 'b'), text(two, 'b')], 2);
  expect(texts(await readAll(reader, one))).toEqual(['a', 'b']);
  expect(texts(await readAll(reader, two))).toEqual(['a', 'b']);
  await next.close();
});

it('is committed by the next owner when another partition shows that it was', async () => {
  const old = await open();
  await old.commit([text(one, 'a')], 1);
  await old.close();
  await leaveOpen(two, 'a', 1);
  const next = await open();
  expect(texts(await readAll(reader, two))).toEqual(['a']);
  await next.commit([text(one, 'b'), text(two, 'b')], 2);
  expect(texts(await readAll(reader, two))).toEqual(['a', 'b']);
  await next.close();
});

it('is ended under another producer id too, as an owner has whose epochs were used up; one that is none of a lane’s is left alone', async () => {
  const other = unique('other');
  await (await TransactionalWriter.open({ ...client(brokers), transactionalId: other, partitions: [] })).close();
  await (await open()).close();
  await leaveOpen(one, 'forgotten', 1, other);
  await leaveOpen(two, 'foreign', undefined, other);
  await (await open()).close();
  expect([await isStuck(one), await isStuck(two)]).toEqual([false, true]);
  expect(texts(await readAll(reader, one))).toEqual([]);
});

describe('a writer whose connection broke', () => {
  /** What `work` opens, and nothing else of this process. */
  async function withSockets<T>(work: () => Promise<T>): Promise<{ result: T; sockets: Socket[] }> {
    const handles = (): unknown[] => (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
    const before = new Set(handles());
    const result = await work();
    return { result, sockets: handles().filter((each) => each instanceof Socket && !before.has(each)) as Socket[] };
  }
  const broken = (sockets: readonly Socket[]): Promise<unknown> => Promise.all(sockets.map((each) => once(each.end(), 'close'))); // the broker hangs up too

  it('writes nothing on top of what its last transaction has left open: its successor ends that first', async () => {
    const { result: writer, sockets } = await withSockets(open);
    await writer.commit([text(one, 'a')], 1);
    await leaveOpen(two, 'a', 1);
    expect(sockets).not.toEqual([]);
    await broken(sockets);
    await expect(writer.commit([text(one, 'b'), text(two, 'b')], 2)).rejects.toBeInstanceOf(IndefiniteError);
    const next = await open();
    expect(texts(await readAll(reader, one))).toEqual(['a']);
    expect(texts(await readAll(reader, two))).toEqual(['a']);
    await next.close();
  });

  it('goes on when nothing was left open', async () => {
    const { result: writer, sockets } = await withSockets(open);
    await writer.commit([text(one, 'a')], 1);
    await broken(sockets);
    await writer.commit([text(one, 'b')], 2);
    expect(texts(await readAll(reader, one))).toEqual(['a', 'b']);
    await writer.close();
  });

  it('in mid-transaction does not commit it over another connection', async () => {
    let sockets: Socket[] = [];
    const opened = await withSockets(() =>
      TransactionalWriter.open({
        ...{ ...client(brokers), transactionalId, partitions: partitions() },
        onPoint: async (point) => {
          if (point === 'after-send') await broken(sockets);
        },
      }),
    );
    ({ sockets } = opened);
    await expect(opened.result.commit([text(one, 'lost')], 1)).rejects.toBeInstanceOf(IndefiniteError);
    const next = await open();
    await next.commit([text(one, 'kept')], 1);
    expect(texts(await readAll(reader, one))).toEqual(['kept']);
    await next.close();
  });
});

it('one of a producer that nobody has fenced is left alone', async () => {
  const old = await open();
  await old.commit([text(one, 'a')], 1);
  await leaveOpen(two, 'at work', 2);
  const { cluster } = openCluster(client(brokers));
  await cluster.connect();
  const { endLeftOpen } = await import('../../libs/adapters/src/kafka/left-open.ts');
  const owner = { transactionalId, ...(await producerOf(cluster, transactionalId)) };
  await endLeftOpen(cluster, client(brokers), { owner, partitions: partitions() });
  expect(await isStuck(two)).toBe(true);
  await closeCluster(cluster, new Error('done'));
  await old.close();
  await (await open()).close();
  expect(await isStuck(two)).toBe(false);
});
