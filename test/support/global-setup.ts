import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { dockerAnswers } from '../../libs/adapters/src/broker/choose.ts';
import { startEmbeddedBroker } from '../../libs/adapters/src/broker/embedded.ts';
import { parseBrokers } from '../../libs/adapters/src/kafka/client.ts';
import { startContainerBroker } from './docker-broker.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** host:port of one real broker for the whole run; tests keep apart by topic names of their own. */
    brokers: string[];
  }
}

/** KAFKA_BROKERS when set, else a container where a Docker engine answers, else an embedded broker on a folder that goes away with it. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const external = process.env['KAFKA_BROKERS'];
  if (external) {
    project.provide('brokers', parseBrokers(external));
    return undefined;
  }
  if (await dockerAnswers()) {
    const container = await startContainerBroker();
    project.provide('brokers', container.brokers);
    return () => container.stop();
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-broker-'));
  const broker = await startEmbeddedBroker({
    dataDir,
    log: (line) => {
      process.stderr.write(`${line}\n`);
    },
  });
  project.provide('brokers', broker.brokers);
  return async () => {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
