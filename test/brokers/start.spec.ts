import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { dockerAnswers } from '../../libs/adapters/src/broker/choose.ts';
import { ended, npmStart, says } from '../cli/run.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';

/** Unit ms. A first start with its tour, on a busy machine. */
const START_MAX_MS = 120_000;
const canEmbed = canStartBroker && !(await dockerAnswers());
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

describe.skipIf(!canEmbed)(`npm start (${NEEDS_JAVA}, or with Docker)`, { timeout: START_MAX_MS }, () => {
  it('ends with one line that says what to do when its broker dies', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-start-'));
    const started = npmStart(['--data', folder, '--port', '0'], {});
    cleanups.push(
      () => {
        rmSync(folder, { recursive: true, force: true });
      },
      () => started.kill('SIGKILL'),
    );
    const over = ended(started);
    await says(started, 'Ctrl-C ends everything');
    process.kill(Number(readFileSync(join(folder, 'kafka', 'broker.pid'), 'utf8').split(' ')[0]), 'SIGKILL');
    const { code, stderr } = await over;
    expect(code).toBe(1);
    const said = stderr.split('\n').filter((line) => line.startsWith('countersign: '));
    expect(said).toEqual([
      `countersign: the broker has ended by itself; its last words are in ${join(folder, 'kafka', 'broker.log')}: start again, it goes on from the ledger`,
    ]);
  });
});
