/** A party with two keys, as docs/sdk.md shows: what the first one claimed, the second settles. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { activateBundle, codecs, textOf } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { base64, fromBase64, fromUtf8, ISSUER_KEYS_MAX, type Json, sealEnvelope } from '#domain';

import { until } from '../support/kafka.ts';
import { LANE, recordWrite, standardBundle, TENANT, World } from '../support/world.ts';
import { blocksOf, runScript } from './documents.ts';
import type { Ended } from './run.ts';

const [keys, settle] = blocksOf('docs/sdk.md').map(({ script }) => script);
const ACTION = 'restock-7';
const HASH = 'a'.repeat(64);
let world: World;
let work: string;
const run = (script: string): Promise<Ended> =>
  runScript(script, work, { COUNTERSIGN_DATA: world.home.folder, KAFKA_BROKERS: world.brokers.join(',') });
const seedOf = (name: string): Uint8Array => fromBase64(readFileSync(join(work, `${name}.key`), 'utf8'));

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'countersign-outcome-'));
  world = await World.open(inject('brokers'), 'outcome');
  const standard = standardBundle();
  const classes = standard['classes'] as Readonly<Record<string, Readonly<Record<string, Json>>>>;
  const write = { ...classes['record.write'], executors: ['stock-writer'], resultWithinSeconds: 1 };
  await world.control(...activateBundle(world.home, { ...standard, classes: { ...classes, 'record.write': write } }));
});
afterAll(async () => {
  await world.close();
  rmSync(work, { recursive: true });
});

describe('countersign issuer add', () => {
  const drawn = Array.from({ length: ISSUER_KEYS_MAX + 1 }, (_, at) => base64(ed25519PublicKey(new Uint8Array(32).fill(at + 1))));
  const add = (id: string, publicKeys: readonly string[]): Promise<Ended> =>
    run(
      `npx countersign issuer add ${id} --tenant ${TENANT} --type executor --json ${publicKeys.map((key) => `--public-key ${key}`).join(' ')}`,
    );

  it('takes up to as many keys as the ledger keeps', async () => {
    const { code, stdout } = await add('eight', drawn.slice(0, ISSUER_KEYS_MAX));
    expect([code, (JSON.parse(stdout) as { keyids: string[] }).keyids.length]).toEqual([0, ISSUER_KEYS_MAX]);
  });

  it('refuses one more, and says how many', async () => {
    const { code, stderr } = await add('nine', drawn);
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected at most 8 keys, got 9')]);
  });

  it('refuses a key that is there twice, and says which', async () => {
    const [key = ''] = drawn;
    const { code, stderr } = await add('twice', [...drawn.slice(0, 2), key]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`expected each key once, got ${key} twice`)]);
  });
});

describe('countersign outcome', () => {
  const outcome = (given = '', key = 'spare.key', action = ACTION): Promise<Ended> =>
    run(`npx countersign outcome ${action} --tenant ${TENANT} --json --key ${key} ${given}`);

  it('finds nothing before the claim', async () => {
    expect((await run(keys ?? '')).stdout).toMatch(/^issuer stock-writer of acme \(executor\): keys [0-9a-f]{32}, [0-9a-f]{32}\n$/);
    expect(statSync(join(work, 'spare.key')).mode & 0o777).toBe(0o600);
    const { code, stderr } = await outcome('--status failed');
    expect([code, stderr]).toEqual([1, expect.stringContaining('nothing is open')]);
  });

  it('is refused with a key that the executor was not registered with, and a success without the hashes that are owed', async () => {
    const { record } = await world.receiptOf(await world.propose(recordWrite, { id: ACTION }));
    const body = { decision: String(record.leafIndex), receipt: fromUtf8(record.proof) };
    const head = world.head({ issuer: 'stock-writer', id: 'claim-1' });
    const claim = sealEnvelope({ kind: 'claim.requested', body, head, seed: seedOf('first'), lane: LANE });
    const granted = await world.receiptOf(await world.send(codecs.signedEnvelope.encode(claim), { topic: 'outcomes' }));
    expect(granted.kind).toBe('claim.granted');
    await until('it is uncertain', async () => (await world.receipts()).some(({ kind }) => kind === 'effect.uncertain'));

    writeFileSync(join(work, 'other.key'), base64(new Uint8Array(32).fill(9)));
    const stranger = await outcome('--status failed', 'other.key');
    expect([stranger.code, JSON.parse(stranger.stdout)]).toMatchObject([1, { code: 'REFUSED_ISSUER', tree: `_system.${LANE}` }]);
    const bare = await outcome('--status succeeded');
    expect([bare.code, JSON.parse(bare.stdout)]).toMatchObject([1, { code: 'REFUSED_BODY', detail: 'state-hash', tree: TENANT }]);
  });

  it.each([
    ['another status', '--status done'],
    ['no hash', `--status succeeded --before ${HASH} --after ${HASH.slice(1)}`],
    ['no time', '--status failed --wait soon'],
  ])('sends nothing with %s', async (_what, given) => {
    expect(await outcome(given)).toMatchObject({ code: 2, stdout: '' });
  });

  it('settles with the second key what nobody knew, as the document says', async () => {
    const { code, stdout } = await run((settle ?? '').split('||')[0] ?? '');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/UNCERTAIN since .*result failed, late: nothing more is owed\nreceipt of acme/s),
    ]);
    const recorded = (await world.receipts()).find(({ kind }) => kind === 'outcome.recorded');
    expect(recorded && textOf(recorded.statement.predicate, 'executor')).toBe('stock-writer');
    expect((await run(`npx countersign effects --tenant ${TENANT} --json`)).stdout).toBe('[]\n');
    expect((await run(settle ?? '')).code).toBe(0); // the document's own answer to an effect that is over
  });
});

describe('countersign close-effect', () => {
  const close = (action: string, more = ''): Promise<Ended> =>
    run(`npx countersign close-effect ${action} ${more} --tenant ${TENANT} --by ana --why 'looked at the database' --json`);

  it('closes what is uncertain, once, and nothing else', async () => {
    expect(await close('unknown')).toMatchObject({ code: 1, stderr: expect.stringContaining('has no open effect') as string });
    const { record } = await world.receiptOf(await world.propose(recordWrite, { id: 'restock-8' }));
    const body = { decision: String(record.leafIndex), receipt: fromUtf8(record.proof) };
    const head = world.head({ issuer: 'stock-writer', id: 'claim-2' });
    const claim = sealEnvelope({ kind: 'claim.requested', body, head, seed: seedOf('spare'), lane: LANE });
    await world.send(codecs.signedEnvelope.encode(claim), { topic: 'outcomes' });
    const isUncertain = async () => (await world.receipts()).filter(({ kind }) => kind === 'effect.uncertain').length === 2;
    await until('it is uncertain', isUncertain);
    const at = `--index ${record.leafIndex}`;
    expect(await close('restock-7', at)).toMatchObject({ code: 1, stderr: expect.stringContaining('no decision about action') as string });
    const { code, stdout } = await close('restock-8', at);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { action: 'restock-8', executor: 'stock-writer', by: 'ana' }]);
    expect((await run(`npx countersign effects --tenant ${TENANT} --json`)).stdout).toBe('[]\n');
    expect((await close('restock-8')).code).toBe(1);
    expect(await close('restock-8', at)).toMatchObject({ code: 1, stderr: expect.stringContaining('not-uncertain') as string });
  });
});

it('leaves a ledger that the checker finds valid', () => world.expectValid());
