import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';
import { Succession } from './succession.ts';
import { KILLS, Trial } from './trial.ts';

/** Of each; the named points are tried in crash-points.spec.ts. */
const TIMES = KILLS === undefined ? 3 : 2 * KILLS;
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 60_000 + TIMES * 120_000;
const world = new FaultWorld('killed', inject('brokers'));

beforeAll(() => world.open('decider', 'notary', 'gateway'));
afterAll(() => world.close());

describe(`kill -9 under load, ${TIMES} times`, () => {
  it.each(['decider', 'notary', 'gateway'] as const)(
    'of the %s loses nothing that was acknowledged, and repeats nothing',
    async (name) => {
      const trial = new Trial(name, 'kill -9 at any moment');
      const owners = new Succession(world, name);
      const load = world.load(4, name === 'gateway' ? world.http : world.kafka);
      for (let kills = 1; kills <= TIMES; kills++) {
        await load.more(between(world.random, 10, 60));
        await owners.killed(trial.tried());
        owners.next();
      }
      await load.more(20);
      await load.stop();
      await owners.expectWholeOrNothing(trial);
      if (name === 'gateway') expect(load.unacknowledged).toBeGreaterThan(0);
      trial.saw('proposals not acknowledged, and sent again', load.unacknowledged);
      await world.expectSound(trial);
    },
    TIMEOUT_MS,
  );
});
