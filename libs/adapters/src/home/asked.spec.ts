import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, it } from 'vitest';

import { firstAskedAt } from './asked.ts';

const folder = mkdtempSync(join(tmpdir(), 'asked-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('the first time that an action was asked for is the time of each further copy, of that tenant, issuer and id alone', () => {
  const action = { tenant: 'acme', issuer: 'platform', id: 'pay-1' };
  expect([1000, 2000, 500].map((nowMs) => firstAskedAt(folder, action, nowMs))).toEqual([1000, 1000, 1000]);
  for (const other of [{ tenant: 'globex' }, { issuer: 'other' }, { id: `pay-2/${'x'.repeat(100)}` }]) {
    expect(firstAskedAt(folder, { ...action, ...other }, 3000)).toBe(3000);
  }
});
