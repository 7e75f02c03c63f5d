import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { makeFolders } from './files.ts';

const root = mkdtempSync(join(tmpdir(), 'countersign-files-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

describe('makeFolders', () => {
  it('makes a folder and those above it, each with the mode, and says whether it made any', () => {
    const path = join(root, 'a', 'b', 'c');
    expect(makeFolders(path, 0o700)).toBe(true);
    for (const each of [path, join(root, 'a'), join(root, 'a', 'b')]) expect(statSync(each).mode & 0o777).toBe(0o700);
    expect(makeFolders(path)).toBe(false);
  });

  it('takes a link to a folder as that folder', () => {
    symlinkSync(root, join(root, 'link'));
    expect(makeFolders(join(root, 'link'))).toBe(false);
    expect(makeFolders(join(root, 'link', 'd'))).toBe(true);
    expect(existsSync(join(root, 'd'))).toBe(true);
  });

  it('refuses what is a file, a link to nowhere, or below a file', () => {
    writeFileSync(join(root, 'file'), '');
    symlinkSync(join(root, 'nowhere', 'at', 'all'), join(root, 'dangling'));
    expect(() => makeFolders(join(root, 'file'))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => makeFolders(join(root, 'dangling'))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => makeFolders(join(root, 'file', 'below'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    expect(existsSync(join(root, 'nowhere'))).toBe(false);
  });

  // In a process of its own, as one that goes round for ever can only be killed.
  it.runIf(platform() === 'linux')('ends where nothing can be made', () => {
    const source = `import { makeFolders } from ${JSON.stringify(join(import.meta.dirname, 'files.ts'))};
      try { makeFolders('/proc/countersign/below') } catch (error) { console.log(error.code) }`;
    const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
      timeout: 10_000,
      killSignal: 'SIGKILL',
    });
    expect([stdout.toString(), signal]).toEqual(['ENOENT\n', null]);
  });
});
