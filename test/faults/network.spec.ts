import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { until } from '../support/kafka.ts';
import type { Service } from '../support/service.ts';
import { isLocal, NEEDS_LOCAL, UnsureNetwork } from '../support/unsure-network.ts';
import { FaultWorld } from './fault-world.ts';
import type { Load } from './load.ts';
import { between } from './random.ts';
import { KILLS, Trial } from './trial.ts';

/** Of each. */
const TIMES = KILLS ?? 2;
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 60_000 + TIMES * 120_000;
/** Of each tenant. Their proposals reach the broker by another way, so that there is always something to decide. */
const CALLERS = 2;
const brokers = inject('brokers');
let network: UnsureNetwork;
let world: FaultWorld;

beforeAll(async () => {
  network = await UnsureNetwork.open(brokers[0] ?? '');
  world = await new FaultWorld('network', brokers, { KAFKA_BROKERS: network.address }).open('decider', 'notary', 'gateway');
});
afterAll(async () => {
  await world.close();
  await network.close();
});

describe.skipIf(!isLocal(brokers))(`the network between the services and the broker (${NEEDS_LOCAL})`, () => {
  it(
    'cuts every connection, at any moment: nothing is lost and nothing repeated',
    () =>
      underLoad('every connection is cut at any moment', async (trial, { some }) => {
        await some();
        const connections = network.cut();
        expect(connections).toBeGreaterThan(0);
        trial.saw('connections cut', connections);
      }),
    TIMEOUT_MS,
  );

  it(
    'stands still until owners have given up, and then delivers what they had sent',
    () =>
      underLoad('nothing arrives until lanes are given up, then all of it does', async (trial, { some, load }) => {
        await some();
        const before = lanesGivenUp();
        network.hold();
        await until('owners have noticed', () => lanesGivenUp() > before);
        release(trial);
        await load.more(10);
      }),
    TIMEOUT_MS,
  );

  it(
    'changes a bit of the records that it brings: nothing is decided or attested by it',
    () =>
      underLoad('a bit of the records that arrive is changed', async (trial, { some }) => {
        await some();
        const before = damageNoticed();
        network.change(1);
        await until('an answer was changed', () => network.changesLeft === 0);
        await until('its reader has noticed', () => damageNoticed() > before);
        trial.saw('the reader said so, and fetched again');
      }),
    TIMEOUT_MS,
  );
});

describe.skipIf(!isLocal(brokers))(`a decider that the network cuts off from the broker (${NEEDS_LOCAL})`, () => {
  it(
    'decides nothing more once another has its lanes, whatever of it arrives late',
    () => underLoad('a decider is cut off, its successor takes over, then all that it had sent arrives', cutOffAndReplaced),
    TIMEOUT_MS,
  );
});

interface UnderLoad {
  readonly load: Load;
  /** Resolves when a few more inputs have their receipts: at any moment of the work. */
  readonly some: () => Promise<void>;
}

/** One fault, so many times while callers go on; then everything is looked at, and everybody must still be at work. */
async function underLoad(fault: string, once: (trial: Trial, at: UnderLoad) => Promise<void>): Promise<void> {
  const trial = new Trial('network', fault);
  const load = world.load(CALLERS, world.kafka);
  for (let time = 1; time <= TIMES; time++) {
    await once(trial, { load, some: () => load.more(between(world.random, 5, 40)) });
    trial.tried();
  }
  await load.more(20);
  await world.expectSound(trial);
  expect(atWork().map(({ name }) => name)).toEqual(['decider', 'notary', 'gateway']);
}

/** The successor reaches the broker by another way, and leaves when it is over. */
async function cutOffAndReplaced(trial: Trial, { some }: UnderLoad): Promise<void> {
  const cutOff = atWork().find(({ name }) => name === 'decider');
  if (!cutOff) throw new Error('a decider is at work');
  const successor = world.start('decider', { KAFKA_BROKERS: brokers.join(',') });
  await successor.until('shares the lanes', () => successor.said('lane taken over').length > 0);
  await some();
  const before = successor.said('lane taken over').length;
  network.hold();
  await until('its lane was taken over', () => successor.said('lane taken over').length > before);
  release(trial);
  await some();
  await successor.stop();
  await some();
}

const atWork = (): Service[] => world.services.filter(({ ending }) => ending === undefined);

function release(trial: Trial): void {
  for (const [kind, times] of Object.entries(network.release())) trial.saw(`${kind} arrived late`, times);
}

const said = (msg: string, has: string): number =>
  world.services.flatMap((service) => service.said(msg)).filter((line) => JSON.stringify(line).includes(has)).length;

const GIVEN_UP = ['lane failed: taking over again', 'lease: lane ends', 'a successor owns the lane: given up'];
const lanesGivenUp = (): number => GIVEN_UP.reduce((sum, msg) => sum + said(msg, ''), 0);

const DAMAGED = 'changed on their way';
const damageNoticed = (): number => said('lane failed: taking over again', DAMAGED) + said('broker away: the index stands still', DAMAGED);
