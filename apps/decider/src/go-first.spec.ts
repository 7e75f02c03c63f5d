import { execFile } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** In a process of its own: the priority of this one's main thread, of its other threads, and of the process that checks a bundle meanwhile. */
const SCRIPT = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { getPriority } from 'node:os';
  import { checkBundleInChild } from './libs/adapters/src/cedar/check-child.ts';
  import { goFirst } from './apps/decider/src/go-first.ts';

  const niceOf = (path) => Number(readFileSync(path, 'utf8').split(') ')[1].split(' ')[16]);
  const may = await goFirst();
  const threads = readdirSync('/proc/self/task').filter((id) => id !== String(process.pid));
  const checking = checkBundleInChild(new TextEncoder().encode('{}'));
  const child = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim();
  const checks = getPriority(Number(child));
  await checking;
  const pool = threads.filter((id) => readFileSync('/proc/self/task/' + id + '/comm', 'utf8').startsWith('libuv-worker'));
  const others = [...new Set(threads.map((id) => niceOf('/proc/self/task/' + id + '/stat')))];
  console.log(JSON.stringify({ may, own: getPriority(), pool: pool.length, others, checks }));
`;

it.runIf(process.platform === 'linux')('the deciding thread goes first where it may, and no other thread or process with it', async () => {
  const args = ['--import', './scripts/register.mjs', '--input-type=module', '-e', SCRIPT];
  const { stdout } = await run(process.execPath, args);
  const normal = getPriority();
  const first = mayGoFirst() ? normal - 10 : normal;
  const { may, own, pool, others, checks } = JSON.parse(stdout) as Record<string, unknown>;
  expect({ may, own, others, checks }).toEqual({ may: mayGoFirst(), own: first, others: [normal], checks: Math.max(first, 0) });
  expect(pool).toBeGreaterThan(0);
});

/** Whether this process may: by going one step up, and back, which is always allowed. */
function mayGoFirst(): boolean {
  const before = getPriority();
  try {
    setPriority(before - 1);
    setPriority(before);
    return true;
  } catch {
    return false;
  }
}
