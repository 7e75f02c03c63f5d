import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import type { LogLine, Service } from '../support/service.ts';
import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';
import { Succession } from './succession.ts';
import { KILLS, Trial } from './trial.ts';

/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 300_000 + (KILLS ?? 0) * 90_000;
/** In the order of the protocols. A point of a transaction is passed by snapshots too. */
const POINTS = {
  decider: [
    'before-fence',
    'recovering',
    'before-send',
    'after-send',
    'before-commit',
    'after-commit-sent',
    'after-commit',
    'before-snapshot',
  ],
  notary: ['before-guard', 'after-guard', 'before-send', 'after-send', 'before-commit', 'after-commit-sent', 'after-commit'],
} as const;
type Name = keyof typeof POINTS;
const PASSINGS_MAX = 4;
/** Each lane passes these once, when it is taken over. */
const PASSED_ONCE = ['before-fence', 'recovering'];
const SNAPSHOT_EVERY = { COUNTERSIGN_SNAPSHOT_EVERY: '12' };

const world = new FaultWorld('points', inject('brokers'));
beforeAll(() => world.open('decider', 'notary'));
afterAll(() => world.close());

const crashAt = (point: string): Record<string, string> => {
  const passing = PASSED_ONCE.includes(point) ? 1 : between(world.random, 1, PASSINGS_MAX);
  return { ...SNAPSHOT_EVERY, COUNTERSIGN_CRASH_AT: `${point}:${passing}` };
};

/** Each form has its own tests, and shows the other's not even as skipped. */
const isLong = KILLS !== undefined;
if (isLong) describe('again and again, the ledger is left so that a successor goes on with it', oneByOne);
else describe('a process that ends at a named point of its protocol', together);

function together(): void {
  it(
    'leaves a ledger that its successor goes on with: every point of decider and notary, under load',
    async () => {
      const load = world.load(8, world.kafka);
      await load.more(10);
      const decider = await crashAtEach('decider');
      await crashAtEach('notary');
      const written = await decider.until('writes a snapshot', () => decider.said('snapshot written')[0]);
      await decider.kill();
      const successor = world.start('decider', SNAPSHOT_EVERY);
      const ofLane = ({ lane }: LogLine): boolean => lane === written['lane'];
      const takenOver = await successor.until('takes over', () => successor.said('lane taken over').find(ofLane));
      expect(takenOver['snapshotSeq']).toBeGreaterThan(0);
      await load.more(20);
      await world.expectSound();
    },
    TIMEOUT_MS,
  );
}

/**
 * Two processes at a time, so that one starts while the other works; both have lanes, and each ends at a point of its own. Returns the one
 * that goes on.
 */
async function crashAtEach(name: Name): Promise<Service> {
  for (const service of world.services) if (service.name === name) await service.kill();
  const points: string[] = [...POINTS[name]];
  const crashOneByOne = async (): Promise<void> => {
    for (let point = points.shift(); point !== undefined; point = points.shift()) await world.start(name, crashAt(point)).crashed();
  };
  await Promise.all([crashOneByOne(), crashOneByOne()]);
  return world.start(name, SNAPSHOT_EVERY);
}

/** One process at a time, so that what it left behind can be told from what others do. */
function oneByOne(): void {
  it.each(ofEach(POINTS))(
    'by a $name that ends at $point',
    ({ name, point }) =>
      succeeded(name, `kill -9 at ${point}`, async (owners, trial) => {
        owners.next(crashAt(point));
        await owners.crashed(trial.tried());
      }),
    TIMEOUT_MS,
  );

  it(
    'by a decider that ends while a transaction of its predecessor is open',
    () =>
      succeeded('decider', 'kill -9 while a transaction of its predecessor is open', async (owners, trial) => {
        owners.next({ COUNTERSIGN_CRASH_AT: `after-send:${between(world.random, 1, PASSINGS_MAX)}` });
        await owners.crashed(trial);
        owners.next({ COUNTERSIGN_CRASH_AT: 'before-fence:1' });
        await owners.crashed(trial.tried());
        // Longer than 10 s, and the broker has ended it by itself: then this try was about nothing.
        expect(await owners.leftOpen(), 'still open').not.toEqual([]);
      }),
    TIMEOUT_MS,
  );
}

/** Under load `ends` happens again and again to owners of that name; the last of them goes on, and everything is sound. */
async function succeeded(name: Name, fault: string, ends: (owners: Succession, trial: Trial) => Promise<void>): Promise<void> {
  const trial = new Trial(name, fault);
  const owners = new Succession(world, name);
  const load = world.load(8, world.kafka);
  await load.more(10);
  await owners.stopped();
  for (let tries = 0; tries < (KILLS ?? 0); tries++) await ends(owners, trial);
  owners.next(SNAPSHOT_EVERY);
  await load.more(20);
  await load.stop();
  await owners.expectWholeOrNothing(trial);
  await world.expectSound(trial);
}

function ofEach(points: typeof POINTS): { name: Name; point: string }[] {
  return (Object.keys(points) as Name[]).flatMap((name) => points[name].map((point) => ({ name, point })));
}
