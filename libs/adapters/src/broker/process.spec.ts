import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';

import { isAlive, processesWith, terminate } from './process.ts';

const started: number[] = [];
afterEach(async () => {
  for (const pid of started.splice(0)) await terminate(pid, 5000);
});

/** A process that waits, with these arguments after its own. */
async function waiting(...args: string[]): Promise<number> {
  const child = spawn(process.execPath, ['-e', "console.log('up'); setInterval(() => {}, 1000)", ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const { pid = 0 } = child;
  started.push(pid);
  return pid;
}

it.runIf(process.platform === 'linux')('a process is found by whole arguments only, while it lives', async () => {
  const file = `/nowhere/${process.pid}/server.properties`;
  const broker = await waiting('kafka.Kafka', file);
  await waiting('less', file);
  await waiting('kafka.Kafka', `${file}.old`);
  expect(processesWith('kafka.Kafka', file)).toEqual([broker]);
  await terminate(broker, 5000);
  expect(isAlive(broker)).toBe(false);
  expect(processesWith('kafka.Kafka', file)).toEqual([]);
});
