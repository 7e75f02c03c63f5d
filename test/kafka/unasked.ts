import type { OutgoingRecord } from '#adapters';
import type { Broker, Cluster } from '../../libs/adapters/src/kafka/internals.ts';
import type { ProducerIdentity } from '../../libs/adapters/src/kafka/transactions-api.ts';

interface Produce {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: { topic: string; partitions: { partition: number; firstSequence: number; messages: object[] }[] }[];
}
/** Each epoch begins anew. */
const FIRST = 0;

/** One transactional record straight to the leader: no coordinator is told that the partition takes part. */
export async function produceUnasked(
  cluster: Cluster,
  { topic, partition, key, value, headers }: OutgoingRecord,
  { transactionalId, producerId, producerEpoch }: ProducerIdentity & { transactionalId: string },
): Promise<void> {
  await cluster.addMultipleTargetTopics([topic]);
  const leader = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)?.leader;
  const broker = (await cluster.findBroker({ nodeId: String(leader) })) as Broker & { produce(request: Produce): Promise<unknown> };
  const messages = [{ key, value, headers, timestamp: String(Date.now()) }];
  await broker.produce({
    ...{ transactionalId, producerId: String(producerId), producerEpoch, acks: -1, timeout: 4000 },
    topicData: [{ topic, partitions: [{ partition, firstSequence: FIRST, messages }] }],
  });
}
