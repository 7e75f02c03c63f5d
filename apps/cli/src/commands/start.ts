import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

export function register(program: Command): void {
  program
    .command('start')
    .description('what npm start does: broker, ledger, every service and the tour in one process, until Ctrl-C')
    .option('--exit', 'leave after the tour', false)
    .option('--port <n>', 'of the gateway')
    .action(async (options: { exit: boolean; port?: string }, command: Command) => {
      const { data, brokers } = command.optsWithGlobals<{ data?: string; brokers?: string }>();
      const args = [
        ...(options.exit ? ['--exit'] : []),
        ...(options.port ? ['--port', options.port] : []),
        ...(data ? ['--data', data] : []),
      ];
      process.exitCode = await run(args, brokers ? { ...process.env, KAFKA_BROKERS: brokers } : process.env);
    });
}

/** The apps do not import one another, so it runs beside us: from source under our own loader, from dist without one. */
function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const file = import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js';
  const main = fileURLToPath(new URL(`../../../all/src/${file}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      resolve(code ?? 2);
    });
  });
}
