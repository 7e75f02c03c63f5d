import type { Admin } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { BrokerUnavailable, protocolCode } from './errors.ts';
import { kafkajs } from './patch.ts';

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Also where Kafka's 30 days end: what a platform sends must outlive a long outage of ours. */
const INPUT_RETENTION_MS = 30 * DAY_MS;
const FOR_EVER = -1;

/** Unit bytes. Inputs: a payload is at most 768 KiB. Ledger and receipts: 512 entries in one batch exceed Kafka's default. */
const INPUT_BYTES_MAX = MIB;
const LEDGER_BYTES_MAX = 16 * MIB;
const DEAD_LETTER_BYTES_MAX = 4 * MIB;

export interface TopicSpec {
  /** The logical name; a prefix makes the physical one. */
  readonly name: string;
  readonly cleanupPolicy: 'delete' | 'compact';
  /** Unit ms, −1 is for ever. Means nothing on a compacted topic. */
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
  readonly compressionType: 'producer' | 'uncompressed';
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
}

/**
 * Input topics: stored uncompressed, because the broker then unpacks a bomb or an unknown codec instead of us; stamped by the broker,
 * because a record dated 1970 would be deleted within a minute. The ledger and `decider-state` are stamped too, their append times are the clock
 * that a lane goes by; and `receipts`, which date an entry whose record was lost and written again.
 */
export const TOPICS: readonly TopicSpec[] = [
  input('actions', INPUT_RETENTION_MS),
  input('outcomes', INPUT_RETENTION_MS),
  input('controls', FOR_EVER), // keys, bundles and the genesis of every lane: a fresh ledger cannot be made without them
  kept('ledger', { maxMessageBytes: LEDGER_BYTES_MAX, timestampType: 'LogAppendTime' }),
  compacted('input-keys', LEDGER_BYTES_MAX),
  kept('receipts', { maxMessageBytes: LEDGER_BYTES_MAX, timestampType: 'LogAppendTime' }),
  kept('verdicts', { maxMessageBytes: LEDGER_BYTES_MAX, retentionMs: INPUT_RETENTION_MS }),
  compacted('checkpoints', LEDGER_BYTES_MAX),
  compacted('cosignatures', MIB),
  kept('dead-letters', { maxMessageBytes: DEAD_LETTER_BYTES_MAX, retentionMs: INPUT_RETENTION_MS }),
  { ...compacted('decider-state', LEDGER_BYTES_MAX), timestampType: 'LogAppendTime' },
];

export interface TopicOptions {
  /** '' by default; before every physical name. */
  readonly prefix?: string;
  /** Partitions of every topic, fixed when the ledger is initialised. */
  readonly lanes: number;
  /** Default min(3, brokers). */
  readonly replicationFactor?: number;
}

export type TopicFaultCode = 'TOPIC_MISSING' | 'TOPIC_PARTITIONS' | 'TOPIC_SETTING' | 'TOPIC_REPLICATION';
export interface TopicFault {
  readonly code: TopicFaultCode;
  readonly topic: string;
  readonly text: string;
}

/** The name on the broker of a topic of ours. */
export const physicalTopic = (name: string, prefix = ''): string => `${prefix}${name}`;

/** Creates what is missing and changes nothing that exists; `checkTopics` tells what differs. Returns the names created. */
export async function createTopics(admin: Admin, options: TopicOptions): Promise<string[]> {
  const replicationFactor = options.replicationFactor ?? Math.min(3, (await admin.describeCluster()).brokers.length);
  const existing = new Set(await admin.listTopics());
  const missing = TOPICS.filter(({ name }) => !existing.has(physicalTopic(name, options.prefix)));
  if (missing.length === 0) return [];
  await admin.createTopics({
    waitForLeaders: false, // kafkajs gives up when the broker has not heard of the topic yet
    topics: missing.map((spec) => ({
      topic: physicalTopic(spec.name, options.prefix),
      numPartitions: options.lanes,
      replicationFactor,
      configEntries: Object.entries(settingsOf(spec, replicationFactor)).map(([name, value]) => ({ name, value })),
    })),
  });
  const created = missing.map(({ name }) => physicalTopic(name, options.prefix));
  await untilTopicsReady(admin, created);
  return created;
}

/** Waits until the brokers know the topics, each partition with a leader: the controller answers a creation before they do. */
export async function untilTopicsReady(admin: Admin, topics: string[]): Promise<void> {
  const deadline = performance.now() + READY_MAX_MS;
  for (;;) {
    try {
      const { topics: known } = await admin.fetchTopicMetadata({ topics });
      if (known.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))) return;
    } catch (error) {
      if (!NOT_YET.has(protocolCode(error)?.code ?? 0)) throw error;
    }
    if (performance.now() > deadline) throw new BrokerUnavailable(`topics without a leader after ${READY_MAX_MS} ms: ${topics.join(', ')}`);
    await delay(20);
  }
}

/** UNKNOWN_TOPIC_OR_PARTITION and LEADER_NOT_AVAILABLE. */
const NOT_YET = new Set([3, 5]);
/** Unit ms. */
const READY_MAX_MS = 30_000;

/** Every difference between the topics as they are and as they must be. Empty means good. */
export async function checkTopics(admin: Admin, options: TopicOptions): Promise<TopicFault[]> {
  const existing = new Set(await admin.listTopics());
  const faults: TopicFault[] = [];
  const present: TopicSpec[] = [];
  for (const spec of TOPICS) {
    const topic = physicalTopic(spec.name, options.prefix);
    if (existing.has(topic)) present.push(spec);
    else faults.push({ code: 'TOPIC_MISSING', topic, text: `topic ${topic} does not exist` });
  }
  if (present.length === 0) return faults;
  const names = present.map(({ name }) => physicalTopic(name, options.prefix));
  const [{ topics }, { resources }] = await Promise.all([
    admin.fetchTopicMetadata({ topics: names }),
    admin.describeConfigs({ includeSynonyms: false, resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })) }),
  ]);
  for (const spec of present) {
    const topic = physicalTopic(spec.name, options.prefix);
    const partitions = topics.find(({ name }) => name === topic)?.partitions ?? [];
    if (partitions.length !== options.lanes)
      faults.push({
        code: 'TOPIC_PARTITIONS',
        topic,
        text: `topic ${topic}: ${options.lanes} partitions expected, ${partitions.length} found`,
      });
    const replicas = Math.min(...partitions.map((each) => each.replicas.length));
    if (options.replicationFactor !== undefined && replicas < options.replicationFactor)
      faults.push({
        code: 'TOPIC_REPLICATION',
        topic,
        text: `topic ${topic}: ${options.replicationFactor} replicas expected, ${replicas} found`,
      });
    const actual = resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? [];
    faults.push(...settingFaults(topic, settingsOf(spec, replicas), actual));
  }
  return faults;
}

function settingFaults(topic: string, wanted: Record<string, string>, actual: readonly ConfigEntry[]): TopicFault[] {
  const found = new Map(actual.map(({ configName, configValue }) => [configName, configValue]));
  return Object.entries(wanted)
    .filter(([name, value]) => found.get(name) !== value)
    .map(([name, value]) => ({
      code: 'TOPIC_SETTING',
      topic,
      text: `topic ${topic}: ${name}=${value} expected, ${found.get(name) ?? 'nothing'} found`,
    }));
}
interface ConfigEntry {
  configName: string;
  configValue: string;
}

function settingsOf(spec: TopicSpec, replicationFactor: number): Record<string, string> {
  return {
    'cleanup.policy': spec.cleanupPolicy,
    ...(spec.cleanupPolicy === 'delete' ? { 'retention.ms': String(spec.retentionMs), 'retention.bytes': '-1' } : {}),
    'max.message.bytes': String(spec.maxMessageBytes),
    'compression.type': spec.compressionType,
    'message.timestamp.type': spec.timestampType,
    'unclean.leader.election.enable': 'false',
    ...(replicationFactor >= 3 ? { 'min.insync.replicas': '2' } : {}),
  };
}

function input(name: string, retentionMs: number): TopicSpec {
  return {
    ...kept(name, { maxMessageBytes: INPUT_BYTES_MAX, retentionMs, timestampType: 'LogAppendTime' }),
    compressionType: 'uncompressed',
  };
}

function kept(name: string, given: Partial<TopicSpec>): TopicSpec {
  return {
    name,
    cleanupPolicy: 'delete',
    retentionMs: FOR_EVER,
    maxMessageBytes: MIB,
    compressionType: 'producer',
    timestampType: 'CreateTime',
    ...given,
  };
}

function compacted(name: string, maxMessageBytes: number): TopicSpec {
  return { ...kept(name, { maxMessageBytes }), cleanupPolicy: 'compact' };
}
