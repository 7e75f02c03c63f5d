#!/usr/bin/env node
// `npx countersign ...`: runs on any Node of 20 or newer, installs what is missing, and goes on under Node 24.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { bootstrap, node24 } from '../scripts/bootstrap.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const status = await bootstrap();
if (status === 0) run(process.argv.slice(2));
else process.exitCode = status;

/** As `exec` would: same streams, same signals, same exit code. */
function run(args) {
  const loader = pathToFileURL(join(root, 'scripts', 'register.mjs')).href;
  const child = spawn(node24, ['--enable-source-maps', '--import', loader, join(root, 'apps', 'cli', 'src', 'main.ts'), ...args], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`${node24} could not be started: ${error.message}`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 2;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
