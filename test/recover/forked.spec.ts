/* Kafka came back older than the notary's guard, and the decider went on from there: from the halt to the next verified verdict. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { type CheckedReceipt, checkLedger, type KafkaRecord } from '#adapters';

import { statementBytes } from '#domain';

import { countersign } from '../cli/run.ts';
import { until } from '../support/kafka.ts';
import { LANE, LANES, TENANT, told, World } from '../support/world.ts';

const lanes = Array.from({ length: LANES }, (_, lane) => lane);
/** Receipts before the ledger: they date what is written again (docs/runbooks/forked.md). */
const OLDER = ['receipts', 'checkpoints', 'ledger'] as const;
const held = mkdtempSync(join(tmpdir(), 'countersign-held-'));
let world: World;
beforeAll(async () => {
  world = await World.open(inject('brokers'), 'forked');
});
afterAll(() => world.close());

async function recover(...args: string[]) {
  const place = ['--data', world.home.folder, '--brokers', world.brokers.join(','), '--json'];
  const { code, stdout, stderr } = await countersign(['recover', '--lane', String(LANE), ...args, ...place], world.home.folder);
  return { code, json: JSON.parse(stdout === '' ? 'null' : stdout) as { entries: number; lost: number; voids: unknown[] } | null, stderr };
}
const allAttested = () =>
  until('all of it is attested', async () => (await world.receipts()).length === (await world.read('ledger')).length);
const bytesOf = ({ statement }: CheckedReceipt): string => Buffer.from(statementBytes(statement)).toString();

/** As a cluster that was restored from a backup, while inputs and the notary's disk are of today. */
async function restoreBackup(backup: ReadonlyMap<string, readonly KafkaRecord[]>): Promise<void> {
  for (const name of ['gateway', 'notary', 'decider'] as const) await world.stop(name);
  for (const name of OLDER) {
    await world.makeAnew(name);
    for (const lane of lanes) {
      const records = backup.get(`${name}/${lane}`) ?? [];
      const to = { topic: world.home.topic(name), partition: lane };
      if (records.length > 0) await world.writer.send(records.map(({ key, value, headers }) => ({ ...to, key, value, headers })));
    }
  }
}

it('a fork of a restored ledger ends where people say which history is true, and what receipts prove is decided again', async () => {
  await world.receiptOf(await world.propose());
  await allAttested();
  const before = (await world.read('ledger')).length;
  const backup = new Map<string, readonly KafkaRecord[]>();
  for (const name of OLDER) for (const lane of lanes) backup.set(`${name}/${lane}`, await world.read(name, lane));

  await world.receiptOf(await world.propose());
  await world.control(world.ownIssuer({ tenant: TENANT, issuer: 'runner', type: 'executor' }));
  await world.receiptOf(await world.propose());
  await allAttested();
  const attested = (await world.receipts()).map(bytesOf);
  const lost = attested.length - before;
  (await world.receipts()).slice(before).forEach(({ record }, at) => {
    writeFileSync(join(held, `${at}.tlog-proof`), record.proof);
  });

  await restoreBackup(backup);
  await world.start('notary');
  expect(await world.untilFailed('notary', `lane ${LANE}`)).toMatch(/TAIL_LOST: .*the ledger ends before it/);
  const doctor = await countersign(['doctor', '--data', world.home.folder, '--brokers', world.brokers.join(',')], world.home.folder);
  expect(doctor.stdout).toMatch(new RegExp(`^WRONG +lane ${LANE} .*signed at size \\d+, the ledger ends at \\d+: stop the decider`, 'm'));
  await world.start('decider', { snapshotEveryEntries: 1 });
  await until('the inputs are decided once more', async () => (await world.read('ledger')).length >= attested.length);
  const behind = await world.propose();
  await until('so is what came since', async () => (await world.read('ledger')).length > attested.length);
  await world.restart('notary');
  expect(await world.untilFailed('notary', `lane ${LANE}`)).toMatch(/FORKED: .*signed with another root/);
  await world.stop('decider');

  expect(await recover('--receipts', held)).toMatchObject({ code: 1, stderr: expect.stringContaining('FORKED: ') as string });
  const found = { entries: before, lost, voids: [{}] };
  expect(await recover('--receipts', held, '--ledger-is-false')).toMatchObject({ code: 1, json: { ...found, applied: false } });
  expect(await recover('--receipts', held, '--ledger-is-false', '--apply', '--why', 'incident 9')).toMatchObject({ code: 0, json: found });

  await Promise.all([world.start('decider'), world.restart('notary')]);
  await world.start('gateway');
  await world.untilReady('gateway');
  expect(told(await world.receiptOf(behind))).toBe('ALLOW ALLOW_POLICY');
  expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
  const now = (await world.receipts()).map(bytesOf);
  expect(now.slice(0, attested.length)).toEqual(attested);
  const report = await checkLedger(world.home, world.brokers);
  expect(report.status).toBe('valid');
  expect(report.invariants.flatMap(({ notes }) => notes)).toContainEqual(
    expect.stringMatching(/^lane 0: ledger offsets .* are void: incident 9$/),
  );
  expect(report.invariants.flatMap(({ notes }) => notes)).toContain(
    `lane ${LANE}: sequences ${before} to ${attested.length - 1} were written again: incident 9`,
  );
  expect(await recover()).toMatchObject({ code: 0, json: { lost: 0, voids: [] } });
}, 240_000);
