/* Four requests that kafkajs does not know (https://kafka.apache.org/protocol): what an operator's kafka-transactions.sh is made of. */
import { compactArray, onlyOne, sendFlexible, throwUnlessOk } from './flexible.ts';
import { type Broker, type Cluster, EncoderImpl } from './internals.ts';
import { leaderOf } from './leader-of.ts';
import type { TopicPartition } from './reader.ts';
import { untilLed } from './until-led.ts';

/** A producer id and an epoch of it: the coordinator raises the epoch each time the transactional id is initialised. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}
/** What a transaction is written under. */
export interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string;
}
/** An open transaction, as the leader of a partition sees it. */
export interface OpenTransaction extends ProducerIdentity, TopicPartition {
  /** Offset of its first record there. */
  readonly firstOffset: bigint;
  readonly coordinatorEpoch: number;
}

const COORDINATOR_OF_TRANSACTIONS = 1;

export const coordinatorOf = (cluster: Cluster, transactionalId: string): Promise<Broker> =>
  cluster.findGroupCoordinator({ groupId: transactionalId, coordinatorType: COORDINATOR_OF_TRANSACTIONS });

/** DescribeTransactions: who may write under this transactional id now. */
export async function producerOf(cluster: Cluster, transactionalId: string): Promise<ProducerIdentity> {
  const apiName = 'DescribeTransactions';
  return sendFlexible(await coordinatorOf(cluster, transactionalId), {
    ...{ apiKey: 65, apiVersion: 0, apiName },
    body: compactArray([transactionalId], (encoder, id) => encoder.writeUVarIntString(id)),
    decode: (from) => {
      from.int32(); // throttle time
      const states = from.array(() => {
        const errorCode = from.int16();
        from.string(); // transactional id
        from.string(); // state
        from.int32(); // time-out
        from.int64(); // start
        const identity = { producerId: from.int64(), producerEpoch: from.int16() };
        from.array(() => {
          from.string();
          from.array(from.int32);
          from.tags();
        });
        from.tags();
        return { errorCode, identity };
      });
      const { errorCode, identity } = onlyOne(apiName, states);
      throwUnlessOk(`transactional id ${transactionalId}`, errorCode);
      return identity;
    },
  });
}

/**
 * ListTransactions: the transactional id of a producer, asked of every broker, as each may coordinate it. undefined when none knows it: then the
 * transaction is a forgotten one, or we lack Describe on its transactional id.
 */
export async function transactionalIdOf(cluster: Cluster, producerId: bigint): Promise<string | undefined> {
  const apiName = 'ListTransactions';
  const body = new EncoderImpl()
    .writeEncoder(compactArray([], (encoder) => encoder)) // states: any
    .writeEncoder(compactArray([producerId], (encoder, id) => encoder.writeInt64(id.toString())));
  const asked = Object.keys(cluster.brokerPool.brokers).map(async (nodeId) =>
    sendFlexible(await cluster.findBroker({ nodeId }), {
      ...{ apiKey: 66, apiVersion: 0, apiName },
      body,
      decode: (from) => {
        from.int32(); // throttle time
        throwUnlessOk(apiName, from.int16());
        from.array(() => from.string()); // unknown states
        return from.array(() => {
          const transactionalId = from.string();
          const of = from.int64();
          from.string(); // state
          from.tags();
          return { transactionalId, of };
        });
      },
    }),
  );
  const listed = (await Promise.all(asked)).flat();
  return listed.find(({ of }) => of === producerId)?.transactionalId;
}

/** DescribeProducers: the open transactions of these partitions, each asked of its leader. */
export async function openTransactions(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<OpenTransaction[]> {
  return untilLed(cluster, async () => {
    const answers = await Promise.all(partitions.map(async (of) => describeProducers(await leaderOf(cluster, of), of)));
    return answers.flat();
  });
}

async function describeProducers(leader: Broker, { topic, partition }: TopicPartition): Promise<OpenTransaction[]> {
  const apiName = 'DescribeProducers';
  const producers = await sendFlexible(leader, {
    ...{ apiKey: 61, apiVersion: 0, apiName },
    body: compactArray([topic], (encoder, name) =>
      encoder
        .writeUVarIntString(name)
        .writeEncoder(compactArray([partition], (list, number) => list.writeInt32(number)))
        .writeUVarInt(0),
    ),
    decode: (from) => {
      from.int32(); // throttle time
      const topics = from.array(() => {
        from.string();
        const partitions = from.array(() => {
          from.int32();
          throwUnlessOk(`producers of ${topic}/${partition}`, from.int16());
          from.string(); // error message
          const active = from.array(() => {
            const identity = { producerId: from.int64(), producerEpoch: from.int32() };
            from.int32(); // last sequence
            from.int64(); // last timestamp
            const open = { coordinatorEpoch: from.int32(), firstOffset: from.int64() };
            from.tags();
            return { topic, partition, ...identity, ...open };
          });
          from.tags();
          return active;
        });
        from.tags();
        return partitions;
      });
      return onlyOne(apiName, topics.flat());
    },
  });
  return producers.filter(({ firstOffset }) => firstOffset >= 0n);
}

/** WriteTxnMarkers: ends one partition's part of a transaction, whatever its coordinator believes. Needs ClusterAction on the cluster. */
export async function writeMarker(cluster: Cluster, of: OpenTransaction, outcome: 'commit' | 'abort'): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = of;
  const apiName = 'WriteTxnMarkers';
  const code = await sendFlexible(await leaderOf(cluster, of), {
    ...{ apiKey: 27, apiVersion: 1, apiName },
    body: compactArray([topic], (encoder, name) =>
      encoder
        .writeInt64(producerId.toString())
        .writeInt16(producerEpoch)
        .writeInt8(outcome === 'commit' ? 1 : 0)
        .writeEncoder(
          compactArray([name], (topics, each) =>
            topics
              .writeUVarIntString(each)
              .writeEncoder(compactArray([partition], (list, number) => list.writeInt32(number)))
              .writeUVarInt(0),
          ),
        )
        .writeInt32(coordinatorEpoch)
        .writeUVarInt(0),
    ),
    decode: (from) => {
      const markers = from.array(() => {
        from.int64(); // producer id
        const topics = from.array(() => {
          from.string();
          const partitions = from.array(() => {
            from.int32();
            const code = from.int16();
            from.tags();
            return code;
          });
          from.tags();
          return partitions;
        });
        from.tags();
        return topics.flat();
      });
      return onlyOne(apiName, markers.flat());
    },
  });
  throwUnlessOk(`marker on ${topic}/${partition}`, code);
}
