/** Small files that must be whole or absent, whatever kills the process. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';

/** Owner only. */
export const SECRET_FILE = 0o600;
export const SECRET_FOLDER = 0o700;
export const PUBLIC_FILE = 0o644;

export function makeFolder(path: string, mode: number): void {
  if (makeFolders(path, mode)) chmodSync(path, mode); // the umask may have taken bits away
}

/**
 * The folder and those above it that are missing; false when all are there. One by one: where nothing can be made, as in /proc, Node's own
 * `recursive` tries for ever. Throws as mkdirSync does, EEXIST for what is no folder.
 */
export function makeFolders(path: string, mode = 0o777): boolean {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing.length > 0 ? missing : [resolve(path)]) makeOne(folder, mode);
  return missing.length > 0;
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // It was there, or another process has made it in between.
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
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

/** Moves a file over another in one step; after the return it survives a power cut. */
export function replaceFile(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
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
