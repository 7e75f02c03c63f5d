import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Child, NO_NAMESPACES } from '#testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { LOST, REFUSED } from '../support/exit-codes.ts';
import { SharedJournal, UP_OR_REFUSED } from '../support/executors.ts';
import { until } from '../support/kafka.ts';
import { FaultWorld, TENANTS } from './fault-world.ts';
import { between } from './random.ts';
import { KILLS, Trial } from './trial.ts';

const TIMES = KILLS ?? 1;
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 180_000 + TIMES * 60_000;
const CALLERS = 2;
const [TENANT] = TENANTS;
const brokers = inject('brokers');
const world = new FaultWorld('executors', brokers);
const folder = mkdtempSync(join(tmpdir(), 'countersign-executors-'));
const closing: (() => Promise<void>)[] = [];
let journal: SharedJournal;
let executor: Child;
/** Effects that a trial has told of. */
let counted = 0;

beforeAll(async () => {
  await world.open('decider', 'notary', 'gateway');
  journal = new SharedJournal({ home: world.home, brokers, tenant: TENANT, trust: await world.trust(TENANT), folder, from: 'start' });
  closing.push(() => journal.close());
});
afterAll(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  rmSync(folder, { recursive: true });
  await world.close();
});

/** Some more effects, so that the executor is ended in the middle of its work. */
async function atWork(): Promise<void> {
  const wanted = journal.effects.length + between(world.random, 1, 12);
  await until('the executor is at work', () => journal.effects.length >= wanted);
}

/** No claim's effect was carried out twice, whatever was killed; and the ledger is sound. The executor is closed. */
async function expectOnce(trial: Trial): Promise<void> {
  await executor.kill('SIGTERM');
  expect(executor.lines.at(-1)).toBe('closed');
  await world.settle();
  const claims = journal.effects.map(({ claim }) => claim);
  expect(claims.filter((claim, at) => claims.indexOf(claim) !== at)).toEqual([]);
  await world.expectSound(trial.saw('effects, each of them once', claims.length - counted));
  counted = claims.length;
}

describe.skipIf(NO_NAMESPACES)(`two executors on one journal, in two namespaces of process ids ${NO_NAMESPACES ?? ''}`, () => {
  it(
    'run each effect once when one is killed, and two take its place at the same time',
    async () => {
      const trial = new Trial('executors', 'the executor is killed; two on one journal take its place at once');
      world.load(CALLERS, world.kafka);
      ({ executor } = await journal.startUntilUp());
      for (let time = 1; time <= TIMES; time++) {
        await atWork();
        await executor.kill();
        const both = [journal.start(), journal.start()];
        const said = await Promise.all(both.map((each) => each.says(UP_OR_REFUSED)));
        expect(said.filter((line) => line === 'up')).toHaveLength(1);
        const [winner, loser] = said[0] === 'up' ? both : both.toReversed();
        if (!winner || !loser) throw new Error('two were started');
        expect(await loser.end()).toBe(REFUSED);
        executor = winner;
        trial.tried().killed().saw('one was refused');
      }
      await atWork();
      await expectOnce(trial);
    },
    TIMEOUT_MS,
  );

  it(
    'run each effect once when one on another host, which sees no lock, takes the journal over',
    async () => {
      const trial = new Trial('executors', 'an executor on another host, which sees no lock, takes the journal over');
      world.load(CALLERS, world.kafka);
      ({ executor } = await journal.startUntilUp());
      for (let time = 1; time <= TIMES; time++) {
        await atWork();
        journal.asOnAnotherHost();
        const next = journal.start();
        await next.says('up');
        expect(await executor.end()).toBe(LOST);
        executor = next;
        trial.tried().saw('the former one stopped by itself');
      }
      await atWork();
      await expectOnce(trial);
    },
    TIMEOUT_MS,
  );
});
