import { PartitionUnavailable } from './errors.ts';
import type { Broker, Cluster } from './internals.ts';
import type { TopicPartition } from './reader.ts';

/** Throws PartitionUnavailable while there is none. */
export async function leaderOf(cluster: Cluster, of: TopicPartition): Promise<Broker> {
  await cluster.addMultipleTargetTopics([of.topic]);
  return ledBy(cluster, of);
}

/** As leaderOf, for a topic that the cluster was told of already. */
export async function ledBy(cluster: Cluster, { topic, partition }: TopicPartition): Promise<Broker> {
  const leader = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)?.leader;
  if (leader === undefined || leader < 0) throw new PartitionUnavailable('LEADER_NOT_AVAILABLE', topic, partition, true);
  return cluster.findBroker({ nodeId: String(leader) });
}
