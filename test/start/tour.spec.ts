import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { ended, npmStart, says } from '../cli/run.ts';

const START_MAX_MS = 120_000;

describe('npm start', { timeout: START_MAX_MS }, () => {
  let folder: string;
  const env = { KAFKA_BROKERS: inject('brokers').join(',') };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-start-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('plays the tour on an empty ledger, and every expectation holds', async () => {
    const { code, stdout, stderr } = await ended(npmStart(['--exit', '--data', folder, '--port', '0'], env));
    expect(stderr).toBe('');
    expect(stdout).toContain('13 of 13 as expected');
    expect(code).toBe(0);
  });

  it('goes on with the same ledger: verifies the same receipts again and proposes nothing', async () => {
    const { code, stdout } = await ended(npmStart(['--exit', '--data', folder, '--port', '0'], env));
    expect(stdout).toContain('The ledger goes on: 20 entries');
    expect(stdout).toContain('13 of 13 as expected');
    expect(code).toBe(0);
  });

  it('refuses a data folder that another start uses, and SIGTERM ends the first one', async () => {
    const first = npmStart(['--data', folder, '--port', '0'], env);
    const firstEnded = ended(first);
    await says(first, 'Ctrl-C ends everything');
    const second = await ended(npmStart(['--data', folder, '--port', '0'], env));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`is in use by process ${String(first.pid)}`);
    first.kill('SIGTERM');
    first.kill('SIGINT'); // npm forwards what the terminal has sent already
    expect((await firstEnded).code).toBe(0);
  });

  it('goes on after kill -9', async () => {
    const killed = npmStart(['--data', folder, '--port', '0'], env);
    const over = ended(killed);
    await says(killed, 'Ctrl-C ends everything');
    killed.kill('SIGKILL');
    await over;
    const { code, stdout } = await ended(npmStart(['--exit', '--data', folder, '--port', '0'], env));
    expect(stdout).toContain('13 of 13 as expected');
    expect(code).toBe(0);
  });
});
