import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import type { Service } from '../support/service.ts';
import { until } from '../support/kafka.ts';
import { FaultWorld } from './fault-world.ts';
import { between } from './random.ts';
import { KILLS, Trial } from './trial.ts';

/** Of each; nobody is killed here. */
const TIMES = KILLS === undefined ? 1 : Math.ceil(KILLS / 2);
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 120_000 + TIMES * 90_000;
const CALLERS = 1;
const DAY_MS = 24 * 3_600_000;
/** Unit ms. What clocks of one lane may differ by, and more. */
const JUMPS_MS = [-DAY_MS, -95_000, -6000, 6000, 70_000, DAY_MS];
const folder = mkdtempSync(join(tmpdir(), 'countersign-clock-'));
const clockFile = join(folder, 'ahead-ms');
const world = new FaultWorld('clocks', inject('brokers'), {
  ...{ COUNTERSIGN_TEST_CLOCK: clockFile, NODE_OPTIONS: `--import ${new URL('wrong-clock.mjs', import.meta.url).pathname}` },
});
/** Of every service of this world. */
const setClock = (aheadMs: number): void => {
  writeFileSync(clockFile, String(aheadMs));
};
let decider: Service;

beforeAll(async () => {
  setClock(0);
  world.mayAlarm = ['CLOCK'];
  await world.open('decider', 'notary');
  const [first] = world.services;
  if (!first) throw new Error('a decider was started');
  decider = first;
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

describe('a decider whose clock is wrong when it takes its lanes over', () => {
  it.each([
    ['95 s behind', -95_000],
    ['24 h ahead', DAY_MS],
  ])(
    '(%s) decides nothing, says CLOCK, and goes on by itself when the clock is right',
    async (how, aheadMs) => {
      const trial = new Trial('clocks', `the decider's clock is ${how} when it starts`);
      const load = world.load(CALLERS, world.kafka);
      for (let time = 1; time <= TIMES; time++) {
        await load.more(10);
        await decider.stop();
        setClock(aheadMs);
        decider = world.start('decider');
        await decider.until('holds both lanes', () => clockAlarms(decider) >= 2);
        expect(await readiness(decider)).toEqual({ status: 503, codes: ['CLOCK', 'CLOCK'] });
        expect(decider.said('the clocks agree again: the lane decides on')).toEqual([]);
        setClock(0);
        await decider.until('decides on', () => decider.said('the clocks agree again: the lane decides on').length >= 2);
        await load.more(10);
        expect(await readiness(decider)).toEqual({ status: 200, codes: [] });
        trial.tried().saw('the lanes were held, and went on by themselves');
      }
      await world.expectSound(trial);
    },
    TIMEOUT_MS,
  );
});

describe('a clock that jumps under load', () => {
  it(
    'dates nothing wrongly: the lanes are held until it is right again',
    async () => {
      const trial = new Trial('clocks', "the decider's clock jumps, either way, and back");
      const load = world.load(CALLERS, world.kafka);
      for (let time = 1; time <= 2 * TIMES; time++) {
        await load.more(between(world.random, 5, 30));
        const before = clockAlarms(decider);
        setClock(JUMPS_MS[between(world.random, 0, JUMPS_MS.length - 1)] ?? 0);
        await decider.until('notices', () => clockAlarms(decider) > before);
        setClock(0);
        await load.more(5);
        trial.tried();
      }
      trial.saw('a lane was held', clockAlarms(decider));
      await until('readiness is back', async () => (await readiness(decider)).status === 200);
      await world.expectSound(trial);
    },
    TIMEOUT_MS,
  );
});

const clockAlarms = (service: Service): number => service.alarms.filter(({ code }) => code === 'CLOCK').length;

/** What anyone may see. */
async function readiness(service: Service): Promise<{ status: number; codes: string[] }> {
  const answer = await fetch(`http://127.0.0.1:${await service.port()}/readyz`);
  const { reasons = [] } = (await answer.json()) as { reasons?: { code: string }[] };
  return { status: answer.status, codes: reasons.map(({ code }) => code) };
}
