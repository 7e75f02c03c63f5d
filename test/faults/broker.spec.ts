import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type EmbeddedBroker, startEmbeddedBroker } from '#adapters';

import { until } from '../support/kafka.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';
import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';
import { KILLS, Trial } from './trial.ts';

const TIMES = KILLS ?? 3;
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 210_000 + TIMES * 90_000;
const dataDir = mkdtempSync(join(tmpdir(), 'countersign-broker-'));
let broker: EmbeddedBroker;
let world: FaultWorld;
/** It is a process group of its own, so a runner that is ended early would leave it behind. */
const endBroker = (): void => {
  process.kill(broker.pid, 'SIGKILL');
};

beforeAll(async () => {
  broker = await startEmbeddedBroker({ dataDir });
  process.once('exit', endBroker);
  world = await new FaultWorld('broker', broker.brokers).open('decider', 'notary', 'gateway');
});
afterAll(async () => {
  await world.close();
  await broker.stop();
  process.off('exit', endBroker);
  rmSync(dataDir, { recursive: true, force: true });
});

describe.skipIf(!canStartBroker)(`kill -9 of the broker under load, ${TIMES} times (${NEEDS_JAVA})`, () => {
  it(
    'loses nothing that was acknowledged, and every service goes on by itself',
    async () => {
      const trial = new Trial('broker', 'kill -9 at any moment, and started again on its data');
      const load = world.load(4, world.kafka, world.http);
      for (let kills = 1; kills <= TIMES; kills++) {
        await load.more(between(world.random, 10, 60));
        const failures = laneFailures();
        process.kill(broker.pid, 'SIGKILL');
        await until('the decider notices', () => laneFailures() > failures);
        broker = await startEmbeddedBroker({ dataDir });
        expect(broker.brokers).toEqual(world.brokers);
        trial.tried().killed();
      }
      await load.more(20);
      trial.saw('lane failed, and was taken over again by the process that had it', laneFailures());
      await world.expectSound(trial);
      expect(world.services.map(({ name, ending }) => [name, ending])).toEqual([
        ['decider', undefined],
        ['notary', undefined],
        ['gateway', undefined],
      ]);
    },
    TIMEOUT_MS,
  );
});

const laneFailures = (): number => world.services.flatMap((service) => service.said('lane failed: taking over again')).length;
