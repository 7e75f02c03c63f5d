/** Sets a consumer group's offsets while nobody is in it, without joining it: kafkajs's own tool is a member until its session ends. */
import { closeCluster, openCluster } from '../../libs/adapters/src/kafka/internals.ts';
import { client } from '../support/kafka.ts';

interface Coordinator {
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
}

/** Every one of `partitions` partitions of each topic to offset 0. Throws for a group that has members. */
export async function rewindToZero(brokers: readonly string[], groupId: string, topics: readonly string[], partitions: number) {
  const { cluster } = openCluster(client(brokers));
  try {
    await cluster.connect();
    const coordinator = (await cluster.findGroupCoordinator({ groupId })) as unknown as Coordinator;
    const zeros = Array.from({ length: partitions }, (_, partition) => ({ partition, offset: '0' }));
    await coordinator.offsetCommit({
      groupId,
      groupGenerationId: -1, // with no member id: an operator's, as OffsetCommit says
      memberId: '',
      topics: topics.map((topic) => ({ topic, partitions: zeros })),
    });
  } finally {
    await closeCluster(cluster, new Error('done'));
  }
}
