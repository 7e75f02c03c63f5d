/* A ledger that lost its tail while receipts and inputs survive: from the halt to the next verified verdict. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { checkLedger, raiseFreeze, wire } from '#adapters';

import { countersign } from '../cli/run.ts';
import { until } from '../support/kafka.ts';
import { acknowledgementOf, LANE, LANES, recordWrite, told, World } from '../support/world.ts';

const lanes = Array.from({ length: LANES }, (_, lane) => lane);
let world: World;
beforeAll(async () => {
  world = await World.open(inject('brokers'), 'tail');
});
afterAll(() => world.close());

async function recover(...args: string[]) {
  const place = ['--data', world.home.folder, '--brokers', world.brokers.join(','), '--json'];
  const { code, stdout, stderr } = await countersign(['recover', '--lane', String(LANE), ...args, ...place], world.home.folder);
  return { code, json: JSON.parse(stdout === '' ? 'null' : stdout) as { entries: number; lost: number } | null, stderr };
}

/** As a cluster that came back without the last records of one lane: the topic anew, and all but those written again. */
async function loseTail(records: number): Promise<void> {
  const kept = await Promise.all(lanes.map((lane) => world.read('ledger', lane)));
  for (const name of ['gateway', 'notary', 'decider'] as const) await world.stop(name);
  await world.makeAnew('ledger');
  for (const lane of lanes) {
    const values = kept[lane]?.map(({ value }) => value) ?? [];
    const whole = lane === LANE ? values.slice(0, -records) : values;
    const to = { topic: world.home.topic('ledger'), partition: lane, key: null };
    await world.writer.send(whole.map((value) => ({ ...to, value })));
  }
}

it('what receipts prove is decided again, byte for byte, and the lane goes on under the same origins', async () => {
  await world.receiptOf(await world.propose());
  const before = (await world.read('ledger')).length;
  const sent = [
    await world.propose(),
    await world.send(Buffer.from('not an envelope')),
    await world.propose({ ...recordWrite, class: 'unknown' }),
    await world.propose(),
  ];
  for (const place of sent) await world.receiptOf(place);
  await world.control(...raiseFreeze(world.home, { level: 'freeze', scope: { kind: 'all' }, why: 'incident', by: 'ana' }));
  await until('all of it is attested', async () => (await world.receipts()).length === (await world.read('ledger')).length);
  const receipts = (await world.receipts()).map(({ record }) => Buffer.from(record.proof).toString('base64'));
  const lost = (await world.read('ledger')).length - before;
  await loseTail(lost);
  await Promise.all([world.start('decider'), world.start('notary')]);
  expect(await world.untilFailed('decider', `lane ${LANE}`)).toContain('TAIL_LOST: ');
  expect(await world.untilFailed('notary', `lane ${LANE}`)).toContain('TAIL_LOST: ');

  const doctor = await countersign(['doctor', '--data', world.home.folder, '--brokers', world.brokers.join(',')], world.home.folder);
  expect(doctor.stdout).toMatch(
    new RegExp(`^WRONG +lane ${LANE} +TAIL_LOST: ${before + lost} entries were attested, and the ledger holds ${before}: `, 'm'),
  );
  expect(await recover()).toMatchObject({ code: 1, json: { entries: before, lost, applied: false } });
  expect(await recover('--apply')).toMatchObject({ code: 0, json: { lost, applied: true } });
  await world.restart('decider', 'notary');
  await world.start('gateway');
  await world.untilReady('gateway');
  expect(told(await world.receiptOf(await world.propose()))).toBe('DENY DENY_FROZEN');
  expect((await world.receipts()).slice(0, receipts.length).map(({ record }) => Buffer.from(record.proof).toString('base64'))).toEqual(
    receipts,
  );
  const report = await checkLedger(world.home, world.brokers, { acks: sent.map(acknowledgementOf) });
  expect(report.status).toBe('valid');
  expect(await recover()).toMatchObject({ code: 0, json: { lost: 0 } });
});

it('a tail that ends inside a batch, behind foreign records, is recovered at once', async () => {
  await world.receiptOf(await world.propose());
  await until('all of it is attested', async () => (await world.receipts()).length === (await world.read('ledger')).length);
  const values = (await world.read('ledger')).map(({ value }) => wire.decodeRecord(value ?? Buffer.of()));
  const inside = values.findLastIndex(({ batchSeal }) => batchSeal === null); // of the freeze: one entry in each tree
  expect(inside).toBeGreaterThan(0);
  await loseTail(values.length - inside - 1);
  await world.writer.send([{ topic: world.home.topic('ledger'), partition: LANE, key: null, value: Buffer.from('made by hand') }]);
  expect(await recover('--apply')).toMatchObject({ code: 0, json: { applied: true } });
  await Promise.all([world.start('decider'), world.start('notary')]);
  expect(told(await world.receiptOf(await world.propose()))).toBe('DENY DENY_FROZEN');
  expect((await checkLedger(world.home, world.brokers)).status).toBe('valid');
});

it('what was attested and cannot be decided again is left alone, and named', async () => {
  const place = await world.propose();
  await world.receiptOf(place);
  await loseTail(1);
  await world.makeAnew('actions');
  const { code, stderr } = await recover();
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/NOT_AGAIN: .* is attested, and the ledger has lost it: offset \d+ of actions is gone/),
  ]);
});
