import { describe, expect, it } from 'vitest';

import type { Broker, Cluster, ProtocolRequest } from './internals.ts';
import { openTransactions, producerOf, writeMarker } from './transactions-api.ts';

/** Its only broker answers once with these bytes; whatever is asked afterwards fails. */
function clusterThat(...answers: Buffer[]): Cluster {
  const send = async <T>({ response }: ProtocolRequest<T>): Promise<T> => {
    const next = answers.shift();
    if (next === undefined) throw new Error('asked again');
    return response.parse(await response.decode(next));
  };
  const broker = { connectionPool: { send } } as unknown as Broker;
  return {
    addMultipleTargetTopics: () => Promise.resolve(),
    refreshMetadata: () => Promise.resolve(),
    findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1 }],
    findBroker: () => Promise.resolve(broker),
    findGroupCoordinator: () => Promise.resolve(broker),
  } as unknown as Cluster;
}

const TEXT_T = [2, 0x74];
const long = (value: number): number[] => [0, 0, 0, 0, 0, 0, 0, value];
const int = (value: number): number[] => [0, 0, 0, value];
const list = (...items: number[][]): number[] => [items.length + 1, ...items.flat()];
const answer = (...parts: number[][]): Buffer => Buffer.from([0, ...parts.flat(), 0]);

const state = (code: number): number[] => [0, code, ...TEXT_T, ...TEXT_T, ...int(9), ...long(0), ...long(7), 0, 3, 1, 0];
const open = [...long(7), ...int(3), ...int(0), ...long(0), ...int(5), ...long(70), 0];
const active = (...producers: number[][]): number[] => [...int(0), 0, 0, 0, ...list(...producers), 0];
const marker = (code: number): number[] => [...long(7), ...list([...TEXT_T, ...list([...int(0), 0, code, 0]), 0]), 0];

const place = { topic: 't', partition: 0 };
const transaction = { ...place, producerId: 7n, producerEpoch: 3, firstOffset: 70n, coordinatorEpoch: 5 };
const LEFT_OUT = { code: 'MALFORMED_ANSWER', retriable: true };

describe('who may write under a transactional id', () => {
  it('is what its coordinator says', async () => {
    expect(await producerOf(clusterThat(answer(int(0), list(state(0)))), 't')).toEqual({ producerId: 7n, producerEpoch: 3 });
    await expect(producerOf(clusterThat(answer(int(0), list(state(105)))), 't')).rejects.toMatchObject({ code: 'KAFKA_ERROR_105' });
  });
  it('is not told by an answer about no id, or about two', async () => {
    for (const states of [list(), list(state(0), state(0))])
      await expect(producerOf(clusterThat(answer(int(0), states)), 't')).rejects.toMatchObject(LEFT_OUT);
  });
});

describe('the open transactions of a partition', () => {
  it('are those its leader names', async () => {
    const found = await openTransactions(clusterThat(answer(int(0), list([...TEXT_T, ...list(active(open)), 0]))), [place]);
    expect(found).toEqual([transaction]);
  });
  it('are asked for again after an answer that leaves the partition out: it does not say that there are none', async () => {
    const without = answer(int(0), list());
    const whole = answer(int(0), list([...TEXT_T, ...list(active()), 0]));
    expect(await openTransactions(clusterThat(without, whole), [place])).toEqual([]);
    await expect(openTransactions(clusterThat(without), [place])).rejects.toThrow('asked again');
  });
});

describe('the end of what was left open', () => {
  it('is written once the leader says so', async () => {
    await writeMarker(clusterThat(answer(list(marker(0)))), transaction, 'abort');
    await expect(writeMarker(clusterThat(answer(list(marker(31)))), transaction, 'abort')).rejects.toMatchObject({
      code: 'CLUSTER_AUTHORIZATION_FAILED',
    });
  });
  it('is not written by an answer that leaves the partition out', async () => {
    await expect(writeMarker(clusterThat(answer(list())), transaction, 'abort')).rejects.toMatchObject(LEFT_OUT);
  });
});
