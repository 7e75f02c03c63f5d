import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'vitest';

import { isAlive } from '../../libs/adapters/src/broker/process.ts';
import { until } from '../support/kafka.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Where everything temporary of the interrupted run lies. */
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'countersign-interrupted-'));
  cleanups.push(() => {
    rmSync(made, { recursive: true, force: true });
  });
  return made;
}

function run(args: readonly string[], temporary: string): ChildProcess {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|KAFKA_|COUNTERSIGN_)/.test(name));
  const child = spawn(process.execPath, args, { env: { ...Object.fromEntries(kept), TMPDIR: temporary }, stdio: 'ignore' });
  cleanups.push(() => child.kill('SIGKILL'));
  return child;
}

/** Process id of the broker that the run has started; undefined before. */
function brokerIn(temporary: string): number | undefined {
  const files = readdirSync(temporary).map((name) => join(temporary, name, 'broker.pid'));
  const found = files.find((file) => existsSync(file));
  return found === undefined ? undefined : Number(readFileSync(found, 'utf8').split(' ')[0]);
}

async function gone(pid: number): Promise<void> {
  cleanups.push(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  await until(`process ${pid} is gone`, () => !isAlive(pid));
}

describe.skipIf(!canStartBroker)(`the broker of npm test (${NEEDS_JAVA})`, () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('ends when the run is ended with %s', async (signal) => {
    const temporary = folder();
    // Any file of that project: its global set-up starts the broker.
    const vitest = run(['node_modules/vitest/vitest.mjs', 'run', '--project', 'system', 'test/faults/matrix.spec.ts'], temporary);
    const pid = await until('the broker is there', () => brokerIn(temporary));
    vitest.kill(signal);
    await once(vitest, 'exit');
    await gone(pid);
  });
});

it('PostgreSQL ends when the process that has started it is killed', async () => {
  const temporary = folder();
  const module = new URL('../../libs/adapters/src/postgres/index.ts', import.meta.url).href;
  const dataDir = join(temporary, 'postgres');
  const code = `const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const { pid } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    const { writeFileSync } = await import('node:fs');
    writeFileSync(${JSON.stringify(join(temporary, 'pid'))}, String(pid));
    setInterval(() => undefined, 1000);`;
  const starter = run(['--import', './scripts/register.mjs', '--input-type=module', '--eval', code], temporary);
  const note = join(temporary, 'pid');
  const pid = await until('PostgreSQL is there', () => (existsSync(note) ? Number(readFileSync(note, 'utf8')) : undefined));
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  await gone(pid);
});
