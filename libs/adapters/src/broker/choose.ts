import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectionConfig, parseBrokers } from '../kafka/client.ts';
import { messageOf } from '../kafka/errors.ts';
import { kafkajs } from '../kafka/patch.ts';
import { startEmbeddedBroker } from './embedded.ts';
import type { Progress } from './jars.ts';

export interface ChosenBroker {
  readonly brokers: string[];
  readonly kind: 'external' | 'docker' | 'embedded';
  /** One line for people: which broker is used, and why. */
  readonly line: string;
  /** Process id of an embedded one. */
  readonly pid?: number;
  /** Of an embedded one: resolves with where its last words are, once it has ended in whatever way. Nothing starts it again. */
  readonly ended?: Promise<string>;
  stop(): Promise<void>;
}
export interface ChooseOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
  /** The repository root: docker-compose.yml and pom.xml. */
  readonly root: string;
  readonly log: Progress;
  /** Of an embedded one: see there. */
  readonly runsLong?: boolean;
}

const run = promisify(execFile);
/** Unit ms. A Docker engine that is there answers at once; one that hangs must not hold the start up. */
const DOCKER_ANSWER_MS = 3000;
/** Unit ms. The first start pulls the image. */
const DOCKER_UP_MS = 5 * 60_000;
const DOCKER_READY_MS = 60_000;
/** Unit s. Before it is killed: a stop of everything may take ten. */
const DOCKER_STOP_S = 5;
/** As docker-compose.yml publishes it. */
const DOCKER_BROKER = '127.0.0.1:9092';

/** KAFKA_BROKERS, else a Docker engine, else an embedded broker (Java). The first that there is, and no falling back once chosen. */
export async function chooseBroker({ env, dataDir, root, log, runsLong = false }: ChooseOptions): Promise<ChosenBroker> {
  const given = env['KAFKA_BROKERS'];
  if (given) {
    const brokers = parseBrokers(given);
    return { brokers, kind: 'external', line: `Kafka: ${brokers.join(',')} (KAFKA_BROKERS)`, stop: () => Promise.resolve() };
  }
  const compose = join(root, 'docker-compose.yml');
  if (existsSync(compose) && (await dockerAnswers())) return dockerBroker(compose, log);
  try {
    const broker = await startEmbeddedBroker({ dataDir, root, log, runsLong });
    const line = `Kafka: ${broker.brokers.join(',')} (embedded Apache Kafka, process ${broker.pid}, data in ${dataDir})`;
    const ended = broker.ended.then(() => broker.log);
    return { brokers: broker.brokers, kind: 'embedded', line, pid: broker.pid, ended, stop: () => broker.stop() };
  } catch (error) {
    throw new Error(
      `no Kafka broker: KAFKA_BROKERS is not set, no Docker engine answers, and the embedded one failed (${messageOf(error)}). ` +
        'Any one of these will do: KAFKA_BROKERS=host:port, a running Docker engine, or Java 17 with Maven',
      { cause: error },
    );
  }
}

/** Whether an engine and its compose plugin answer, not just the client. */
export async function dockerAnswers(): Promise<boolean> {
  const ask = (...args: string[]) => run('docker', args, { timeout: DOCKER_ANSWER_MS, killSignal: 'SIGKILL' });
  return Promise.all([ask('info'), ask('compose', 'version')]).then(
    () => true,
    () => false,
  );
}

async function dockerBroker(compose: string, log: Progress): Promise<ChosenBroker> {
  log('starting apache/kafka:4.3.1 with Docker');
  const docker = (...args: string[]) => run('docker', ['compose', '-f', compose, ...args], { timeout: DOCKER_UP_MS });
  await docker('up', '-d', 'broker');
  await untilAnswers([DOCKER_BROKER]);
  return {
    brokers: [DOCKER_BROKER],
    kind: 'docker',
    line: `Kafka: ${DOCKER_BROKER} (apache/kafka:4.3.1 in Docker)`,
    stop: async () => {
      await docker('stop', '-t', String(DOCKER_STOP_S), 'broker');
    },
  };
}

async function untilAnswers(brokers: string[]): Promise<void> {
  const deadline = performance.now() + DOCKER_READY_MS;
  for (;;) {
    const admin = new kafkajs.Kafka(connectionConfig({ brokers, clientId: 'countersign-start' })).admin();
    try {
      await admin.connect();
      await admin.describeCluster();
      return;
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`Kafka in Docker does not answer at ${brokers.join(',')}: ${messageOf(error)}`, { cause: error });
      await delay(500);
    } finally {
      await admin.disconnect();
    }
  }
}
