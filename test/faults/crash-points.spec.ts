import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';

/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 300_000;
/** In the order of the protocols. A point of a transaction is passed by snapshots too. */
const POINTS = {
  decider: ['recovering', 'before-send', 'after-send', 'before-commit', 'after-commit-sent', 'after-commit', 'before-snapshot'],
  notary: ['before-guard', 'after-guard', 'before-send', 'after-send', 'before-commit', 'after-commit-sent', 'after-commit'],
} as const;
const PASSINGS_MAX = 4;
const SNAPSHOT_EVERY = { COUNTERSIGN_SNAPSHOT_EVERY: '12' };

const world = new FaultWorld('points', inject('brokers'));
beforeAll(() => world.open('decider', 'notary'));
afterAll(() => world.close());

describe('a process that ends at a named point of its protocol', () => {
  it(
    'leaves a ledger that its successor goes on with: every point of decider and notary, under load',
    async () => {
      const load = world.load(8, world.kafka);
      await load.more(10);
      await crashAtEach('decider');
      await crashAtEach('notary');
      await load.more(20);
      await world.expectSound(load);
      const takenOver = world.services.flatMap((service) => service.said('lane taken over'));
      expect(takenOver.some(({ snapshotSeq }) => Number(snapshotSeq) > 0)).toBe(true);
    },
    TIMEOUT_MS,
  );
});

/** Two processes at a time, so that one starts while the other works; both have lanes, and each ends at a point of its own. */
async function crashAtEach(name: keyof typeof POINTS): Promise<void> {
  for (const service of world.services) if (service.name === name) await service.kill();
  const points: string[] = [...POINTS[name]];
  const crashOneByOne = async (): Promise<void> => {
    for (let point = points.shift(); point !== undefined; point = points.shift()) {
      const passing = point === 'recovering' ? 1 : between(world.random, 1, PASSINGS_MAX); // each lane recovers once
      await world.start(name, { ...SNAPSHOT_EVERY, COUNTERSIGN_CRASH_AT: `${point}:${passing}` }).crashed();
    }
  };
  await Promise.all([crashOneByOne(), crashOneByOne()]);
  world.start(name, SNAPSHOT_EVERY);
}
