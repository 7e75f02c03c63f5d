/* Open transactions of others at the readable end of a partition: read_committed ends there until they end. */
import type { ConnectionOptions } from './client.ts';
import { KafkaFault, messageOf } from './errors.ts';
import { closeCluster, openCluster, type Cluster } from './internals.ts';
import type { LogOffsets, TopicPartition } from './reader.ts';
import { initProducer } from './transaction-requests.ts';
import { openTransactions, type ProducerIdentity, transactionalIdOf } from './transactions-api.ts';

/** A transaction that keeps readers of a partition from everything at and after its first record. */
export interface Blocker extends ProducerIdentity, TopicPartition {
  readonly firstOffset: bigint;
  /** undefined when no coordinator names it to us. */
  readonly transactionalId: string | undefined;
}
export interface Ending {
  readonly blocker: Blocker;
  /** Why it is still open, and what to do; undefined when it was aborted. */
  readonly left: string | undefined;
}

/** The first open transaction of the partition, or undefined. Needs Read on the topic and Describe on the transactional id. */
export async function findBlocker(cluster: Cluster, place: TopicPartition): Promise<Blocker | undefined> {
  const [first] = (await openTransactions(cluster, [place])).toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  if (!first) return undefined;
  const { topic, partition, firstOffset, producerId, producerEpoch } = first;
  return { topic, partition, firstOffset, producerId, producerEpoch, transactionalId: await transactionalIdOf(cluster, producerId) };
}

/**
 * Aborts it, by taking its transactional id over as a successor of its producer would (InitProducerId): the producer is fenced and learns of
 * it, and the transaction ends on all its partitions alike. Nothing is ever committed. Needs Write on the transactional id. `isOurs`: ids that
 * are never touched. A transaction whose id no coordinator names is left: a marker written past a live coordinator could tear it apart.
 */
export async function endBlocker(cluster: Cluster, blocker: Blocker, isOurs: (transactionalId: string) => boolean): Promise<Ending> {
  const { transactionalId, topic, partition, firstOffset } = blocker;
  const byHand = `kafka-transactions.sh abort --topic ${topic} --partition ${partition} --start-offset ${firstOffset}`;
  if (transactionalId === undefined)
    return { blocker, left: `no coordinator names its transactional id to us: grant Describe on it, or ${byHand}` };
  if (isOurs(transactionalId)) return { blocker, left: `its id is one of this ledger's own services, which write no inputs: ${byHand}` };
  try {
    await initProducer(cluster, transactionalId);
    return { blocker, left: undefined };
  } catch (error) {
    const isDenied = error instanceof KafkaFault && error.code.endsWith('AUTHORIZATION_FAILED');
    const remedy = isDenied ? `grant Write on transactional id ${transactionalId}, or ${byHand}` : `tried again, or ${byHand}`;
    return { blocker, left: `it was not aborted (${messageOf(error)}): ${remedy}` };
  }
}

/** For people. */
export const blockerText = ({ topic, partition, firstOffset, producerId, transactionalId }: Blocker): string =>
  `open transaction ${transactionalId ?? '(unknown id)'} of producer ${producerId} keeps ${topic}/${partition} from being read at offset ${firstOffset}`;

/** Both in one, over a connection of its own. undefined: nothing is open any more. */
export const endBlocking = (
  connection: ConnectionOptions,
  place: TopicPartition,
  isOurs: (transactionalId: string) => boolean,
): Promise<Ending | undefined> =>
  withCluster(connection, async (cluster) => {
    const blocker = await findBlocker(cluster, place);
    return blocker && endBlocker(cluster, blocker, isOurs);
  });

/** Of partitions whose readable end is behind their end, what blocks each. */
export const blockersOf = (connection: ConnectionOptions, ends: readonly LogOffsets[]): Promise<Blocker[]> =>
  withCluster(connection, async (cluster) => {
    const behind = ends.filter(({ lastStable, highWatermark }) => lastStable < highWatermark);
    const found = await Promise.all(behind.map((place) => findBlocker(cluster, place)));
    return found.filter((each) => each !== undefined);
  });

async function withCluster<T>(connection: ConnectionOptions, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { cluster } = openCluster(connection);
  try {
    await cluster.connect();
    return await work(cluster);
  } finally {
    await closeCluster(cluster, new Error('done'));
  }
}
