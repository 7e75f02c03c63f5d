/** The ledger's seed is stolen, which signs every log: what the thief can make with it, and how it shows. */
import { randomUUID } from 'node:crypto';

import { checkLedger, codecs, executorKey } from '#adapters';
import { LogKeys, sealEnvelope, signCheckpoint, statementBytes, utf8 } from '#domain';
import { type Forging, forgedPermit } from '#testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

import { statusesOf } from '../support/expect-valid.ts';
import { LANE, recordWrite, TENANT, World } from '../support/world.ts';
import { KILLS, Trial } from './trial.ts';

const TIMES = KILLS ?? 1;
/** Of the standard bundle's `record.write`. */
const EXECUTOR = 'crm-writer';
/** Unit ms. */
const TIMEOUT_MS = 60_000 + TIMES * 10_000;

let world: World;
beforeAll(async () => {
  world = await World.open([...inject('brokers')], 'stolen');
});
afterAll(() => world.close());

/** Two decisions, and everything that the thief needs to tell one as the other. */
async function forging(): Promise<Forging> {
  const allowed = (await world.receiptOf(await world.propose())).statement;
  const denied = (await world.receiptOf(await world.propose({ ...recordWrite, class: 'unknown' }))).statement;
  expect([allowed.predicate.verdict, denied.predicate.verdict]).toEqual(['ALLOW', 'DENY']);
  const { origin } = denied.predicate;
  const tree = (await world.receipts()).flatMap(({ statement }) =>
    statement.predicate.origin === origin ? [statementBytes(statement)] : [],
  );
  return { tree, allowed, denied, seed: new LogKeys(world.home.config.name, ...world.home.ledgerSeeds()).seed(origin) };
}

/** As the executor that the permit would name: a thief of its key as well, or an executor that believed the receipt. */
async function claimed(decision: string, receipt: string): Promise<string> {
  const seed = world.home.key(executorKey(EXECUTOR, TENANT));
  const head = world.head({ issuer: EXECUTOR, id: randomUUID() });
  const envelope = sealEnvelope({ kind: 'claim.requested', body: { decision, receipt }, head, seed, lane: LANE });
  const place = await world.send(codecs.signedEnvelope.encode(envelope), { topic: 'outcomes' });
  const { kind, statement } = await world.receiptOf(place);
  return `${kind} ${JSON.stringify(statement.predicate['reasons'])}`;
}

it(
  'a denied action that is told as permitted under the log’s own key is not granted to its executor',
  async () => {
    const trial = new Trial('ledger', 'the notary’s key stolen: a denied action told as permitted, and claimed');
    for (let time = 0; time < TIMES; time++) {
      const forged = await forging();
      const { index } = forged.denied.predicate;
      const answer = await claimed(index, forgedPermit(forged));
      trial.tried().saw('claims refused, CLAIM_RECEIPT');
      expect(answer).toBe('claim.refused ["CLAIM_RECEIPT"]');
    }
    await world.stop('gateway');
    const report = await checkLedger(world.home, world.brokers);
    trial.record(report);
    expect(report.status).toBe('valid');
    // It is no fault of the ledger, and it is named.
    expect(report.invariants.find(({ id }) => id === 'I10')?.notes).toContainEqual(expect.stringContaining('the log’s key signed it'));
  },
  TIMEOUT_MS,
);

it('a second history of a log that is published as a tree head is found', async () => {
  const trial = new Trial('ledger', 'the notary’s key stolen: another root published for a size that the log had', { breaksLedger: true });
  const { tree, denied, seed } = await forging();
  const { origin } = denied.predicate;
  const head = { origin, size: BigInt(tree.length), root: new Uint8Array(32).fill(7) };
  const told = { tenant: TENANT, lane: LANE, rangeHashes: [], previous: new Uint8Array(32), successor: null, size: tree.length };
  const value = codecs.treeHead.encode({ ...told, origin, checkpoint: utf8(signCheckpoint(head, seed)) });
  await world.writer.send([{ topic: world.home.topic('checkpoints'), partition: LANE, key: Buffer.from('a thief'), value }]);
  const report = await checkLedger(world.home, world.brokers);
  trial.tried().record(report);
  expect(statusesOf(report)).toMatchObject({ I1: 'holds', I2: 'holds', I4: 'holds', I7: 'holds', I10: 'violated' });
});
