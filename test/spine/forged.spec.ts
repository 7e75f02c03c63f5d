import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { checkLedger, wire } from '#adapters';
import { sha256 } from '#crypto';
import { admitEntry, buildBatch, emptyHeads, hex, leafHash, makeStatement, SealedBatches, statementBytes } from '#domain';

import { Trial } from '../faults/trial.ts';
import { watchAlarms } from '../support/alarms.ts';
import { statusesOf } from '../support/expect-valid.ts';
import { until } from '../support/kafka.ts';
import { acknowledgementOf, LANE, LANES, type Place, told, World } from '../support/world.ts';

/** acme's lane gets a byte copy, the other one a flawless record that a stranger sealed. */
const CODE = { [LANE]: 'SEQUENCE', [1 - LANE]: 'SEAL' } as const;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);
let world: World;
let attested: number[];
const acked: Place[] = [];
const alarms = watchAlarms();

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'forged');
  acked.push(await world.propose());
  for (const place of acked) expect(told(await world.receiptOf(place))).toBe('ALLOW ALLOW_POLICY');
  attested = await Promise.all(lanes.map(async (lane) => (await world.receipts(lane)).length));
});
afterAll(() => world.close());

const append = async (lane: number, value: Uint8Array): Promise<void> => {
  await world.writer.send([{ topic: world.home.topic('ledger'), partition: lane, key: null, value: Buffer.from(value) }]);
};

/** The next record of the lane, right in everything but who seals it. */
async function strangersRecord(lane: number): Promise<Uint8Array> {
  const birth = world.home.birth();
  const heads = emptyHeads(birth, lane);
  const batches = new SealedBatches(heads, wire);
  const last = (await world.read('ledger', lane)).flatMap(({ value }) => batches.push(value)?.entries ?? []).at(-1);
  if (!last) throw new Error('an empty lane');
  const { tenant, actionId, inputForm, input } = last.record;
  const index = String(heads.trees.get(tenant)?.range.size);
  const { predicate, subject } = last.statement;
  const next = { ...predicate, index, previous: hex(sha256(last.record.entry)) };
  const statement = makeStatement(last.kind, subject[0].name, next, subject[0].digest.sha256);
  const bytes = statementBytes(statement);
  admitEntry(heads, tenant, last.kind, statement, bytes, leafHash(bytes));
  const entry = { tenant, kind: last.kind, statement, bytes, actionId, inputForm, source: last.source };
  const { values } = buildBatch(heads, [{ entry, inputForm, input }], randomBytes(32), wire);
  return values[0] ?? new Uint8Array();
}

async function doctor(): Promise<{ exitCode: number; findings: { check: string; ok: boolean; detail: string }[] }> {
  const root = join(import.meta.dirname, '..', '..');
  const script = [join(root, 'scripts', 'register.mjs'), join(root, 'apps', 'cli', 'src', 'main.ts')];
  const args = [
    '--import',
    script[0] ?? '',
    script[1] ?? '',
    'doctor',
    '--json',
    '--data',
    world.home.folder,
    '--brokers',
    world.brokers.join(','),
  ];
  const { code, stdout } = await promisify(execFile)(process.execPath, args).then(
    (done) => ({ ...done, code: 0 }),
    (error: unknown) => error as { code: number; stdout: string },
  );
  return { exitCode: code, findings: (JSON.parse(stdout) as { findings: { check: string; ok: boolean; detail: string }[] }).findings };
}

describe('before', () => {
  it('doctor finds nothing wrong', async () => {
    const { exitCode, findings } = await doctor();
    expect([exitCode, findings.filter(({ ok }) => !ok)]).toEqual([0, []]);
  });

  it('no service has raised an alarm', () => {
    expect(alarms).toEqual([]);
  });
});

describe('a record that no decider of this ledger wrote', () => {
  beforeAll(async () => {
    const copy = (await world.read('ledger')).at(-1)?.value;
    await append(LANE, copy ?? new Uint8Array());
    await append(1 - LANE, await strangersRecord(1 - LANE));
  });

  it.each(['notary', 'gateway'] as const)('halts the %s on its lane, and readiness says why', async (name) => {
    for (const lane of lanes) expect(await world.untilFailed(name, `lane ${lane}`)).toContain(`${CODE[lane] ?? ''}: `);
    const { statusCode, body } =
      name === 'gateway'
        ? await world.gateway.operator.server.inject('/readyz')
        : await world.http(name, '/readyz').then(({ status, text }) => ({ statusCode: status, body: text }));
    expect(statusCode).toBe(503);
    for (const lane of lanes) expect(body).toContain(CODE[lane]);
  });

  it('is not attested, nor is what a decider writes behind it', async () => {
    const before = (await world.read('ledger')).length;
    acked.push(await world.propose());
    await until('the running decider has answered', async () => (await world.read('ledger')).length > before);
    for (const lane of lanes) expect((await world.receipts(lane)).length).toBe(attested[lane]);
  });

  it.each(['decider', 'notary', 'gateway'] as const)('halts a %s that starts anew: once, not over and over', async (name) => {
    await world.restart(name);
    for (const lane of lanes) expect(await world.untilFailed(name, `lane ${lane}`)).toContain(`${CODE[lane] ?? ''}: `);
    if (name === 'gateway') return;
    const { text } = await world.http(name, '/metrics');
    expect(text).toMatch(/countersign_lane_failures_total\{outcome="halted",app="\w+"\} 2/);
    expect(text).not.toMatch(/outcome="again"/);
    for (const lane of lanes) expect((await world.receipts(lane)).length).toBe(attested[lane]);
  });

  it('takes no proposal over HTTP any more', async () => {
    const headers = { authorization: `Bearer ${world.home.token('acme') ?? ''}`, 'content-type': 'application/json' };
    const { statusCode, body } = await world.gateway.server.inject({ method: 'POST', url: '/v1/actions', headers, payload: '{}' });
    expect([statusCode, (JSON.parse(body) as { code: string }).code]).toEqual([503, 'LANE_HALTED']);
  });

  it('is named by doctor, with the way out', async () => {
    const { exitCode, findings } = await doctor();
    expect(exitCode).toBe(1);
    for (const lane of lanes) {
      const found = findings.find(({ check }) => check === `lane ${lane}`);
      expect(found?.ok).toBe(false);
      expect(found?.detail).toMatch(new RegExp(`${CODE[lane] ?? ''}.*ledger/${lane} offset \\d+.*countersign recover --lane ${lane}`));
    }
  });

  it('raises an alarm of every service on every lane', () => {
    const raised = alarms.map((line) => `${String(line['name'])} ${String(line['lane'])}`);
    expect(new Set(raised)).toEqual(new Set(['decider', 'notary', 'gateway'].flatMap((name) => lanes.map((lane) => `${name} ${lane}`))));
  });

  it('makes the ledger invalid', async () => {
    const report = await checkLedger(world.home, world.brokers, { acks: acked.map(acknowledgementOf) });
    const trial = new Trial('ledger', 'a record forged: a copy, and one with a stranger’s seal', { breaksLedger: true });
    trial.tried(lanes.length).saw('lane halted: decider, notary and gateway, each with an alarm', lanes.length).record(report);
    expect(report.status).toBe('invalid');
    const untold = { I3: 'unknown', I4: 'unknown', I5: 'unknown', I6: 'unknown', I7: 'unknown', I10: 'unknown', I11: 'unknown' };
    expect(statusesOf(report)).toMatchObject({ I1: 'violated', I2: 'violated', ...untold });
  });
});
