import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Child, NO_NAMESPACES } from '#testing';

import { LockedError, lockFile, LockUnavailable } from './lock-file.ts';

let folder: string;
const children: Child[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-lock-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
  rmSync(folder, { recursive: true });
});

/** A process that says whether it has the lock, and keeps it until it is killed. */
function holder(path: string, isolated = false): Child {
  const code = `
    const { lockFile } = await import('./libs/adapters/src/home/lock-file.ts');
    try {
      lockFile(${JSON.stringify(path)});
      console.log('locked by process ' + process.pid);
      gc(); // a lock that nothing refers to must stay
      console.log('still there');
      setInterval(() => undefined, 1000);
    } catch (error) {
      console.log(error.name);
    }`;
  const child = Child.start({ code }, { isolated, env: { NODE_OPTIONS: '--expose-gc' } });
  children.push(child);
  return child;
}

describe('lockFile', () => {
  it('refuses a second holder in the same process, until the first has released it', () => {
    const path = join(folder, 'a.lock');
    const release = lockFile(path);
    expect(() => lockFile(path)).toThrow(LockedError);
    release();
    release();
    lockFile(path)();
    expect([existsSync(path), statSync(path).mode & 0o777]).toEqual([true, 0o600]);
  });

  it('refuses another process while the first lives, and is free as soon as that one is killed', async () => {
    const path = join(folder, 'a.lock');
    const first = holder(path);
    await first.says('still there');
    expect(() => lockFile(path)).toThrow(LockedError);
    await first.kill();
    lockFile(path)();
  });

  it.skipIf(NO_NAMESPACES)(
    `is one lock for two processes that are both process 1, as in two containers ${NO_NAMESPACES ?? ''}`,
    async () => {
      const path = join(folder, 'a.lock');
      const first = holder(path, true);
      await first.says('locked by process 1');
      await first.says('still there');
      const second = holder(path, true);
      expect(await second.says('')).toBe('LockedError');
      await first.kill();
      await holder(path, true).says('locked by process 1');
    },
  );

  it('refuses a file that it cannot lock: a folder, a file in a missing folder, a lock of an older version', () => {
    const [aFolder, aFile] = [join(folder, 'folder'), join(folder, 'old')];
    mkdirSync(aFolder);
    writeFileSync(aFile, '4194305');
    expect(() => lockFile(aFolder)).toThrow(LockUnavailable);
    expect(() => lockFile(join(folder, 'none', 'a.lock'))).toThrow(/check that its folder exists and is writable/);
    expect(() => lockFile(aFile)).toThrow(/lock of an older version/);
    expect(existsSync(aFile)).toBe(true);
  });

  it('refuses a file that this process may only read, as another could lock it at the same time', async () => {
    const path = join(folder, 'a.lock');
    writeFileSync(path, '', { mode: 0o444 });
    chmodSync(folder, 0o755); // so that it can be read by a user without rights
    const code = `
      const { lockFile } = await import('./libs/adapters/src/home/lock-file.ts');
      if (process.getuid() === 0) process.seteuid(65534);
      try {
        lockFile(${JSON.stringify(path)});
        console.log('locked');
      } catch (error) {
        console.log(error.name + ': ' + error.message);
      }`;
    expect(await Child.start({ code }).says('')).toMatch(/^LockUnavailable: .*a\.lock cannot be locked: it may only be read/);
  });
});
