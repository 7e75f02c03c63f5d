import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { CedarEngine, kafkaLaneLog, type LaneLog, silentLog, wire } from '#adapters';

import { LaneDecider } from '../../apps/decider/src/lane-decider.ts';
import { countersign, type Ended } from '../cli/run.ts';
import { watchAlarms } from '../support/alarms.ts';
import { client, until } from '../support/kafka.ts';
import { LANE, told, World } from '../support/world.ts';

const DAY_MS = 24 * 3_600_000;
const alarms = watchAlarms();
let world: World;

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'clock');
});
afterAll(() => world.close());

const run = (...args: string[]): Promise<Ended> =>
  countersign(args, world.home.folder, { COUNTERSIGN_DATA: world.home.folder, KAFKA_BROKERS: world.brokers.join(',') });

/** Decides one proposal of tomorrow, as if the broker's clock and its own were a day ahead. */
async function decideTomorrow(): Promise<void> {
  const log = kafkaLaneLog(client(world.brokers));
  const laneLog: LaneLog = {
    ...log,
    openWriter: async (options) => {
      const writer = await log.openWriter(options);
      return {
        commit: (records, laneSeq, check) =>
          writer.commit(records, laneSeq, (appended) =>
            check?.(appended.map((each) => ({ ...each, appendTimeMs: each.appendTimeMs < 0 ? -1 : each.appendTimeMs + DAY_MS }))),
          ),
        expectOwner: () => writer.expectOwner(),
        close: () => writer.close(),
      };
    },
  };
  const stopping = new AbortController();
  const { topicPrefix } = world.home.config;
  const decider = new LaneDecider({
    ...{ laneLog, wire, topicPrefix, birth: world.home.birth(), deciderSeed: world.home.key('decider'), engine: new CedarEngine() },
    ...{ log: silentLog, nowMs: () => Date.now() + DAY_MS, onBatch: () => undefined },
  });
  const running = decider.run({ lane: LANE, signal: stopping.signal, ready: () => undefined });
  const issuedAtMs = Date.now() + DAY_MS;
  const place = await world.propose(undefined, { id: 'tomorrow', issuedAtMs, expiresAtMs: issuedAtMs + 300_000 });
  expect(told(await world.receiptOf(place))).toBe('ALLOW ALLOW_POLICY');
  stopping.abort(new Error('decided'));
  await running;
}

describe('a lane that was decided with clocks a day ahead', () => {
  it('is held with CLOCK, which readiness, metrics, doctor and time say, until the admin sets its time back', async () => {
    await world.stop('decider');
    await decideTomorrow();
    await world.start('decider');
    const part = `lane ${LANE} clock`;
    expect(await world.untilFailed('decider', part)).toContain(`countersign time set-back --lane ${LANE}`);
    await until('the other lane is taken over', () => world.health('decider').length === 1);
    expect(world.health('decider')).toEqual([expect.objectContaining({ name: part, code: 'CLOCK' })]); // the other lane is well
    expect((await world.http('decider', '/metrics')).text).toContain(`countersign_lane_clock_held{lane="${LANE}",app="decider"} 1`);
    expect(alarms.map(({ code }) => code)).toContain('CLOCK');
    const waits = await world.propose();
    const before = (await world.receipts()).length;

    const [doctor, shown] = [await run('doctor'), await run('time')];
    expect([doctor.code, shown.code]).toEqual([1, 1]);
    expect(doctor.stdout).toMatch(new RegExp(`WRONG +clock ${LANE} .*countersign time set-back --lane ${LANE}`));
    expect(shown.stdout).toMatch(new RegExp(`lane ${LANE} +CLOCK`));
    expect((await world.receipts()).length).toBe(before);

    const corrected = await run('time', 'set-back', '--lane', String(LANE));
    expect(corrected).toMatchObject({ code: 0, stderr: '' });
    await until('the lane is ready', () => world.health('decider').length === 0);
    expect(told(await world.receiptOf(waits))).toBe('DENY DENY_EXPIRED'); // asked before the correction
    expect((await run('time')).code).toBe(0);
    expect(await run('time', 'set-back', '--lane', String(LANE))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not ahead') as string,
    });
  }, 120_000);
});
