import { describe, expect, it } from 'vitest';

import type { Broker, Cluster, ProtocolRequest } from './internals.ts';
import { commitTransaction, initProducer } from './transaction-requests.ts';

const API_VERSIONS = 18;
const INIT_PRODUCER_ID = 22;

/** A coordinator that answers each request by its API key with these bytes, one after another; the last one again and again. */
function clusterThat(answers: Record<number, Buffer[]>): { cluster: Cluster; asked: number[] } {
  const asked: number[] = [];
  const broker = {
    connectionPool: {
      async send<T>({ request, response }: ProtocolRequest<T>): Promise<T> {
        await request.encode();
        asked.push(request.apiKey);
        const all = answers[request.apiKey] ?? [];
        const next = all.length > 1 ? all.shift() : all[0];
        return response.parse(await response.decode(next ?? Buffer.alloc(0)));
      },
    },
  } as unknown as Broker;
  return { cluster: { findGroupCoordinator: () => Promise.resolve(broker) } as unknown as Cluster, asked };
}

const text = (value: string): number[] => [value.length + 1, ...Buffer.from(value)];
/** ApiVersions 3: no API, and these finalized features after two tagged fields that nobody asked for. */
const features = (...all: [name: string, highest: number][]): Buffer => {
  const list = [all.length + 1, ...all.flatMap(([name, highest]) => [...text(name), 0, highest, 0, 0, 0])];
  return Buffer.from([0, 0, 1, 0, 0, 0, 0, 3, 0, 1, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 9, 2, list.length, ...list]);
};
const identity = (code: number, producerId = 0, producerEpoch = 0): Buffer =>
  Buffer.from([0, 0, 0, 0, 0, code < 0 ? 255 : 0, code & 255, 0, 0, 0, 0, 0, 0, 0, producerId, 0, producerEpoch, 0]);
const UNKNOWN = -1;
const CONCURRENT_TRANSACTIONS = 51;
const INVALID_PRODUCER_EPOCH = 47;

describe('a transactional id', () => {
  it('is initialised once its predecessor’s transaction has been aborted', async () => {
    const { cluster, asked } = clusterThat({
      [API_VERSIONS]: [features(['metadata.version', 29], ['transaction.version', 2])],
      [INIT_PRODUCER_ID]: [identity(CONCURRENT_TRANSACTIONS), identity(CONCURRENT_TRANSACTIONS), identity(0, 7, 3)],
    });
    expect(await initProducer(cluster, 'lane.0')).toEqual({ transactionalId: 'lane.0', producerId: 7n, producerEpoch: 3 });
    expect(asked.filter((key) => key === INIT_PRODUCER_ID)).toHaveLength(3);
  });

  it.each([
    ['an older one', features(['transaction.version', 1])],
    ['none', features(['metadata.version', 20])],
  ])('is refused on a cluster whose transaction.version is %s, with what to do', async (_, answer) => {
    const { cluster, asked } = clusterThat({ [API_VERSIONS]: [answer], [INIT_PRODUCER_ID]: [identity(0)] });
    const refused = { code: 'TRANSACTION_VERSION', message: expect.stringContaining('kafka-features.sh') as string };
    await expect(initProducer(cluster, 'lane.0')).rejects.toMatchObject(refused);
    expect(asked).not.toContain(INIT_PRODUCER_ID);
  });

  it('is refused to an answer whose features go on beyond their field', async () => {
    const answer = features(['transaction.version', 2]);
    const size = answer.length - (1 + text('transaction.version').length + 5) - 1;
    answer[size] = 1;
    const { cluster } = clusterThat({ [API_VERSIONS]: [answer], [INIT_PRODUCER_ID]: [identity(0)] });
    await expect(initProducer(cluster, 'lane.0')).rejects.toMatchObject({ code: 'MALFORMED_ANSWER' });
  });

  it('that cannot be initialised says why', async () => {
    const { cluster } = clusterThat({ [API_VERSIONS]: [features(['transaction.version', 2])], [INIT_PRODUCER_ID]: [identity(53)] });
    await expect(initProducer(cluster, 'lane.0')).rejects.toMatchObject({ code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' });
  });
});

describe('the end of a transaction', () => {
  const of = { transactionalId: 'lane.0', producerId: 7n, producerEpoch: 3 };

  it('says what the next one is written under', async () => {
    const { cluster } = clusterThat({ 26: [identity(0, 7, 4)] });
    expect(await commitTransaction(cluster, of)).toEqual({ ...of, producerEpoch: 4 });
  });

  it('is asked for again only while its coordinator is busy, or letting a successor in', async () => {
    const { cluster, asked } = clusterThat({
      26: [identity(CONCURRENT_TRANSACTIONS), identity(UNKNOWN), identity(INVALID_PRODUCER_EPOCH)],
    });
    await expect(commitTransaction(cluster, of)).rejects.toMatchObject({ code: 'INVALID_PRODUCER_EPOCH' });
    expect(asked).toEqual([26, 26, 26]);
  });
});
