import { chmodSync, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { SECRET_FILE } from './files.ts';

/** Another process, or another holder in this one, has the lock. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
}

/** The file cannot be locked at all, so it is not known whether another process uses what it protects. */
export class LockUnavailable extends Error {
  override readonly name = 'LockUnavailable';
}

/**
 * Locks a file until the returned function is called, or the process ends in any way. Throws LockedError, LockUnavailable.
 *
 * The kernel holds the lock (fcntl, by way of an exclusive SQLite transaction that never ends), so it needs no process id: two containers on one
 * machine exclude each other, and a killed process leaves no lock behind. The file stays after the release: removing it would let two
 * processes lock two files of one name. It must not be opened by other means in this process, as closing it would end the lock.
 */
export function lockFile(name: string): () => void {
  const path = resolve(name);
  const isNew = !existsSync(path);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path, { timeout: 0 });
    if (isNew) chmodSync(path, SECRET_FILE);
    lock.exec('pragma journal_mode = memory');
    lock.exec('begin exclusive');
    lock.exec('pragma user_version = 1'); // SQLite makes a shared lock of it, without a word, where the file may only be read
  } catch (cause) {
    lock?.close();
    if (isBusy(cause)) throw new LockedError(`${path} is locked`, { cause });
    throw new LockUnavailable(`${path} cannot be locked: ${reasonOf(cause)}`, { cause });
  }
  const held = lock;
  holds.add(held);
  return () => {
    if (holds.delete(held)) held.close();
  };
}

/** The garbage collector closes a database that is out of reach, and its lock would go with it. */
const holds = new Set<DatabaseSync>();

const SQLITE = { busy: 5, readOnly: 8, ioError: 10, cannotOpen: 14, noDatabase: 26 };

/** The low byte is the kind of error, what is above it a detail. */
const kindOf = (error: unknown): number => (error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0);
const isBusy = (error: unknown): boolean => kindOf(error) === SQLITE.busy;

function reasonOf(error: unknown): string {
  const kind = kindOf(error);
  if (kind === SQLITE.readOnly) return 'it may only be read; make it writable for this process';
  if (kind === SQLITE.cannotOpen) return 'it cannot be opened or made; check that its folder exists and is writable for this process';
  if (kind === SQLITE.ioError) return 'its file system has no locks of processes; use a folder on a local disk';
  if (kind === SQLITE.noDatabase)
    return 'it is the lock of an older version; make sure that no process of that version runs, then remove it';
  return error instanceof Error ? error.message : String(error);
}
