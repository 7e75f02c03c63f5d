import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { Home, LaneReceipts, PlainWriter } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { formatTrust, formatVkey, parseTrust, tenantSeed } from '#domain';

import { ended, npmStart, says } from '../cli/run.ts';
import { expectLedgerValid } from '../support/expect-valid.ts';
import { client } from '../support/kafka.ts';
import { acceptedChanges, bitsOf, isAccepted } from '../support/one-bit.ts';

const START_MAX_MS = 120_000;
/** Unit ms. Several times what all bits take on a busy machine. */
const BITS_MAX_MS = 600_000;
/** In `npm test`: some three seconds. */
const ONE_BIT_IN = 32;
const SEED = Number(process.env['SEED'] ?? Date.now() % 0x7fffffff);

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
    expect(stdout).toContain('15 of 15 proved');
    expect(code).toBe(0);
  });

  it('left receipts that are refused with any one bit changed', { timeout: BITS_MAX_MS }, async () => {
    const home = Home.open(folder);
    let receipts = 0;
    for (let lane = 0; lane < home.config.lanes; lane++) {
      const read = await LaneReceipts.open(home, inject('brokers'), lane);
      await read.catchUp();
      await read.close();
      for (const { record } of read.all) {
        const { proof, origin } = record;
        const trust = parseTrust(formatTrust(formatVkey(origin, ed25519PublicKey(tenantSeed(home.key('ledger'), origin)))));
        expect(isAccepted(proof, trust)).toBe(true);
        expect(acceptedChanges(proof, trust, bitsOf(proof, SEED + receipts, ONE_BIT_IN)), `SEED=${SEED} ${origin}`).toEqual([]);
        receipts += 1;
      }
    }
    expect(receipts).toBeGreaterThan(20); // the tour's own, and of the births before it
  });

  it('left a ledger that the checker finds valid', () => expectLedgerValid(Home.open(folder), inject('brokers')));

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
    expect(stdout).toMatch(/The ledger goes on: [0-9]+ entries/);
    expect(stdout).toContain('13 of 13 as expected');
    expect(stdout).toContain('15 of 15 proved');
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

  it('over a halted lane tells which one and why, verifies nothing of it, and ends with exit code 1', async () => {
    const home = Home.open(folder);
    const writer = PlainWriter.open(client(inject('brokers')));
    await writer.send([{ topic: home.topic('ledger'), partition: 0, key: null, value: Buffer.from('made by hand') }]);
    await writer.close();
    const { code, stdout } = await ended(npmStart(['--exit', '--data', folder, '--port', '0'], env));
    for (const service of ['notary', 'decider', 'gateway'])
      expect(stdout).toMatch(new RegExp(`^HALTED +${service}, lane 0: RECORD: `, 'm'));
    expect(stdout).not.toContain('verified');
    expect(code).toBe(1);
  });
});
