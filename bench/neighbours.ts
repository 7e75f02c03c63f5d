/**
 * What one tenant at full flood does to another of its lane: the other's time from a proposal over HTTP to its verdict, quiet, and in each
 * flood. node --import ./scripts/register.mjs bench/neighbours.ts [--rounds 3] [--seconds 15] [--rate 10] [--tenant-rate 300]
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';

import { chooseBroker, DEMO_ACTORS, loadBundleFolder, openOrCreateHome, populateLedger, prepareLedger, repositoryRoot } from '#adapters';

import { javaCommand, kafkaJars } from '../libs/adapters/src/broker/jars.ts';
import type { FloodOptions } from './flood.ts';
import { startWorker, type Worker } from './process.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    rate: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    'tenant-rate': { type: 'string', default: '' },
  },
});
const SECONDS = Number(values.seconds);
const RATE = Number(values.rate);
const ROUNDS = Number(values.rounds);
/** Some 150 proposals of this size a second. */
const QUOTA_BYTES = 256 * 1024;
const [GREEDY, QUIET] = ['acme', 'globex'] as const;

const folder = mkdtempSync(join(tmpdir(), 'countersign-neighbours-'));
const broker = await chooseBroker({ env: process.env, dataDir: join(folder, 'kafka'), root: repositoryRoot(), log: () => undefined });
const brokers = [...broker.brokers];
const { home } = openOrCreateHome(join(folder, 'data'), { name: 'neighbours.local', lanes: 1 });
await prepareLedger(home, brokers);
const env = {
  ...{ COUNTERSIGN_DATA: join(folder, 'data'), KAFKA_BROKERS: brokers.join(','), PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'info' },
  ...(values['tenant-rate'] === '' ? {} : { COUNTERSIGN_TENANT_RATE: values['tenant-rate'] }),
};
const owns = (line: string): boolean => line.includes('lane taken over');
const workers: Worker[] = [];
for (const name of ['notary', 'decider'] as const)
  workers.push(await startWorker(name, `apps/${name}/src/main.ts`, { env, isReady: owns }));
await populateLedger(home, brokers, {
  ...{ tenants: [GREEDY, QUIET], actors: DEMO_ACTORS, withinMs: 60_000, onProgress: () => undefined },
  bundle: loadBundleFolder(join(repositoryRoot(), 'policies/standard')),
});
const gateway = await startWorker('gateway', 'apps/gateway/src/main.ts', { env, isReady: (line) => line.includes('"msg":"up"') });
workers.push(gateway);
const port = Number(/"port":(\d+)/.exec(gateway.readyLine)?.[1] ?? 0);
const bearerOf = (tenant: string): string => `Bearer ${home.token(tenant) ?? ''}`;
const isReady = async (): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/v1/trust/${QUIET}`, { headers: { authorization: bearerOf(QUIET) } })).status === 200;
while (!(await isReady())) await delay(200);

const bodyOf = (tenant: string): object => ({
  actor: { kind: 'agent', id: 'support-assistant', actingFor: 'ben' },
  ...{ class: 'record.write', connector: 'crm', operation: 'update-record', resource: { type: 'record', id: 'customer' } },
  parameters: { tenantId: tenant, recordType: 'customer', recordId: 'c-1029', fields: { phone: '+49 30 5550100' } },
});

interface Measured {
  readonly latencies: readonly number[];
  readonly answers: Readonly<Record<string, number>>;
}

/** At a steady rate, each counted from when it should have been sent. */
async function measure(seconds: number): Promise<Measured> {
  const latencies: number[] = [];
  const answers: Record<string, number> = {};
  const startedMs = performance.now();
  const all = Array.from({ length: seconds * RATE }, async (_, at) => {
    const dueMs = startedMs + (at * 1000) / RATE;
    await delay(Math.max(0, dueMs - performance.now()));
    const response = await fetch(`http://127.0.0.1:${port}/v1/actions?wait=60s`, {
      method: 'POST',
      headers: { authorization: bearerOf(QUIET), 'content-type': 'application/json' },
      body: JSON.stringify({ ...bodyOf(QUIET), id: randomUUID() }),
    });
    const answer = (await response.json()) as { verdict?: string; state?: string; code?: string };
    const said = `${response.status} ${answer.verdict ?? answer.state ?? answer.code ?? ''}`;
    answers[said] = (answers[said] ?? 0) + 1;
    latencies.push(performance.now() - dueMs);
  });
  await Promise.all(all);
  return { latencies: latencies.sort((a, b) => a - b), answers };
}
const quantile = (of: readonly number[], part: number): string =>
  `${(of[Math.min(of.length - 1, Math.floor(of.length * part))] ?? 0).toFixed(0)} ms`;

const rows = new Map<string, { latencies: number[]; answers: Record<string, number> }>();
function note(name: string, { latencies, answers }: Measured): void {
  const row = rows.get(name) ?? { latencies: [], answers: {} };
  row.latencies.push(...latencies);
  for (const [said, count] of Object.entries(answers)) row.answers[said] = (row.answers[said] ?? 0) + count;
  rows.set(name, row);
}

async function during(name: string, how: FloodOptions['how'], width: number): Promise<void> {
  const token = home.token(GREEDY) ?? '';
  const options: FloodOptions = { how, width, port, token, tenant: GREEDY, body: bodyOf(GREEDY), folder: join(folder, 'data'), brokers };
  const flood = await startWorker('flood', 'bench/flood.ts', {
    env: { FLOOD: JSON.stringify(options) },
    isReady: (line) => line === 'flooding',
  });
  await delay(3000);
  note(name, await measure(SECONDS));
  await flood.kill();
  await delay(3000);
}

/** Kafka's own bound for a writer, by the name of its client; with an authorizer it is by its principal. */
async function setQuota(bytesPerSecond: number): Promise<void> {
  const classPath = join(await kafkaJars(repositoryRoot(), () => undefined), '*');
  const entity = ['--entity-type', 'clients', '--entity-name', `flood-${GREEDY}`];
  const alter = ['--bootstrap-server', brokers.join(','), '--alter', '--add-config', `producer_byte_rate=${bytesPerSecond}`, ...entity];
  await promisify(execFile)(await javaCommand(), ['-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.admin.ConfigCommand', ...alter]);
}

await setQuota(QUOTA_BYTES);
await measure(10); // warm
for (let round = 0; round < ROUNDS; round++) {
  note('is quiet', await measure(SECONDS));
  await during('floods the gateway with proposals', 'http', 64);
  note('is quiet', await measure(SECONDS));
  await during('floods the gateway with reads', 'reads', 64);
  note('is quiet', await measure(SECONDS));
  await during(`writes to Kafka under a quota of ${QUOTA_BYTES / 1024} KiB/s`, 'kafka', 100);
}
await setQuota(1024 * 1024 * 1024);
await during('writes to Kafka without a quota', 'kafka', 100); // last: what it leaves waiting is decided for long afterwards
console.log(`| ${QUIET} asks ${RATE} times a second while ${GREEDY} … | p50 | p99 | answers |`);
console.log('| - | -: | -: | - |');
for (const [name, { latencies, answers }] of rows) {
  const sorted = latencies.sort((a, b) => a - b);
  const told = Object.entries(answers).map(([said, count]) => `${count} × ${said}`);
  console.log(`| ${name} | ${quantile(sorted, 0.5)} | ${quantile(sorted, 0.99)} | ${told.join(', ')} |`);
}
for (const worker of workers.reverse()) await worker.stop();
await broker.stop();
