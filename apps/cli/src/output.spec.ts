import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { demandEmpty, makeOut, save } from './output.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'countersign-out-'));
  writeFileSync(join(root, 'file'), '');
});
afterEach(() => {
  rmSync(root, { recursive: true });
});
/** What went wrong, and what to do. */
const refused = (path: string, why: string, advice: string): object => ({
  name: 'CliError',
  exitCode: 2,
  message: expect.stringMatching(new RegExp(`^--out ${path} cannot be used \\(${why}: .*\\): .*${advice}`)) as string,
});

describe('--out', () => {
  it('of a folder is made with those above it', () => {
    makeOut(join(root, 'a', 'b'));
    makeOut(join(root, 'a', 'b'));
    expect(readdirSync(join(root, 'a'))).toEqual(['b']);
  });

  it('of a folder that is a file says so', () => {
    const path = join(root, 'file');
    expect(() => {
      makeOut(path);
    }).toThrow(expect.objectContaining(refused(path, 'EEXIST', 'name a folder')));
    expect(() => {
      demandEmpty(path);
    }).toThrow(expect.objectContaining(refused(path, 'ENOTDIR', 'name a folder')));
  });

  it.runIf(platform() === 'linux')('of a folder that cannot be made says so', () => {
    expect(() => {
      makeOut('/proc/countersign');
    }).toThrow(expect.objectContaining(refused('/proc/countersign', 'ENOENT', 'where you may make one')));
  });

  it('without a name is refused', () => {
    expect(() => {
      makeOut('');
    }).toThrow('--out: expected the name of a folder, got ""');
    expect(() => {
      demandEmpty('');
    }).toThrow('--out: expected the name of a folder, got ""');
  });

  it('that must be empty is looked at, and not made', () => {
    demandEmpty(join(root, 'none'));
    expect(existsSync(join(root, 'none'))).toBe(false);
    mkdirSync(join(root, 'empty'));
    demandEmpty(join(root, 'empty'));
    expect(() => {
      demandEmpty(root);
    }).toThrow('is not empty');
  });

  it('of a file that is a folder, or in none, says so', () => {
    expect(() => {
      save(root, '');
    }).toThrow(expect.objectContaining(refused(root, 'EISDIR', 'name a file')));
    const path = join(root, 'none', 'file');
    expect(() => {
      save(path, '');
    }).toThrow(expect.objectContaining(refused(path, 'ENOENT', 'in a folder that is there')));
  });
});
