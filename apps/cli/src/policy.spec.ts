import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { copyStandardBundle, STANDARD_BUNDLE, testDocument } from '#testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CliError } from './errors.ts';
import { checkPolicy, readBundle } from './policy.ts';

let folder: string;
beforeAll(() => {
  folder = copyStandardBundle();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('policy check', { timeout: 60_000 }, () => {
  it('accepts the standard bundle, its own tests included', async () => {
    const { refusals, tests } = await checkPolicy(STANDARD_BUNDLE);
    expect(refusals).toEqual([]);
    expect(tests).toBeGreaterThan(10);
  });
  it('refuses a bundle whose own test fails, and names it', async () => {
    rmSync(join(folder, 'policies', 'no-high-risk-records.cedar'));
    const { refusals } = await checkPolicy(folder);
    expect(refusals).toEqual(['test "record.write: payment data is never written": got DENY DENY_NO_MATCH']);
  });
  it('refuses a bundle that may not be activated, before its tests', async () => {
    writeFileSync(join(folder, 'policies', 'free.cedar'), 'permit (principal, action, resource);');
    const { refusals } = await checkPolicy(folder);
    expect(refusals).toEqual(['policy free: a permit has exactly one of @approval("rule") and @unattended("reason")']);
  });
});

it('policy check refuses a bundle of format 1', async () => {
  const path = join(folder, 'old.json');
  writeFileSync(path, JSON.stringify(testDocument(1)));
  expect((await checkPolicy(path)).refusals.join()).toContain('format 1 is read for ledgers of rules 1 only');
});

describe('a path to a bundle', () => {
  const exitCodeFor = (path: string) => {
    try {
      readBundle(path);
      return 0;
    } catch (error) {
      return error instanceof CliError ? error.exitCode : undefined;
    }
  };
  it('that leads nowhere could not be told, one to something else is invalid', () => {
    expect(exitCodeFor(STANDARD_BUNDLE)).toBe(0);
    expect(exitCodeFor(join(folder, 'nowhere'))).toBe(2);
    expect(exitCodeFor(join(STANDARD_BUNDLE, 'README.md'))).toBe(1);
  });
});
