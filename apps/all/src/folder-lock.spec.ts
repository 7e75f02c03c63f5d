import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { lockFolder } from './folder-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const file = (): string => join(folder, 'start.pid');

describe('lockFolder', () => {
  it('holds the number of its owner, and is gone after the release', () => {
    const release = lockFolder(folder);
    expect(readFileSync(file(), 'utf8')).toBe(String(process.pid));
    expect(readdirSync(folder)).toEqual(['start.pid']);
    release();
    expect(existsSync(file())).toBe(false);
  });

  it('refuses a folder whose owner lives, and leaves its lock', () => {
    writeFileSync(file(), String(process.ppid)); // vitest's own process: a node that lives
    expect(() => lockFolder(folder)).toThrow(`in use by process ${process.ppid}`);
    expect(readFileSync(file(), 'utf8')).toBe(String(process.ppid));
    expect(readdirSync(folder)).toEqual(['start.pid']);
  });

  it.each(['4194399', '', 'nonsense'])('takes over what a killed start left: %j', (left) => {
    writeFileSync(file(), left);
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });
});
