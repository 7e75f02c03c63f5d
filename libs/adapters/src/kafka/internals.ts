import type { KafkaConfig, RetryOptions } from 'kafkajs';
import { connectionConfig, type ConnectionOptions } from './client.ts';
import { bounded } from './bounded.ts';
import { type EncodedBody, kafkajs, kafkajsModule } from './patch.ts';

/* Our view of kafkajs's inner classes, which its public types leave out. Stable because the version is pinned. */

export interface Encoder {
  writeInt8(value: number): Encoder;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: string | number): Encoder;
  writeString(value: string): Encoder;
  writeArray(values: Encoder[]): Encoder;
  writeUVarInt(value: number): Encoder;
  /** Length as varint, one more than it is. */
  writeUVarIntString(value: string): Encoder;
  writeEncoder(value: Encoder): Encoder;
  readonly buffer: Buffer;
}
export interface ProtocolRequest<T> {
  request: { apiKey: number; apiVersion: number; apiName: string; encode: (room?: number) => Promise<EncodedBody> };
  response: { decode: (payload: Buffer) => Promise<T>; parse: (decoded: T) => Promise<T> };
  requestTimeout?: number;
}
interface Connection {
  connect: () => Promise<unknown>;
  requestQueue: { rejectAll(error: Error): void };
}
export interface OffsetAnswer {
  responses: { topic: string; partitions: { partition: number; errorCode: number; offset: string }[] }[];
}
export interface JoinAnswer {
  generationId: number;
  leaderId: string;
  memberId: string;
  members: { memberId: string; memberMetadata: Buffer }[];
}
export interface Broker {
  readonly nodeId: string;
  /** By API key, once it is connected. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
  readonly connectionPool: { pool: Connection[]; send<T>(request: ProtocolRequest<T>): Promise<T> };
  isConnected(): boolean;
  disconnect(): Promise<void>;
  listOffsets(request: {
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<OffsetAnswer>;
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: { name: string; metadata: Buffer }[];
  }): Promise<JoinAnswer>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}
export interface Cluster {
  retry?: RetryOptions;
  readonly brokerPool: { brokers: Record<string, Broker>; seedBroker?: Broker };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  refreshMetadata(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(by: { nodeId: string }): Promise<Broker>;
  findGroupCoordinator(by: { groupId: string; coordinatorType?: number }): Promise<Broker>;
}

type ClusterClass = new (options: object) => Cluster;
const ClusterImpl = kafkajsModule<ClusterClass>('cluster/index.js');
const { createLogger } = kafkajsModule<{ createLogger: (options: object) => object }>('loggers/index.js');
const METADATA_MAX_AGE_MS = 300_000;

/** A set of connections of its own, with the same settings as `new Kafka(config)` would use. */
export function openCluster(options: ConnectionOptions, extra: { maxInFlightRequests?: number; config?: Partial<KafkaConfig> } = {}) {
  const config: KafkaConfig = { ...connectionConfig(options), ...extra.config };
  const logger = createLogger({ level: config.logLevel ?? kafkajs.logLevel.WARN, logCreator: config.logCreator });
  const cluster = new ClusterImpl({
    ...config,
    logger,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    allowAutoTopicCreation: false,
    maxInFlightRequests: extra.maxInFlightRequests ?? null,
  });
  return { cluster, logger };
}

/**
 * Disconnects at once and for good: requests in flight fail with `error` instead of being waited for, and whatever is still on its way
 * through kafkajs cannot open the connection again, as it otherwise would.
 */
export async function closeCluster(cluster: Cluster, error: Error): Promise<void> {
  const { brokers, seedBroker } = cluster.brokerPool;
  for (const broker of new Set([...Object.values(brokers), ...(seedBroker ? [seedBroker] : [])])) {
    for (const connection of broker.connectionPool.pool) {
      connection.connect = () => Promise.reject(error);
      connection.requestQueue.rejectAll(error);
    }
  }
  await bounded('disconnect', DISCONNECT_MAX_MS, cluster.disconnect()).catch(() => undefined); // nothing of it is used any more
}

/** Unit ms. */
const DISCONNECT_MAX_MS = 3000;

export const EncoderImpl = kafkajsModule<new () => Encoder>('protocol/encoder.js');

interface ErrorType {
  code: number;
  type: string;
  retriable: boolean;
}
const { errorCodes } = kafkajsModule<{ errorCodes: ErrorType[] }>('protocol/error.js');
/** Newer than kafkajs. */
const NEWER: readonly ErrorType[] = [
  { code: 90, type: 'PRODUCER_FENCED', retriable: false },
  { code: 120, type: 'TRANSACTION_ABORTABLE', retriable: false },
];
/** Kafka's name of an error code, in kafkajs's spelling. */
export const errorType = (code: number): ErrorType =>
  [...errorCodes, ...NEWER].find((known) => known.code === code) ?? { code, type: `KAFKA_ERROR_${code}`, retriable: false };
