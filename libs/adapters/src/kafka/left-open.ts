import type { ConnectionOptions } from './client.ts';
import { KafkaFault, messageOf } from './errors.ts';
import type { Cluster } from './internals.ts';
import { readToEnd } from './read-to-end.ts';
import { LaneReader, type TopicPartition } from './reader.ts';
import type { KafkaRecord } from './records.ts';
import {
  type OpenTransaction,
  openTransactions,
  type ProducerIdentity,
  producerOf,
  type TransactionIdentity,
  writeMarker,
} from './transactions-api.ts';

/**
 * Header of every record that a transaction wrote: the lane's sequence it leads to. It only grows, so it tells of two transactions of a lane
 * which is the later one, whatever topics they are on.
 */
export const LANE_SEQ_HEADER = 'laneseq';

/**
 * Unit offsets. The last transaction of a partition lies within: a batch holds 512 records, of which two may be a control with an entry for
 * each of 2,000 tenants before its 4 MiB are full, and a notary attests up to 1,024 entries and one such batch at once.
 */
const LOOK_BACK = 16_384n;

/**
 * Ends what a broker forgot. Apache Kafka (4.3.1, one broker, killed and restarted) drops the markers of a transaction whose partitions have
 * no leader for a moment, takes them for deleted, and calls the transaction ended: readers then wait for ever. What is open here under an
 * older epoch than the newest is such a transaction: its producer is fenced and its coordinator done with it.
 *
 * Its outcome is decided anew: committed, when another of `partitions` shows a committed transaction at least as late (the coordinator then
 * had said commit, as it commits all or nothing); aborted otherwise, which nobody can tell from never sent, since no reader has seen any of it.
 */
export async function endLeftOpen(
  cluster: Cluster,
  connection: ConnectionOptions,
  { owner, partitions }: { readonly owner: TransactionIdentity; readonly partitions: readonly TopicPartition[] },
): Promise<void> {
  const found = (await openTransactions(cluster, partitions)).filter((each) => !isSame(each, owner));
  if (found.length === 0) return;
  // Each end of a transaction and each owner changes the identity: while it is the same, whatever else is open was open before.
  if (!isSame(await producerOf(cluster, owner.transactionalId), owner))
    throw new KafkaFault('PRODUCER_FENCED', `${owner.transactionalId}: another owner is at work`, { cause: FENCED });
  const reader = await LaneReader.open(connection);
  try {
    const reached = await lastCommitted(reader, partitions);
    for (const each of found) {
      const leadsTo = await firstOf(reader, each);
      if (!isOlder(each, owner, leadsTo)) {
        connection.log?.warn(describe(each), 'a transaction that is no lane’s is open: readers wait until its producer ends it');
        continue;
      }
      const outcome = leadsTo !== undefined && leadsTo <= reached ? 'commit' : 'abort';
      connection.log?.warn({ ...describe(each), leadsTo, reached, outcome }, 'a transaction that the broker forgot: ended');
      await writeMarker(cluster, each, outcome).catch((error: unknown) => {
        throw explained(each, error);
      });
    }
  } finally {
    await reader.close();
  }
}

const isSame = (one: ProducerIdentity, other: ProducerIdentity): boolean =>
  one.producerId === other.producerId && one.producerEpoch === other.producerEpoch;

/** Under another id it is ours when its records are: a coordinator gives a new id when the epochs of one are used up. */
const isOlder = (one: ProducerIdentity, owner: ProducerIdentity, leadsTo: number | undefined): boolean =>
  one.producerId === owner.producerId ? one.producerEpoch < owner.producerEpoch : leadsTo !== undefined;

/** The latest lane sequence that a committed transaction leads to on any of the partitions; −1 when there is none. */
async function lastCommitted(reader: LaneReader, partitions: readonly TopicPartition[]): Promise<number> {
  let last = -1;
  for (const { topic, partition, start, lastStable } of await reader.endOffsets(partitions)) {
    const from = lastStable - LOOK_BACK > start ? lastStable - LOOK_BACK : start;
    const signal = AbortSignal.timeout(LOOK_MAX_MS);
    const each = (record: KafkaRecord): void => void (last = Math.max(last, laneSeqOf(record) ?? -1));
    await readToEnd(reader, { topic, partition, from, to: lastStable }, each, signal);
  }
  return last;
}

const FENCED = { code: 90, type: 'PRODUCER_FENCED' };
/** Unit ms. */
const LOOK_MAX_MS = 20_000;

async function firstOf(reader: LaneReader, { topic, partition, firstOffset }: OpenTransaction): Promise<number | undefined> {
  const [fetched] = await reader.fetch([{ topic, partition, offset: firstOffset }], { isolation: 'uncommitted' });
  if (fetched?.error) throw fetched.error;
  const first = fetched?.records.find(({ offset }) => offset === firstOffset);
  return first && laneSeqOf(first);
}

function laneSeqOf({ headers }: KafkaRecord): number | undefined {
  const text = headers[LANE_SEQ_HEADER];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const describe = ({ topic, partition, firstOffset, producerId, producerEpoch }: OpenTransaction) => ({
  ...{ topic, partition, firstOffset: String(firstOffset) },
  ...{ producerId: String(producerId), producerEpoch },
});

function explained({ topic, partition, firstOffset, producerId }: OpenTransaction, error: unknown): KafkaFault {
  const remedy =
    error instanceof KafkaFault && error.code === 'CLUSTER_AUTHORIZATION_FAILED'
      ? `this principal needs ClusterAction on the cluster to end it; or an operator does: kafka-transactions.sh abort --topic ${topic} --partition ${partition} --start-offset ${firstOffset}`
      : 'tried again at the next take-over';
  const what = `${topic}/${partition}: producer ${producerId} left a transaction open at offset ${firstOffset}`;
  const retriable = error instanceof KafkaFault && error.retriable;
  return new KafkaFault('TRANSACTION_LEFT_OPEN', `${what}: ${messageOf(error)}: ${remedy}`, { retriable, cause: error });
}
