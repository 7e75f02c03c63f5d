/**
 * What does not grow with a ledger: a gateway's start, look-ups and controls of the CLI, on generated ledgers of these lengths. No decider
 * and no notary run: a control is timed until Kafka has it.
 * node --import ./scripts/register.mjs bench/seek.ts [--entries 10000,1000000]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import {
  chooseBroker,
  type Home,
  type KafkaRecord,
  LaneReader,
  openOrCreateHome,
  PlainWriter,
  prepareLedger,
  repositoryRoot,
} from '#adapters';
import { AttestedLane } from '#testing';

import { memoryOf, startWorker } from './process.ts';

const { values } = parseArgs({ options: { entries: { type: 'string', default: '10000,1000000' } } });
const LENGTHS = values.entries.split(',').map(Number);
/** Generated at a time. */
const CHUNK = 10_000;
/** Sent at a time. */
const PART = 500;
const TENANT = 'acme';
const root = repositoryRoot();
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'countersign-seek-'));
const broker = await chooseBroker({
  ...{ env: process.env, dataDir: join(folder, 'kafka'), root, runsLong: true },
  log: () => undefined,
});
const brokers = [...broker.brokers];
const writer = PlainWriter.open({ brokers, clientId: 'bench-seek' });
const reader = await LaneReader.open({ brokers, clientId: 'bench-seek' });
const rows = new Map<string, string[]>();
const row = (name: string, text: string): void => void rows.set(name, [...(rows.get(name) ?? []), text]);

for (const [at, entries] of LENGTHS.entries()) {
  const { home } = openOrCreateHome(join(folder, `ledger-${at}`), { name: `seek-${at}.local`, lanes: 1, topicPrefix: `seek-${at}.` });
  await prepareLedger(home, brokers);
  await generate(home, entries);
  await gatewayStarts(home, 'first');
  await gatewayStarts(home, 'next');
  const out = join(folder, `out-${at}`);
  for (const index of [5, Math.floor(entries / 2), entries - 1]) {
    const { ms, mebibytes } = await command(home, ['export', 'receipt', '--tenant', TENANT, '--index', String(index), '--out', out]);
    row(`export receipt, ${nameOf(index, entries)}`, `${seconds(ms)}, ${mebibytes} MiB`);
  }
  row('token revoke, until Kafka has it', seconds(await untilPublished(home, ['token', 'revoke', 'token-1', '--tenant', TENANT])));
}

console.log(`| | ${LENGTHS.map((entries) => `${entries.toLocaleString('en')} entries`).join(' | ')} |`);
console.log(`| - | ${LENGTHS.map(() => '-: |').join(' ')}`);
for (const [name, cells] of rows) console.log(`| ${name} | ${cells.join(' | ')} |`);

await Promise.allSettled([reader.close(), writer.close()]);
await broker.stop();
rmSync(folder, { recursive: true, force: true });

/** As a decider and a notary would have written it; nothing on it was decided. */
async function generate(home: Home, entries: number): Promise<void> {
  const lane = new AttestedLane({ birth: home.birth(), ledgerSeed: home.key('ledger'), deciderSeed: home.key('decider') }, [TENANT]);
  for (let made = 0; made < entries; made += CHUNK) {
    lane.fill(TENANT, Math.min(CHUNK, entries - made), made);
    const { ledger, receipts } = lane.drain();
    await send(home, 'ledger', ledger);
    await send(home, 'receipts', receipts);
    if (made % (10 * CHUNK) === 0) say(`${made} of ${entries} generated`);
  }
}

async function send(home: Home, topic: string, records: readonly KafkaRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += PART) {
    const part = records.slice(at, at + PART).map(({ key, value }) => ({ topic: home.topic(topic), partition: 0, key, value }));
    await writer.send(part);
  }
}

async function gatewayStarts(home: Home, which: 'first' | 'next'): Promise<void> {
  const env = { COUNTERSIGN_DATA: home.folder, KAFKA_BROKERS: brokers.join(','), PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'info' };
  const fromMs = performance.now();
  const gateway = await startWorker('gateway', 'apps/gateway/src/main.ts', { env, isReady: (line) => line.includes('index caught up') });
  row(`gateway, ${which} start until it is ready`, `${seconds(performance.now() - fromMs)}, ${memoryOf(gateway.pid).peak} MiB`);
  await gateway.stop();
}

interface Ran {
  readonly ms: number;
  /** Most that it had. */
  readonly mebibytes: number;
}

function cli(home: Home, args: readonly string[]) {
  const where = ['--data', home.folder, '--brokers', brokers.join(',')];
  const entry = ['--import', './scripts/register.mjs', 'apps/cli/src/main.ts'];
  return spawn(process.execPath, [...entry, ...args, ...where], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function command(home: Home, args: readonly string[]): Promise<Ran> {
  const fromMs = performance.now();
  const child = cli(home, args);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let [mebibytes, code] = [0, undefined as number | null | undefined];
  void ended.then((ends) => {
    code = ends;
  });
  while (code === undefined) {
    mebibytes = Math.max(mebibytes, memoryOf(child.pid ?? 0).peak);
    await delay(5);
  }
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}`);
  return { ms: performance.now() - fromMs, mebibytes };
}

async function untilPublished(home: Home, args: readonly string[]): Promise<number> {
  const place = { topic: home.topic('controls'), partition: 0 };
  const end = async (): Promise<bigint> => (await reader.endOffsets([place]))[0]?.highWatermark ?? 0n;
  const before = await end();
  const fromMs = performance.now();
  const child = cli(home, args);
  while ((await end()) === before) await delay(5);
  const ms = performance.now() - fromMs;
  child.kill();
  return ms;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function nameOf(index: number, entries: number): string {
  if (index === 5) return 'index 5';
  return index === entries - 1 ? 'the last but one' : 'in the middle';
}
