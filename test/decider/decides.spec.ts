import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { loadBundleFolder, openOrCreateHome, populateLedger, prepareLedger, type Home } from '#adapters';

import { start } from '../../apps/decider/src/app.ts';
import { unique } from '../support/kafka.ts';

let home: Home;
const brokers = inject('brokers');
let decider: Awaited<ReturnType<typeof start>>;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  home = openOrCreateHome(folder, { name: 'test.local', lanes: 2, topicPrefix: `${unique('d')}.` }).home;
  await prepareLedger(home, brokers);
  decider = await start({ home, brokers, port: 0, sessionTimeout: 1500, heartbeatInterval: 300 });
});
afterAll(() => decider.close());

describe('decider', () => {
  it('confirms a population', async () => {
    const bundle = loadBundleFolder('policies/standard');
    const lines: string[] = [];
    const t = performance.now();
    const count = await populateLedger(home, brokers, { tenants: ['acme', 'globex'], bundle, withinMs: 20_000, onProgress: (l) => lines.push(l) });
    console.log(count, lines, performance.now() - t, decider.health.reasons);
    expect(count).toBe(10);
  });
});
