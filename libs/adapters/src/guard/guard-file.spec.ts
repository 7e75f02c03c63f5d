import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { GuardError, GuardFile, GuardTaken } from './guard-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guard-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const root = (byte: number) => new Uint8Array(32).fill(byte);
const head = (origin: string, size: number, byte = size % 256) => ({ origin, size, root: root(byte) });
const file = () => readFileSync(join(folder, 'lane-3'), 'utf8');
function reopened(): [string, number][] {
  const guard = GuardFile.open(folder, 3);
  guard.close();
  return [...guard.heads].map(([origin, { size }]) => [origin, size]);
}

describe('GuardFile', () => {
  it('remembers the largest size of each log', () => {
    const guard = GuardFile.open(folder, 3);
    guard.record([head('a/t/1', 2), head('a/t/2', 1)]);
    guard.record([head('a/t/1', 5)]);
    guard.close();
    expect(file()).toBe(`a/t/1 2 ${'02'.repeat(32)}\na/t/2 1 ${'01'.repeat(32)}\na/t/1 5 ${'05'.repeat(32)}\n`);
    expect(reopened()).toEqual([
      ['a/t/1', 5],
      ['a/t/2', 1],
    ]);
    expect(statSync(join(folder, 'lane-3')).mode & 0o777).toBe(0o600);
  });

  it('never goes back to a lower size', () => {
    const guard = GuardFile.open(folder, 3);
    guard.record([head('a/t/1', 5)]);
    guard.record([head('a/t/1', 4), head('a/t/1', 5)]);
    expect(guard.heads.get('a/t/1')).toEqual({ size: 5, root: '05'.repeat(32) });
    guard.close();
    expect(file().split('\n')).toHaveLength(2);
  });

  it('drops a last line that a crash cut short, and writes on after it', () => {
    const guard = GuardFile.open(folder, 3);
    guard.record([head('a/t/1', 5)]);
    guard.close();
    appendFileSync(join(folder, 'lane-3'), 'a/t/1 6 0606');
    const again = GuardFile.open(folder, 3);
    expect(again.heads.get('a/t/1')?.size).toBe(5);
    again.record([head('a/t/1', 7)]);
    again.close();
    expect(reopened()).toEqual([['a/t/1', 7]]);
  });

  it('refuses two roots for one size', () => {
    const guard = GuardFile.open(folder, 3);
    guard.record([head('a/t/1', 5)]);
    guard.close();
    appendFileSync(join(folder, 'lane-3'), `a/t/1 5 ${'ff'.repeat(32)}\n`);
    expect(() => GuardFile.open(folder, 3)).toThrow(GuardError);
  });

  it.each(['a/t/1 05 00', 'a/t/1 5', `a/t/1 0 ${'00'.repeat(32)}`, ' 5 x', `a/t/1 5 ${'0G'.repeat(32)}`])('refuses the line %j', (line) => {
    appendFileSync(join(folder, 'lane-3'), `${line}\n`);
    expect(() => GuardFile.open(folder, 3)).toThrow('damaged');
  });

  it('is written anew with one line per log before it grows beyond 1 MiB', () => {
    const guard = GuardFile.open(folder, 3);
    const origins = Array.from({ length: 100 }, (_, at) => `ledger.example/t/${String(at).padStart(32, '0')}`);
    for (let size = 1; size <= 110; size++) guard.record(origins.map((origin) => head(origin, size)));
    guard.close();
    expect(file().length).toBeLessThan(1024 * 1024);
    expect(reopened()).toEqual(origins.map((origin) => [origin, 110]));
  });

  it('refuses to sign anything more once another notary has opened it, and keeps what that one wrote', () => {
    const former = GuardFile.open(folder, 3);
    former.record([head('a/t/1', 5)]);
    const latter = GuardFile.open(folder, 3);
    expect(() => {
      former.record([head('a/t/1', 6)]);
    }).toThrow(GuardTaken);
    expect(() => {
      former.record([]);
    }).toThrow(/lane-3.owner has another owner now: process \d+ on host/);
    latter.record([head('a/t/1', 7)]);
    former.close();
    latter.close();
    expect(reopened()).toEqual([['a/t/1', 7]]);
  });

  it('shows its successor everything that it may have signed, whatever comes first: its record or the successor', () => {
    const former = GuardFile.open(folder, 3);
    former.record([head('a/t/1', 5)]); // may be signed
    const latter = GuardFile.open(folder, 3);
    expect(latter.heads.get('a/t/1')?.size).toBe(5);
    former.close();
    latter.close();
  });

  it('refuses to sign when its file is no longer the one that it writes to', () => {
    const guard = GuardFile.open(folder, 3);
    writeFileSync(join(folder, 'other'), '');
    renameSync(join(folder, 'other'), join(folder, 'lane-3'));
    expect(() => {
      guard.record([head('a/t/1', 1)]);
    }).toThrow(/lane-3 was replaced/);
    guard.close();
  });
});
