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

  it('refuses a data folder that another start uses', async () => {
    const first = npmStart(['--data', folder, '--port', '0'], env);
    const over = ended(first);
    await says(first, 'Ctrl-C ends everything');
    const second = await ended(npmStart(['--data', folder, '--port', '0'], env));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`is in use by process ${String(first.pid)}`);
    first.kill('SIGKILL');
    await over;
  });

  it('goes on with the same ledger after kill -9: verifies the same receipts again and proposes nothing', async () => {
    const { code, stdout } = await ended(npmStart(['--exit', '--data', folder, '--port', '0'], env));
    expect(stdout).toContain('The ledger goes on: 20 entries');
    expect(stdout).toContain('13 of 13 as expected');
    expect(code).toBe(0);
  });

  it('ends with exit code 0 on SIGTERM, and a second signal changes nothing', async () => {
    const started = npmStart(['--data', folder, '--port', '0'], env);
    const over = ended(started);
    await says(started, 'Kafka:');
    started.kill('SIGTERM');
    started.kill('SIGINT'); // npm forwards what the terminal has sent already
    expect((await over).code).toBe(0);
  });
});
