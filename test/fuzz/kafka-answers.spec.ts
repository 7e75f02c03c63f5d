/** Answers in Kafka's flexible encoding: a broken one must end in KafkaFault, and whatever else it brings must be about what was asked. */
import { BrokerUnavailable, KafkaFault } from '#adapters';

import { compactArray } from '../../libs/adapters/src/kafka/flexible.ts';
import { type Broker, type Cluster, type Encoder, EncoderImpl, type ProtocolRequest } from '../../libs/adapters/src/kafka/internals.ts';
import { produceRequest } from '../../libs/adapters/src/kafka/produce-request.ts';
import { commitTransaction, initProducer } from '../../libs/adapters/src/kafka/transaction-requests.ts';
import { openTransactions, producerOf, transactionalIdOf, writeMarker } from '../../libs/adapters/src/kafka/transactions-api.ts';
import { fuzz, type Target } from './fuzz.ts';

type Decode = (payload: Buffer) => Promise<unknown>;
const [API_VERSIONS, INIT_PRODUCER_ID, END_TXN, MARKERS, PRODUCERS, TRANSACTIONS, LISTED] = [18, 22, 26, 27, 61, 65, 66] as const;

const place = { topic: 'actions', partition: 1 };
const owner = { transactionalId: 'lane.1', producerId: 9n, producerEpoch: 3 };
const left = { ...place, producerId: 9n, producerEpoch: 3, firstOffset: 70n, coordinatorEpoch: 5 };

const to = (): Encoder => new EncoderImpl();
const list = (...items: Encoder[]): Encoder => compactArray(items, (encoder, item) => encoder.writeEncoder(item));
/** Behind a header without tagged fields, and before as many. */
const answer = (body: Encoder): Buffer => to().writeUVarInt(0).writeEncoder(body).writeUVarInt(0).buffer;
const ofTopic = (topic: string, ...partitions: Encoder[]): Encoder =>
  to()
    .writeUVarIntString(topic)
    .writeEncoder(list(...partitions))
    .writeUVarInt(0);

const features = (...of: [name: string, highest: number][]): Encoder =>
  list(...of.map(([name, highest]) => to().writeUVarIntString(name).writeInt16(highest).writeInt16(0).writeUVarInt(0)));
const FINALIZED_FEATURES = 2;
const agreed = features(['metadata.version', 29], ['transaction.version', 2]);
/** Its header has no tagged fields. Each API with its lowest and highest version; then the time the broker throttles, and one tagged field. */
const versions = to()
  .writeInt16(0)
  .writeEncoder(list(...[0, 1].map((key) => to().writeInt16(key).writeInt16(0).writeInt16(9).writeUVarInt(0))))
  .writeInt32(0)
  .writeUVarInt(1)
  .writeUVarInt(FINALIZED_FEATURES)
  .writeUVarInt(agreed.buffer.length)
  .writeEncoder(agreed).buffer;

const identity = answer(to().writeInt32(0).writeInt16(0).writeInt64('9').writeInt16(4));
const state = to()
  .writeInt16(0)
  .writeUVarIntString('lane.1')
  .writeUVarIntString('Ongoing')
  .writeInt32(10_000)
  .writeInt64('1700000000000')
  .writeInt64('9')
  .writeInt16(3)
  .writeEncoder(list(ofTopic('actions', to().writeInt32(1))))
  .writeUVarInt(0);
const listed = to().writeUVarIntString('lane.1').writeInt64('9').writeUVarIntString('Ongoing').writeUVarInt(0);
const producer = to()
  .writeInt64('9')
  .writeInt32(3)
  .writeInt32(0)
  .writeInt64('1700000000000')
  .writeInt32(5)
  .writeInt64('70')
  .writeUVarInt(0);
const active = to().writeInt32(1).writeInt16(0).writeUVarInt(0).writeEncoder(list(producer, producer)).writeUVarInt(0);
const marker = to()
  .writeInt64('9')
  .writeEncoder(list(ofTopic('actions', to().writeInt32(1).writeInt16(0).writeUVarInt(0))))
  .writeUVarInt(0);
const appended = (partition: number): Encoder =>
  to()
    .writeInt32(partition)
    .writeInt16(0)
    .writeInt64('70')
    .writeInt64('1700000000000')
    .writeInt64('0')
    .writeEncoder(list(to().writeInt32(0).writeUVarIntString('why').writeUVarInt(0)))
    .writeUVarInt(0) // no message
    .writeUVarInt(0);
const asked = [place, { ...place, partition: 2 }].map((of) => ({ ...of, records: [] }));

/** How the answer to this request is read: `ask` is let go on up to it, and no further. */
async function readerOf(apiKey: number, ask: (cluster: Cluster) => Promise<unknown>): Promise<Decode> {
  let found: Decode | undefined;
  const send = async <T>({ request, response }: ProtocolRequest<T>): Promise<T> => {
    if (request.apiKey !== apiKey) return response.decode(versions);
    found = response.decode;
    throw new BrokerUnavailable('nobody answers');
  };
  const broker = { connectionPool: { send } } as unknown as Broker;
  const cluster = {
    brokerPool: { brokers: { 1: broker } },
    addMultipleTargetTopics: () => Promise.resolve(),
    findTopicPartitionMetadata: () => [{ partitionId: place.partition, leader: 1 }],
    findBroker: () => Promise.resolve(broker),
    findGroupCoordinator: () => Promise.resolve(broker),
  } as unknown as Cluster;
  await ask(cluster).catch((error: unknown) => {
    if (!(error instanceof BrokerUnavailable)) throw error;
  });
  if (!found) throw new Error(`request ${apiKey} was not sent`);
  return found;
}

function target(name: string, { valid, decode, isGood }: { valid: Buffer; decode: Decode; isGood: (read: never) => boolean }): Target {
  const parse = async (bytes: Uint8Array): Promise<undefined> => {
    const read = await decode(Buffer.from(bytes));
    if (!isGood(read as never)) throw new TypeError(`${name}: ${String(read)} was read`);
  };
  return { name, valid: [valid], parse, errors: [KafkaFault] };
}

const isIdentity = ({ producerId, producerEpoch }: typeof owner): boolean =>
  typeof producerId === 'bigint' && Number.isInteger(producerEpoch) && Math.abs(producerEpoch) <= 2 ** 31;

const TARGETS: readonly Target[] = [
  target('Produce', {
    valid: answer(list(ofTopic('actions', appended(1), appended(2))).writeInt32(0)),
    decode: produceRequest(asked, {}).response.decode,
    isGood: (read: readonly (typeof place)[]) =>
      read.length === 2 && [1, 2].every((wanted) => read.some(({ topic, partition }) => topic === 'actions' && partition === wanted)),
  }),
  target('ApiVersions', {
    valid: versions,
    decode: await readerOf(API_VERSIONS, (cluster) => initProducer(cluster, owner.transactionalId)),
    isGood: (read: number) => Number.isInteger(read),
  }),
  target('InitProducerId', {
    valid: identity,
    decode: await readerOf(INIT_PRODUCER_ID, (cluster) => initProducer(cluster, owner.transactionalId)),
    isGood: isIdentity,
  }),
  target('EndTxn', {
    valid: identity,
    decode: await readerOf(END_TXN, (cluster) => commitTransaction(cluster, owner)),
    isGood: isIdentity,
  }),
  target('DescribeTransactions', {
    valid: answer(to().writeInt32(0).writeEncoder(list(state))),
    decode: await readerOf(TRANSACTIONS, (cluster) => producerOf(cluster, owner.transactionalId)),
    isGood: isIdentity,
  }),
  target('ListTransactions', {
    valid: answer(to().writeInt32(0).writeInt16(0).writeEncoder(list()).writeEncoder(list(listed, listed))),
    decode: await readerOf(LISTED, (cluster) => transactionalIdOf(cluster, owner.producerId)),
    isGood: (read: readonly { transactionalId: string; of: bigint }[]) =>
      read.every(({ transactionalId, of }) => typeof transactionalId === 'string' && typeof of === 'bigint'),
  }),
  target('DescribeProducers', {
    valid: answer(
      to()
        .writeInt32(0)
        .writeEncoder(list(ofTopic('actions', active))),
    ),
    decode: await readerOf(PRODUCERS, (cluster) => openTransactions(cluster, [place])),
    isGood: (read: readonly (typeof left)[]) =>
      read.every((each) => isIdentity({ ...owner, ...each }) && typeof each.firstOffset === 'bigint' && each.partition === place.partition),
  }),
  target('WriteTxnMarkers', {
    valid: answer(list(marker)),
    decode: await readerOf(MARKERS, (cluster) => writeMarker(cluster, left, 'abort')),
    isGood: (read: number) => Number.isInteger(read),
  }),
];

fuzz('what a broker answers in the flexible encoding', TARGETS);
