/**
 * Records that wait: the lane's services start while so many signed proposals are behind. How fast they are decided, when a stop and the
 * revocation of a token that are sent meanwhile take effect, what a gateway answers that is behind, and how long one takes to start afterwards.
 * node --import ./scripts/register.mjs bench/behind.ts [--records 1000000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import {
  chooseBroker,
  issueToken,
  LaneReader,
  PlainWriter,
  publishControls,
  raiseFreeze,
  readToEnd,
  repositoryRoot,
  revokeToken,
} from '#adapters';

import { startLedger } from './ledger.ts';
import { memoryOf, startWorker, type Worker } from './process.ts';

const { values } = parseArgs({ options: { records: { type: 'string', default: '1000000' } } });
const RECORDS = Number(values.records);
/** Signed and sent at a time. */
const CHUNK = 10_000;
const PART = 500;
/** Unit ms. Longer than facts may be stale. */
const PAUSED_MS = 20_000;
const TENANT = 'acme';
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const folder = mkdtempSync(join(tmpdir(), 'countersign-behind-'));
const broker = await chooseBroker({
  ...{ env: process.env, dataDir: join(folder, 'kafka'), root: repositoryRoot(), runsLong: true },
  log: () => undefined,
});
const brokers = [...broker.brokers];
const ledger = await startLedger(brokers);
const { home } = ledger;
const writer = PlainWriter.open({ brokers, clientId: 'bench-behind' });
const reader = await LaneReader.open({ brokers, clientId: 'bench-behind' });
const drawToken = () => issueToken(home, { tenant: TENANT, roles: ['read'], validUntilMs: Date.now() + 86_400_000 });
const [token, second] = [drawToken(), drawToken()];
const controlsFrom = await endOf('ledger');
await publishControls(home, writer, [token.envelope, second.envelope]);
while ((await endOf('ledger')) < controlsFrom + 2n) await delay(50);
for (const worker of ledger.workers) await worker.stop();

const before = await endOf('ledger');
for (let sent = 0; sent < RECORDS; sent += CHUNK) {
  const samples = ledger.proposals(Math.min(CHUNK, RECORDS - sent));
  for (let at = 0; at < samples.length; at += PART) await writer.send(samples.slice(at, at + PART).map(({ record }) => record));
  if ((sent / CHUNK) % 10 === 0) say(`${sent + samples.length} of ${RECORDS} sent`);
}
const env = { COUNTERSIGN_DATA: home.folder, KAFKA_BROKERS: brokers.join(','), PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'info' };
const isOwner = (line: string): boolean => line.includes('lane taken over');
const startGateway = (): Promise<Worker> =>
  startWorker('gateway', 'apps/gateway/src/main.ts', { env, isReady: (line) => line.includes('"msg":"up"') });
const gateway = await startGateway();
say('the gateway starts');
await untilAnswered(gateway, 200);
say('decider and notary start');
const startedMs = performance.now();
const decider = await startWorker('decider', 'apps/decider/src/main.ts', { env, isReady: isOwner });
const notary = await startWorker('notary', 'apps/notary/src/main.ts', { env, isReady: isOwner });
const ownedMs = performance.now() - startedMs;

await untilLedger(before + BigInt(Math.round(RECORDS / 4)));
say('a stop and a revocation are sent');
const told: Record<string, number> = {};
const stopMs = await effectOf('freeze.raised', () => {
  const stop = { level: 'stop', scope: { kind: 'agent', value: 'nobody' }, why: 'bench', by: 'bench' } as const;
  return raiseFreeze(home, stop);
});
const revokedAt = performance.now();
const revokeMs = await effectOf('token.revoked', () => [revokeToken(home, TENANT, token.tokenId)]);
const answers: string[] = [];
while ((answers.at(-1) ?? '200').startsWith('200')) {
  answers.push(await statusOf(gateway, token.bearer));
  await delay(20);
}
const refusedMs = performance.now() - revokedAt;
// A gateway that stands still while the ledger goes on, and while another token is revoked.
process.kill(gateway.pid, 'SIGSTOP');
await effectOf('token.revoked', () => [revokeToken(home, TENANT, second.tokenId)]);
await delay(PAUSED_MS);
process.kill(gateway.pid, 'SIGCONT');
const afterPause: Record<string, number> = {};
const pausedMs = await timed(async () => {
  for (let status = ''; !status.startsWith('401');) {
    status = await statusOf(gateway, second.bearer);
    afterPause[status] = (afterPause[status] ?? 0) + 1;
    await delay(20);
  }
});
for (let left = 1n; left > 0n;) {
  const status = await statusOf(gateway);
  told[status] = (told[status] ?? 0) + 1;
  left = before + BigInt(RECORDS) - (await endOf('ledger'));
  say(`${left} to go, gateway ${status}, decider ${memoryOf(decider.pid).now} MiB`);
  await delay(2000);
}
const drainedMs = performance.now() - startedMs - ownedMs;
const peak = [decider, notary, gateway].map(({ name, pid }) => `${name} ${memoryOf(pid).peak}`);
const freshMs = await timed(() => untilAnswered(gateway, 200));
const revoked = await statusOf(gateway, token.bearer);
await gateway.stop();
const again = await startGateway();
const restartMs = await timed(() => untilAnswered(again, 200));

console.log(`| ${RECORDS.toLocaleString('en')} proposals wait for decider and notary | |`);
console.log('| - | -: |');
console.log(`| both have taken the lane over after | ${seconds(ownedMs)} |`);
console.log(`| all of it is decided after | ${seconds(drainedMs)} (${Math.round((RECORDS * 1000) / drainedMs).toLocaleString('en')}/s) |`);
console.log(`| a stop that is sent meanwhile is on the ledger after | ${seconds(stopMs)} |`);
console.log(`| the revocation of a token that is sent meanwhile is on the ledger after | ${seconds(revokeMs)} |`);
console.log(`| and the gateway refuses that token after (${answers.at(-1) ?? ''}) | ${seconds(refusedMs)} |`);
console.log(`| a gateway that stood still for ${seconds(PAUSED_MS)} knows of another revocation after | ${seconds(pausedMs)} |`);
console.log(`| what it answered to that token until then | ${JSON.stringify(afterPause).replaceAll('"', '')} |`);
console.log(`| answers of the gateway to another token of the tenant meanwhile | ${JSON.stringify(told).replaceAll('"', '')} |`);
console.log(`| the gateway is fresh again, behind the last of it, after | ${seconds(freshMs)}, and refuses the token (${revoked}) |`);
console.log(`| a gateway that starts then answers after | ${seconds(restartMs)} |`);
console.log(`| most memory, MiB | ${peak.join(', ')} |`);

await Promise.allSettled([again, decider, notary].map((worker) => worker.stop()));
await Promise.allSettled([reader.close(), writer.close()]);
await broker.stop();
rmSync(folder, { recursive: true, force: true });

async function endOf(topic: string): Promise<bigint> {
  const [ends] = await reader.endOffsets([{ topic: home.topic(topic), partition: 0 }]);
  return ends?.lastStable ?? 0n;
}

async function untilLedger(end: bigint): Promise<void> {
  while ((await endOf('ledger')) < end) await delay(200);
}

/** Until an entry of the kind is on the ledger, from `from` on: told by the records' headers. */
async function ledgerHas(kind: string, from: bigint): Promise<void> {
  let position = from;
  const found: bigint[] = [];
  while (found.length === 0) {
    position = await readToEnd(
      reader,
      { topic: home.topic('ledger'), partition: 0, from: position },
      ({ offset, headers }) => {
        if (Object.values(headers).some((value) => value.includes(kind))) found.push(offset);
      },
      new AbortController().signal,
    );
  }
}

async function effectOf(kind: string, controls: () => Parameters<typeof publishControls>[2]): Promise<number> {
  const from = await endOf('ledger');
  return timed(async () => {
    await publishControls(home, writer, controls());
    await ledgerHas(kind, from);
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  await work();
  return performance.now() - fromMs;
}

async function statusOf({ readyLine }: Worker, bearer = home.token(TENANT) ?? ''): Promise<string> {
  const port = Number(/"port":(\d+)/.exec(readyLine)?.[1] ?? 0);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/trust/${TENANT}`, { headers: { authorization: `Bearer ${bearer}` } });
  if (answer.ok) {
    await answer.text();
    return String(answer.status);
  }
  return `${answer.status} ${((await answer.json()) as { code?: string }).code ?? ''}`;
}

async function untilAnswered(worker: Worker, status: number): Promise<void> {
  while (!(await statusOf(worker)).startsWith(String(status))) await delay(50);
}
