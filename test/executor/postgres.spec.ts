import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Client, type Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { type CheckedReceipt, executorKey, liftFreeze, raiseFreeze, startEmbeddedPostgres, textOf, type EmbeddedPostgres } from '#adapters';
import { type Executor, type Handlers, type Notice, openExecutor, rowsHash } from '#sdk';

import { BROKEN, recordWrite, RUNNING, sandboxDeploy } from '../../examples/executor/actions.ts';
import { type Credentials, openPool, prepareDatabase } from '../../examples/executor/database.ts';
import { crmWriter, deployer } from '../../examples/executor/handlers.ts';
import { unique, until } from '../support/kafka.ts';
import { LANE, LANES, TENANT, World } from '../support/world.ts';
import type { WriterOptions } from './writer.ts';

let world: World;
let database: EmbeddedPostgres;
let credentials: Credentials;
let admin: Client;
let pool: Pool;
let trust: string;
const folder = mkdtempSync(join(tmpdir(), 'countersign-executor-'));
const open: Executor[] = [];

beforeAll(async () => {
  chmodSync(folder, 0o755); // so that a database of root's can reach it
  const [opened, started] = await Promise.all([
    World.open(inject('brokers'), 'executor'),
    startEmbeddedPostgres({ dataDir: join(folder, 'postgres') }),
  ]);
  world = opened;
  database = started;
  credentials = await prepareDatabase(database.url);
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  await admin.query('insert into crm.broken_artifacts values ($1)', [BROKEN]);
  pool = openPool(credentials.executorUrl);
  trust = (await world.get(`/v1/trust/${TENANT}`)).text;
});
afterAll(async () => {
  await Promise.allSettled(open.map((each) => each.close()));
  await Promise.allSettled([pool.end(), admin.end()]);
  await Promise.allSettled([world.close(), database.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly notices: Notice[];
  readonly executor: Executor;
  readonly store: string;
}

async function run(issuer: string, handlers: Handlers, given: { store?: string; from?: 'now' | 'start' } = {}): Promise<Running> {
  const notices: Notice[] = [];
  const { store = join(folder, `${unique(issuer)}.jsonl`), from = 'now' } = given;
  const executor = await openExecutor({
    ...{
      brokers: world.brokers,
      birth: world.home.config.initialised.sha256,
      tenant: TENANT,
      trust,
      lanes: LANES,
      topicPrefix: world.home.config.topicPrefix,
      issuer,
      handlers,
      store,
      from,
    },
    seed: world.home.key(executorKey(issuer, TENANT)),
    onNotice: (notice) => notices.push(notice),
  });
  open.push(executor);
  return { notices, executor, store };
}

const codesOf = ({ notices }: Running, id: string): string[] => notices.filter(({ actionId }) => actionId === id).map(({ code }) => code);
/** What the tenant's log says of an action, in order. */
async function told(id: string): Promise<CheckedReceipt[]> {
  return (await world.receipts(LANE)).filter(({ record, statement }) => record.tenant === TENANT && statement.subject[0].name === id);
}
const kindsOf = (receipts: readonly CheckedReceipt[]): string[] =>
  receipts.map(({ kind, statement: { predicate } }) =>
    kind === 'outcome.recorded' ? `${textOf(predicate, 'outcome')} ${textOf(predicate, 'status')}` : kind,
  );

const rowHash = (tenant: string): Promise<string> =>
  rowsHash((text, values) => admin.query(text, [...values]), "select * from crm.records where tenant = $1 and id = 'c-1029'", [tenant]);
async function phoneOf(tenant: string): Promise<unknown> {
  const { rows } = await admin.query<{ fields: { phone: string } }>('select fields from crm.records where tenant = $1', [tenant]);
  return rows[0]?.fields.phone;
}
async function artifact(): Promise<string | undefined> {
  return (await admin.query<{ artifact: string }>('select artifact from crm.services')).rows[0]?.artifact;
}

describe('an executor on a real table', () => {
  it('writes what was allowed once, and the ledger has the row’s hash before and after, and what undoes it', async () => {
    const writer = await run('crm-writer', crmWriter(pool));
    const before = await rowHash(TENANT);
    const id = unique('write');
    await world.propose(recordWrite(TENANT, '+49 1'), { id });
    await until('the result is on the ledger', async () => kindsOf(await told(id)).includes('result succeeded'));
    const receipts = await told(id);
    expect(kindsOf(receipts)).toEqual(['action.decided', 'claim.granted', 'result succeeded']);
    const recorded = { executor: 'crm-writer', before, after: await rowHash(TENANT), revert: 'snapshot', late: false };
    expect(receipts[2]?.statement.predicate).toMatchObject(recorded);
    expect(await phoneOf(TENANT)).toBe('+49 1');
    await until('it has heard so', () => codesOf(writer, id).includes('RECORDED'));
    await writer.executor.close();
  });

  it('claims nothing for a write aimed at another tenant, whose row and log stay as they are', async () => {
    const writer = await run('crm-writer', crmWriter(pool));
    const before = await rowHash('globex');
    const ofGlobex = async () =>
      (await Promise.all([0, 1].map((lane) => world.receipts(lane)))).flat().filter(({ record }) => record.tenant === 'globex');
    const count = (await ofGlobex()).length;
    const [denied, after] = [unique('foreign'), unique('write')];
    await world.propose(recordWrite('globex', '+49 2'), { id: denied });
    await world.propose(recordWrite(TENANT, '+49 3'), { id: after });
    await until('what came after it is done', () => codesOf(writer, after).includes('RECORDED'));
    const [receipt, ...more] = await told(denied);
    expect(receipt?.statement.predicate).toMatchObject({ verdict: 'DENY', reasons: ['DENY_TENANT_SCOPE'] });
    expect([more, codesOf(writer, denied), await rowHash('globex'), (await ofGlobex()).length]).toEqual([[], [], before, count]);
    await writer.executor.close();
  });

  it('takes the approved way back from a deployment that is not healthy', async () => {
    const deploys = await run('deployer', deployer(pool));
    const id = unique('deploy');
    const body = sandboxDeploy({
      tenant: TENANT,
      birth: world.home.bound().birth,
      ciSeed: world.home.key(`ci-${TENANT}`),
      nowMs: Date.now(),
    });
    await world.propose(body, { id });
    await until('it is rolled back', async () => kindsOf(await told(id)).includes('rollback succeeded'));
    const receipts = await told(id);
    expect(kindsOf(receipts)).toEqual([
      ...['action.decided', 'claim.granted', 'result succeeded', 'healthcheck failed', 'rollback.granted', 'rollback succeeded'],
    ]);
    const [there, back] = [receipts[2], receipts[5]].map((receipt) => receipt?.statement.predicate);
    expect([there?.['before'] === there?.['after'], back?.['before'], back?.['after']]).toEqual([
      false,
      there?.['after'],
      there?.['before'],
    ]);
    expect(await artifact()).toBe(RUNNING);
    await deploys.executor.close();
  });

  it('runs once, whichever of two executors of one issuer is first', async () => {
    const both = await Promise.all([run('crm-writer', crmWriter(pool)), run('crm-writer', crmWriter(pool))]);
    const id = unique('write');
    await world.propose(recordWrite(TENANT, '+49 4'), { id });
    await until('both have their answer', () =>
      both.every((each) => ['RECORDED', 'REFUSED'].some((code) => codesOf(each, id).includes(code))),
    );
    expect(both.map((each) => codesOf(each, id).includes('GRANTED')).sort()).toEqual([false, true]);
    expect(both.flatMap(({ notices }) => notices).find(({ code }) => code === 'REFUSED')?.reasons).toEqual(['CLAIM_TAKEN']);
    const { rowCount } = await admin.query(
      'select from crm.applied where claim in (select claim from crm.applied where previous is not null)',
    );
    const granted = (await world.receipts(LANE)).filter(({ kind }) => kind === 'claim.granted').length;
    expect(rowCount).toBe(granted + 1); // and the one way back
    await Promise.all(both.map(({ executor }) => executor.close()));
  });

  it('carries on after a stop where its journal stands, and does nothing twice', async () => {
    const first = await run('crm-writer', crmWriter(pool));
    const [done, later] = [unique('write'), unique('write')];
    await world.propose(recordWrite(TENANT, '+49 5'), { id: done });
    await until('the first is done', () => codesOf(first, done).includes('RECORDED'));
    await first.executor.close();
    await world.propose(recordWrite(TENANT, '+49 6'), { id: later });
    await until('the second is decided', async () => (await told(later)).length > 0);
    const second = await run('crm-writer', crmWriter(pool), { store: first.store });
    await until('the second is done', () => codesOf(second, later).includes('RECORDED'));
    expect([kindsOf(await told(done)), kindsOf(await told(later))]).toEqual(
      Array.from({ length: 2 }, () => ['action.decided', 'claim.granted', 'result succeeded']),
    );
    await second.executor.close();
  });

  it('does not run what is frozen after it was allowed, and runs it once when the freeze is lifted', async () => {
    const id = unique('write');
    await world.propose(recordWrite(TENANT, '+49 7'), { id });
    await until('it is allowed', async () => (await told(id)).length > 0);
    const raised = raiseFreeze(world.home, {
      level: 'freeze',
      scope: { kind: 'tenant', value: TENANT },
      why: 'audit',
      by: 'ana',
      id: unique('freeze'),
    });
    await world.control(...raised);
    const late = await run('crm-writer', crmWriter(pool), { from: 'start' });
    await until('it is held', () => codesOf(late, id).includes('HELD'));
    expect(late.notices.find(({ actionId, code }) => actionId === id && code === 'HELD')?.reasons).toEqual(['CLAIM_FROZEN']);
    expect([[...new Set(kindsOf(await told(id)))], await phoneOf(TENANT)]).toEqual([['action.decided', 'claim.refused'], '+49 6']);
    await world.control(...liftFreeze(world.home, raised[0]?.id ?? '', { by: 'ben', why: 'done' }));
    await until('its result is on the ledger', async () => kindsOf(await told(id)).includes('result succeeded'));
    const kinds = kindsOf(await told(id));
    expect([kinds.slice(-2), kinds.filter((kind) => kind === 'claim.granted').length]).toEqual([['claim.granted', 'result succeeded'], 1]);
    expect(await phoneOf(TENANT)).toBe('+49 7');
    await late.executor.close();
  });
});

describe('an executor that is killed in the middle of its effect', () => {
  const processes: ChildProcess[] = [];
  afterAll(() => {
    for (const each of processes) each.kill('SIGKILL');
  });

  async function start(store: string, { standsStill, idempotent }: { standsStill: boolean; idempotent: boolean }) {
    const { topicPrefix } = world.home.config;
    const seed = Buffer.from(world.home.key(executorKey('crm-writer', TENANT))).toString('hex');
    const given = {
      brokers: world.brokers,
      birth: world.home.config.initialised.sha256,
      tenant: TENANT,
      trust,
      lanes: LANES,
      topicPrefix,
      seed,
      store,
      url: credentials.executorUrl,
    };
    const options: WriterOptions = { ...given, standsStill, idempotent };
    const env = { PATH: process.env['PATH'], WRITER: JSON.stringify(options) };
    const child = spawn(process.execPath, ['--import', './scripts/register.mjs', 'test/executor/writer.ts'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    processes.push(child);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const says = (line: string) => until(`it says ${line}`, () => lines.includes(line));
    await says('up');
    const kill = async (): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    return { says, kill, lines };
  }
  const timesApplied = async (id: string): Promise<number | null> => {
    const claims = (await told(id))
      .filter(({ kind }) => kind === 'claim.granted')
      .map(({ statement }) => textOf(statement.predicate, 'claim'));
    return (await admin.query('select from crm.applied where claim = any($1)', [claims])).rowCount;
  };

  it('runs it again where that is harmless: one effect, one result', async () => {
    const store = join(folder, 'killed-1.jsonl');
    const first = await start(store, { standsStill: true, idempotent: true });
    const before = await rowHash(TENANT);
    const id = unique('write');
    await world.propose(recordWrite(TENANT, '+49 8'), { id });
    await first.says('stands still');
    await first.kill();
    const second = await start(store, { standsStill: false, idempotent: true });
    await second.says(`RECORDED ${id}`);
    await second.kill();
    const receipts = await told(id);
    expect([kindsOf(receipts), await timesApplied(id)]).toEqual([['action.decided', 'claim.granted', 'result succeeded'], 1]);
    expect(receipts[2]?.statement.predicate).toMatchObject({ before, after: await rowHash(TENANT) });
  });

  it('never runs it again otherwise, and reports nothing', async () => {
    const store = join(folder, 'killed-2.jsonl');
    const first = await start(store, { standsStill: true, idempotent: false });
    const [id, later] = [unique('write'), unique('write')];
    await world.propose(recordWrite(TENANT, '+49 9'), { id });
    await first.says('stands still');
    await first.kill();
    const second = await start(store, { standsStill: false, idempotent: false });
    await second.says(`INTERRUPTED ${id}`);
    await world.propose(recordWrite(TENANT, '+49 10'), { id: later });
    await second.says(`RECORDED ${later}`);
    await second.kill();
    expect([kindsOf(await told(id)), await timesApplied(id)]).toEqual([['action.decided', 'claim.granted'], 1]);
  });
});

describe('the credential', () => {
  const as = async (url: string, statement: string): Promise<unknown> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(statement)).rowCount;
    } finally {
      await client.end();
    }
  };

  it.each([
    'select * from crm.records',
    "update crm.records set fields = '{}'",
    'delete from crm.records',
    'set role countersign_executor',
    'grant all on crm.records to public',
  ])('of an agent is refused by the database: %s', async (statement) => {
    await expect(as(credentials.agentUrl, statement)).rejects.toMatchObject({ code: '42501' });
  });

  it('of the executor is what the writes above were made with, and it reaches nothing more than it was granted', async () => {
    expect(await as(credentials.executorUrl, "select from crm.records where tenant = 'acme'")).toBe(1);
    await expect(as(credentials.executorUrl, 'delete from crm.records')).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the ledger afterwards', () => {
  it('is valid from genesis', () => world.expectValid());
});
