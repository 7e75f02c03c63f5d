/*
 * One transaction after another by the newer protocol (KIP-890, transaction.version 2): partitions take part by being written to, and each end
 * raises the producer's epoch, so that what is late, an end as much as a record, cannot touch a later transaction. kafkajs knows the older one only.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KafkaFault } from './errors.ts';
import { EncoderImpl, type Broker, type Cluster } from './internals.ts';
import { decodeFlexible, type FlexibleReader, sendFlexible, throwUnlessOk } from './flexible.ts';
import { coordinatorOf, type ProducerIdentity, type TransactionIdentity } from './transactions-api.ts';

/** Unit ms. An open transaction stalls every read_committed reader of its partitions for at most this long. */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** Unit ms. What comes next meets CONCURRENT_TRANSACTIONS while the last markers are written: ask again soon. In all < 10 s. */
export const TRANSACTION_PAUSES_MS: readonly number[] = Array.from({ length: 60 }, (_, tries) => Math.min(200, 1.3 ** tries));
/** The predecessor's transaction is being aborted, or the coordinator is not there yet. */
const PASSING = new Set([
  'CONCURRENT_TRANSACTIONS',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
]);

/** InitProducerId: fences the predecessor, and aborts what it left open. */
export async function initProducer(cluster: Cluster, transactionalId: string): Promise<TransactionIdentity> {
  await untilPassed(async () => demandVersion(await coordinatorOf(cluster, transactionalId)), PASSING);
  const next = await untilPassed(async () => askForProducer(await coordinatorOf(cluster, transactionalId), transactionalId), PASSING);
  return { transactionalId, ...next };
}

async function untilPassed<T>(ask: () => Promise<T>, passing: ReadonlySet<string>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const pauseMs = TRANSACTION_PAUSES_MS[tries];
      if (pauseMs === undefined || !(error instanceof KafkaFault && passing.has(error.code))) throw error;
      await delay(pauseMs);
    }
  }
}

const askForProducer = (coordinator: Broker, transactionalId: string): Promise<ProducerIdentity> =>
  sendFlexible(coordinator, {
    ...{ apiKey: 22, apiVersion: 5, apiName: 'InitProducerId' },
    body: new EncoderImpl().writeUVarIntString(transactionalId).writeInt32(TRANSACTION_TIMEOUT_MS).writeInt64('-1').writeInt16(-1),
    decode: (from) => identityAfterCode(from, `transactional id ${transactionalId}`),
  });

/**
 * EndTxn: commits, and says under which identity the next transaction goes out. It is asked again only while the coordinator is busy with this id,
 * as when a successor is being let in: the epoch belongs to this transaction alone, so no other can be meant. Apache Kafka
 * 4.3.1 may answer UNKNOWN to an end that meets a successor's InitProducerId (1 in 400 such pairs), and a moment later that the writer was
 * fenced: without that answer the loser would take its lane back. Any other error leaves the outcome unknown.
 */
export const commitTransaction = (cluster: Cluster, of: TransactionIdentity): Promise<TransactionIdentity> =>
  endTransaction(cluster, of, 'commit');

/** The same, for a transaction that must not count. */
export const abortTransaction = (cluster: Cluster, of: TransactionIdentity): Promise<TransactionIdentity> =>
  endTransaction(cluster, of, 'abort');

async function endTransaction(cluster: Cluster, of: TransactionIdentity, outcome: 'commit' | 'abort'): Promise<TransactionIdentity> {
  const { transactionalId, producerId, producerEpoch } = of;
  const coordinator = await coordinatorOf(cluster, transactionalId);
  const ask = (): Promise<ProducerIdentity> =>
    sendFlexible(coordinator, {
      ...{ apiKey: END_TXN, apiVersion: 5, apiName: 'EndTxn' },
      body: new EncoderImpl()
        .writeUVarIntString(transactionalId)
        .writeInt64(producerId.toString())
        .writeInt16(producerEpoch)
        .writeInt8(outcome === 'commit' ? 1 : 0),
      decode: (from) => identityAfterCode(from, `end of transaction ${transactionalId}`),
    });
  return { transactionalId, ...(await untilPassed(ask, BUSY)) };
}
const BUSY = new Set(['CONCURRENT_TRANSACTIONS', 'UNKNOWN']);
export const END_TXN = 26;

function identityAfterCode(from: FlexibleReader, what: string): ProducerIdentity {
  from.int32(); // throttle time
  throwUnlessOk(what, from.int16());
  return { producerId: from.int64(), producerEpoch: from.int16() };
}

const FEATURE = 'transaction.version';
const FINALIZED_FEATURES = 2;

/** ApiVersions, whose answer's header is never flexible: what the whole cluster has agreed on. Throws TRANSACTION_VERSION below 2. */
async function demandVersion(broker: Broker): Promise<void> {
  const body = new EncoderImpl().writeUVarInt(0).writeUVarIntString('countersign').writeUVarIntString('1').writeUVarInt(0);
  const version = await broker.connectionPool.send({
    request: { apiKey: 18, apiVersion: 3, apiName: 'ApiVersions', encode: () => Promise.resolve(body) },
    response: {
      decode: (payload) => Promise.resolve(decodeFlexible(payload, 'ApiVersions', finalizedVersion, { headerHasTags: false })),
      parse: (decoded) => Promise.resolve(decoded),
    },
  });
  if (version >= 2) return;
  const remedy = `kafka-features.sh --bootstrap-server HOST:PORT upgrade --feature ${FEATURE}=2`;
  throw new KafkaFault('TRANSACTION_VERSION', `Apache Kafka 4.0 or later with ${FEATURE} 2 expected, ${version} found: ${remedy}`);
}

function finalizedVersion(from: FlexibleReader): number {
  throwUnlessOk('ApiVersions', from.int16());
  from.array(() => {
    for (let each = 0; each < 3; each++) from.int16(); // key, lowest and highest version
    from.tags();
  });
  from.int32(); // throttle time
  let version = 0;
  from.tags((tag, features) => {
    if (tag !== FINALIZED_FEATURES) return;
    features.array(() => {
      const name = features.string();
      const highest = features.int16();
      features.int16();
      features.tags();
      if (name === FEATURE) version = highest;
    });
  });
  return version;
}
