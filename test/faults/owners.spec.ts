import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { CedarEngine, FencedError, kafkaLaneLog, messageOf, wire } from '#adapters';

import { LaneDecider } from '../../apps/decider/src/lane-decider.ts';
import { client, until } from '../support/kafka.ts';
import type { Service } from '../support/service.ts';
import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';
import { rewindToZero } from './rewind.ts';
import { KILLS, Trial } from './trial.ts';

/** How often each: nobody is killed here, so the long form tries half as often. */
const TIMES = KILLS === undefined ? 1 : Math.ceil(KILLS / 2);
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 180_000 + TIMES * 120_000;
/** Of each tenant. One is enough to keep both lanes at work: what is decided while a process starts is checked from genesis each time. */
const CALLERS = 1;
const brokers = inject('brokers');
const world = new FaultWorld('owners', brokers);
let decider: Service;
let notary: Service;

beforeAll(async () => {
  await world.open('decider', 'notary');
  const [first, second] = world.services;
  if (!first || !second) throw new Error('both were started');
  decider = first;
  notary = second;
});
afterAll(() => world.close());

describe('offsets of the consumer groups', () => {
  it(
    'mean nothing: rewound to 0, the lanes go on where the ledger ends',
    async () => {
      const trial = new Trial('owners', 'group offsets rewound to 0, of decider and notary');
      const load = world.load(CALLERS, world.kafka);
      await load.more(30);
      for (let time = 1; time <= TIMES; time++) {
        await Promise.all([decider.stop(), notary.stop()]);
        const { topicPrefix, lanes } = world.home.config;
        for (const [group, topics] of Object.entries(READ_BY)) {
          const names = topics.map((topic) => world.home.topic(topic));
          await rewindToZero(brokers, `${topicPrefix}countersign.${group}`, names, lanes);
        }
        decider = world.start('decider');
        notary = world.start('notary');
        await load.more(30);
        trial.tried();
      }
      await world.expectSound(trial.saw('the lanes went on where the ledger ends', TIMES));
    },
    TIMEOUT_MS,
  );
});

const READ_BY = { decider: ['controls', 'actions', 'outcomes'], notary: ['ledger', 'input-keys'] } as const;

describe('two deciders at once', () => {
  it(
    'share the lanes of one group, and neither decides what the other has',
    async () => {
      const trial = new Trial('owners', 'a second decider comes and goes');
      const load = world.load(CALLERS, world.kafka);
      await load.more(10);
      for (let time = 1; time <= TIMES; time++) {
        const second = world.start('decider');
        await second.until('owns a lane', () => second.said('lane taken over').length > 0);
        await load.more(30);
        await second.stop();
        await load.more(10);
        trial.tried().saw('it took over one lane, and gave it back');
      }
      await world.expectSound(trial);
    },
    TIMEOUT_MS,
  );

  it(
    'fence each other when both believe that they own the same lanes',
    async () => {
      const trial = new Trial('owners', 'two deciders fight for the same lanes, asking no group');
      const load = world.load(CALLERS, world.kafka);
      const ends: unknown[] = [];
      for (let round = 1; round <= 2 * TIMES; round++) {
        await load.more(between(world.random, 5, 30));
        ends.push(...(await Promise.all([stranger(0), stranger(1)])));
        trial.tried();
      }
      await load.more(20);
      // Each decided for a while, until the member of the group took its lane back.
      for (const end of ends) expect(end, messageOf(end)).toMatchObject({ code: 'FENCED', succeeded: true });
      trial.saw('the stranger decided, then was fenced by the member of the group', ends.length);
      await world.expectSound(trial);
    },
    TIMEOUT_MS,
  );
});

/**
 * A decider that asks no group: it takes the lane over at once. Resolves with what ended it after it had decided something; one whose lane
 * was taken back before that, as on a busy machine, is followed by another.
 */
async function stranger(lane: number): Promise<unknown> {
  for (;;) {
    const { end, batches } = await strangerUntilFenced(lane);
    if (batches > 0 || !(end instanceof FencedError)) return end;
  }
}

async function strangerUntilFenced(lane: number): Promise<{ end: unknown; batches: number }> {
  const stopping = new AbortController();
  let batches = 0;
  const quiet = (): void => undefined;
  const errors: unknown[] = [];
  const strange = new LaneDecider({
    laneLog: kafkaLaneLog(client(brokers)),
    birth: world.home.birth(),
    topicPrefix: world.home.config.topicPrefix,
    deciderSeed: world.home.key('decider'),
    engine: new CedarEngine(),
    wire,
    log: { debug: quiet, info: quiet, warn: quiet, error: (line) => errors.push(line) },
    onBatch: () => (batches += 1),
  });
  let end: unknown;
  const running = strange.run({ lane, signal: stopping.signal, ready: quiet }).catch((error: unknown) => (end = error));
  try {
    await until(`the stranger on lane ${lane} is fenced`, () => end);
    expect(errors).toEqual([]);
    return { end, batches };
  } finally {
    stopping.abort();
    await running;
  }
}

describe('a paused owner', () => {
  it.each([
    { name: 'decider', point: 'after-send' },
    { name: 'notary', point: 'before-commit' },
  ] as const)(
    'that wakes up after its successor took over commits nothing: $name, paused $point',
    async ({ name, point }) => {
      const trial = new Trial('owners', `a ${name} paused at ${point} wakes up after its successor took over`);
      for (let time = 1; time <= TIMES; time++) await pausedAndWoken(name, point, trial);
    },
    TIMEOUT_MS,
  );
});

async function pausedAndWoken(name: 'decider' | 'notary', point: string, trial: Trial): Promise<void> {
  const before = name === 'decider' ? decider : notary;
  const paused = world.start(name, { COUNTERSIGN_PAUSE_AT: `${point}:${between(world.random, 1, 4)}` });
  await paused.until('owns a lane', () => paused.said('lane taken over').length > 0);
  await before.stop();
  const load = world.load(CALLERS, world.kafka);
  await until('it is paused inside a transaction', () => paused.isPaused);
  const successor = world.start(name);
  await load.more(30); // of both lanes: the paused one has given no lane back
  await until('its lane was taken over', () => successor.said('lane taken over').length === 2);
  paused.wake();
  const noticed = await paused.until('notices', () => NOTICED.find((message) => paused.said(message).length > 0));
  await load.more(30);
  await world.expectSound(trial.tried().saw(`the one that woke up said: ${noticed}`));
  expect(paused.ending).toBeUndefined();
  await paused.stop();
  if (name === 'decider') decider = successor;
  else notary = successor;
}

/** It was fenced, or it saw first that its session must have run out. */
const NOTICED = ['a successor owns the lane: given up', 'lease: lane ends'];
