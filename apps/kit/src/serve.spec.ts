import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Home } from '#adapters';
import { Child } from '#testing';

const BROKERS = '127.0.0.1:1';
let folder: string;
const home = (name: string): string => join(folder, name);
function make(name: string): string {
  Home.create(home(name), { name: `${name}.example`, lanes: 1, topicPrefix: '', nowMs: Date.now() });
  return home(name);
}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-serve-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The one line that it wrote, and its exit code. */
async function startFailure(service: string, env: Readonly<Record<string, string>>) {
  const child = Child.start(
    { file: `apps/${service}/src/main.ts` },
    { env: { KAFKA_BROKERS: BROKERS, PORT: '0', METRICS_PORT: '0', ...env } },
  );
  const code = await child.end();
  expect(child.lines).toHaveLength(1);
  return { exit: code, ...(JSON.parse(child.lines[0] ?? '') as { code: string; msg: string; err?: unknown }) };
}

describe('a service that cannot start says why in one line without a stack trace, and ends with 1', () => {
  it('notary: the seed is another ledger’s', async () => {
    const [mine, other] = [make('mine'), make('other')];
    copyFileSync(join(other, 'keys', 'ledger.seed'), join(mine, 'keys', 'ledger.seed'));
    const failure = await startFailure('notary', { COUNTERSIGN_DATA: mine });
    expect(failure).toMatchObject({ exit: 1, code: 'WRONG_KEY' });
    expect(failure.msg).toMatch(
      /^the notary cannot start: keys\/ledger.seed in .*mine is another ledger's: mine.example\/t\/.* Put the seed of this ledger there/,
    );
    expect(failure.err).toBeUndefined();
  });

  it.each([
    ['decider', 'decider.key'],
    ['gateway', 'gateway.key'],
    ['notary', 'ledger.seed'],
  ])('%s: its key is missing, can be read by others, or is damaged', async (service, key) => {
    const data = make(`${service}-keys`);
    const file = join(data, 'keys', key);
    chmodSync(file, 0o644);
    expect(await startFailure(service, { COUNTERSIGN_DATA: data })).toMatchObject({ exit: 1, code: 'KEY_EXPOSED' });
    writeFileSync(file, 'no seed', { mode: 0o600 });
    chmodSync(file, 0o600);
    expect(await startFailure(service, { COUNTERSIGN_DATA: data })).toMatchObject({ exit: 1, code: 'DAMAGED' });
    rmSync(file);
    expect(await startFailure(service, { COUNTERSIGN_DATA: data })).toMatchObject({ exit: 1, code: 'NO_KEY' });
  });

  it.each(['decider', 'gateway', 'notary'])('%s: there is no ledger, or no broker is named', async (service) => {
    expect(await startFailure(service, { COUNTERSIGN_DATA: home('none') })).toMatchObject({ exit: 1, code: 'NO_LEDGER' });
    const failure = await startFailure(service, { COUNTERSIGN_DATA: make(`${service}-brokers`), KAFKA_BROKERS: '' });
    expect(failure).toMatchObject({ exit: 1, code: 'START_FAILED', msg: expect.stringMatching(/KAFKA_BROKERS is empty/) as string });
  });
});
