/** Small files that must be whole or absent, whatever kills the process. */
import { chmodSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';

/** Owner only. */
export const SECRET_FILE = 0o600;
export const SECRET_FOLDER = 0o700;
export const PUBLIC_FILE = 0o644;

export function makeFolder(path: string, mode: number): void {
  if (mkdirSync(path, { recursive: true, mode }) !== undefined) chmodSync(path, mode); // the umask may have taken bits away
}

/** Replaces `path` in one step; after the return it survives a power cut. */
export function writeWhole(path: string, text: string, mode: number): void {
  const temporary = writeTemporary(path, text, mode);
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** As writeWhole, but false when `path` exists: it is left as it is. */
export function writeNew(path: string, text: string, mode: number): boolean {
  const temporary = writeTemporary(path, text, mode);
  try {
    linkSync(temporary, path); // unlike rename, never replaces
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary);
  }
  syncFolder(dirname(path));
  return true;
}

function writeTemporary(path: string, text: string, mode: number): string {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = openSync(temporary, 'wx', mode);
  try {
    chmodSync(temporary, mode);
    writeFileSync(file, text); // all of it or an error: a full disk makes a single write short
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return temporary;
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
