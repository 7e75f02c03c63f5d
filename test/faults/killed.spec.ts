import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import type { Service, ServiceName } from '../support/service.ts';
import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';

/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 180_000;
const world = new FaultWorld('killed', inject('brokers'));
const now: Partial<Record<ServiceName, Service>> = {};

beforeAll(async () => {
  await world.open('decider', 'notary', 'gateway');
  for (const service of world.services) now[service.name] = service;
});
afterAll(() => world.close());

describe('kill -9 under load, three times', () => {
  it.each(['decider', 'notary', 'gateway'] as const)(
    'of the %s loses nothing that was acknowledged, and repeats nothing',
    async (name) => {
      const load = world.load(4, name === 'gateway' ? world.http : world.kafka);
      for (let kills = 1; kills <= 3; kills++) {
        await load.more(between(world.random, 10, 60));
        await now[name]?.kill();
        expect(now[name]?.ending).toBe('SIGKILL');
        now[name] = world.start(name);
      }
      await load.more(20);
      await world.expectSound(load);
    },
    TIMEOUT_MS,
  );
});
