import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from '#testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { lockFolder } from './folder-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('lockFolder', () => {
  it('names its owner, and is free after the release', () => {
    const release = lockFolder(folder);
    expect(JSON.parse(readFileSync(join(folder, 'start.owner'), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(() => lockFolder(folder)).toThrow(`${folder} is in use by process ${process.pid} on host `);
    release();
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual(['start.lock', 'start.owner']);
  });

  it('refuses a folder whose owner lives, and takes over what a killed start left', async () => {
    const code = `
      const { lockFolder } = await import('./apps/all/src/folder-lock.ts');
      lockFolder(${JSON.stringify(folder)});
      console.log('locked');
      setInterval(() => undefined, 1000);`;
    const other = Child.start({ code });
    await other.says('locked');
    expect(() => lockFolder(folder)).toThrow(/is in use by process \d+ on host .*, since .*: stop that one/);
    await other.kill();
    lockFolder(folder)();
  });
});
