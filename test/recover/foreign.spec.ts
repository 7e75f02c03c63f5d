/* Records on `ledger` that no decider wrote there: from the halt to the next verified verdict. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { checkLedger } from '#adapters';

import { countersign } from '../cli/run.ts';
import { LANE, TENANT, told, World } from '../support/world.ts';
import { until } from '../support/kafka.ts';

let world: World;
beforeAll(async () => {
  world = await World.open(inject('brokers'), 'foreign');
  await world.receiptOf(await world.propose());
});
afterAll(() => world.close());

async function recover(...args: string[]): Promise<{ code: number | null; json: { voids: unknown[]; entries: number }; stderr: string }> {
  const place = ['--data', world.home.folder, '--brokers', world.brokers.join(','), '--json'];
  const { code, stdout, stderr } = await countersign(['recover', '--lane', String(LANE), ...args, ...place], world.home.folder);
  return { code, json: JSON.parse(stdout === '' ? 'null' : stdout) as { voids: unknown[]; entries: number }, stderr };
}
const onLedger = (...values: (Buffer | null)[]): Promise<unknown> =>
  world.writer.send(values.map((value) => ({ topic: world.home.topic('ledger'), partition: LANE, key: Buffer.from(TENANT), value })));

it('a lane with nothing in its way has nothing to recover', async () => {
  expect(await recover()).toMatchObject({ code: 0, json: { voids: [] } });
});

it('bytes by hand, copies of real records and empty ones halt the lane; what the decider writes behind them is kept', async () => {
  const real = (await world.read('ledger')).slice(-2).map(({ value }) => value);
  await onLedger(Buffer.from('made by hand'), ...real, null);
  expect(await world.untilFailed('notary', `lane ${LANE}`)).toContain('RECORD: ');
  const behind = await world.propose(); // the decider does not read what it owns
  await until('it is decided', async () => (await world.read('ledger')).length > real.length + 4);
  await world.restart('decider', 'gateway');
  expect(await world.untilFailed('decider', `lane ${LANE}`)).toContain('RECORD: ');
  await world.untilFailed('gateway', `lane ${LANE}`);
  expect((await checkLedger(world.home, world.brokers)).status).toBe('invalid');

  const said = await recover();
  expect(said).toMatchObject({ code: 1, json: { applied: false } });
  expect(said.json.voids).toHaveLength(1);
  expect(await recover('--apply', '--why', 'incident 9')).toMatchObject({ code: 0, json: { applied: true } });
  await world.restart('decider', 'notary', 'gateway');
  expect(told(await world.receiptOf(behind))).toBe('ALLOW ALLOW_POLICY');
  expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
  await world.untilReady('gateway');
  const report = await checkLedger(world.home, world.brokers);
  expect(report.status).toBe('valid');
  expect(report.invariants.flatMap(({ notes }) => notes)).toContainEqual(
    expect.stringMatching(/^lane 0: ledger offsets .* are void: incident 9$/),
  );
  expect(await recover()).toMatchObject({ code: 0, json: { voids: [] } });
});

it('a void is about the very records that were looked at: a later foreign record halts the lane again, and is recovered the same way', async () => {
  await onLedger(Buffer.from('once more'));
  expect(await world.untilFailed('notary', `lane ${LANE}`)).toContain('RECORD: ');
  await recover('--apply');
  await world.restart('decider', 'notary', 'gateway');
  expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
  expect((await checkLedger(world.home, world.brokers)).status).toBe('valid');
});

it('a void that no key of the birth signed is none', async () => {
  await onLedger(Buffer.from('a third one'));
  await world.untilFailed('notary', `lane ${LANE}`);
  const stranger = ['--apply', '--recovery', `${world.home.folder}/keys/platform-${TENANT}.key`];
  const { code, stderr } = await recover(...stranger);
  expect([code, stderr]).toEqual([2, expect.stringContaining('neither the admin key that the ledger was born with nor its recovery key')]);
  expect((await checkLedger(world.home, world.brokers)).status).toBe('invalid');
});
