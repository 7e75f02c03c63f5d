import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { checkTopics, createTopics, withAdmin } from '#adapters';

import { dockerAnswers } from '../../libs/adapters/src/broker/choose.ts';
import { startContainerBroker } from '../support/docker-broker.ts';

const root = join(import.meta.dirname, '../..');
const hasCompose = answers('docker', ['compose', 'version']);
const hasEngine = await dockerAnswers();

describe('Docker', () => {
  it.skipIf(!hasCompose)('docker-compose.yml is one that compose accepts (skipped without docker compose)', () => {
    expect(() =>
      execFileSync('docker', ['compose', '-f', join(root, 'docker-compose.yml'), '--profile', 'services', 'config', '-q']),
    ).not.toThrow();
  });

  it.skipIf(!hasEngine)('a broker in a container takes our topics as they must be (skipped without a Docker engine)', async () => {
    const broker = await startContainerBroker();
    try {
      const faults = await withAdmin({ brokers: broker.brokers, clientId: 'test' }, async (admin) => {
        await createTopics(admin, { lanes: 2 });
        return checkTopics(admin, { lanes: 2 });
      });
      expect(faults).toEqual([]);
    } finally {
      await broker.stop();
    }
  });
});

function answers(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 3000 });
    return true;
  } catch {
    return false;
  }
}
