import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { BrokerUnavailable } from '#adapters';

import { CliError, errorLine, INVALID, isUnanswered } from '../errors.ts';
import { exitCodeOf, keyFiles } from './doctor.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-doctor-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('doctor', () => {
  const good = { ok: true };
  const wrong = { ok: false };
  const away = { ok: false, isUnknown: true };
  const partly = { ok: true, isUnknown: true };

  it.each([
    ['all is good', [good], 0],
    ['one thing is wrong', [good, wrong], 1],
    ['one thing is wrong and the broker is away', [wrong, away], 1],
    ['the broker is away', [good, away], 2],
    ['not all could be told', [good, partly], 2],
  ])('when %s exits accordingly', (_, findings, code) => {
    expect(exitCodeOf(findings)).toBe(code);
  });

  it('takes a broker that is away or unknown for unanswered, nothing else', () => {
    expect(isUnanswered(new BrokerUnavailable('no answer'))).toBe(true);
    expect(isUnanswered(new CliError('no Kafka broker is known'))).toBe(true);
    expect(isUnanswered(new CliError('bad', INVALID))).toBe(false);
    expect(isUnanswered(new Error('x'))).toBe(false);
  });

  it('counts no unfinished file as a key, says that it is there, and that others can read it', () => {
    mkdirSync(join(folder, 'keys'), { mode: 0o700 });
    for (const name of ['admin.key', 'ledger.seed', 'admin.key.0a1b.tmp']) writeFileSync(join(folder, 'keys', name), 'x', { mode: 0o600 });
    const [found] = keyFiles(folder);
    expect(found).toMatchObject({ check: 'keys', ok: true });
    expect(found?.detail).toMatch(/^2 files, .*; 1 unfinished/);
    chmodSync(join(folder, 'keys', 'admin.key.0a1b.tmp'), 0o644);
    expect(keyFiles(folder)[0]).toMatchObject({ ok: false });
  });
});

describe('an error', () => {
  it('is a line for people, or one JSON object', () => {
    expect(errorLine('no "x"', 2, false)).toBe('countersign: no "x"');
    expect(JSON.parse(errorLine('no "x"', 2, true))).toEqual({ error: 'no "x"', code: 2 });
  });
});
