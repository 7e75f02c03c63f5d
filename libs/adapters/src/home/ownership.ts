import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';

import { writeWhole, SECRET_FILE } from './files.ts';
import { LockedError, lockFile } from './lock-file.ts';
import { drawRandom } from './random.ts';

/** Another process has taken over what this one owned. */
export class OwnershipLost extends Error {
  override readonly name = 'OwnershipLost';
}

/** Something that another process owns now. */
export class InUse extends Error {
  override readonly name = 'InUse';
  /** For people: its process id, host and start, as it wrote them down. */
  readonly owner: string;
  constructor(path: string, owner: string, cause: unknown) {
    super(`${path} is in use by ${owner}`, { cause });
    this.owner = owner;
  }
}

/**
 * A random mark in a file, written by each new owner. The last one to write it owns what the file stands beside. An owner that reads another's
 * mark has lost it. This holds on a volume that several hosts share, where one kernel's locks mean nothing to another.
 *
 * INVARIANT: an owner writes down what it is about to do, then reads the mark; a successor writes the mark, then reads what was written
 * down. So either the owner sees the new mark, or the successor sees what the owner is doing.
 */
export class OwnerMark {
  readonly #path: string;
  readonly #mark: string;

  private constructor(path: string, mark: string) {
    this.#path = path;
    this.#mark = mark;
  }

  /** On disk when it returns. */
  static take(name: string): OwnerMark {
    const path = resolve(name);
    const mark = Buffer.from(drawRandom(MARK_BYTES)).toString('hex');
    const note: Note = { mark, pid: process.pid, host: hostname(), since: new Date().toISOString() };
    writeWhole(path, `${JSON.stringify(note)}\n`, SECRET_FILE);
    return new OwnerMark(path, mark);
  }

  /** Throws OwnershipLost. The file is opened anew each time: a network file system shows then what another host has written. */
  expectOurs(): void {
    const found = noteIn(this.#path);
    if (found?.mark === this.#mark) return;
    throw new OwnershipLost(`${this.#path} has another owner now: ${describe(found)}`);
  }
}

/** What one process may use at a time: the kernel's lock on `<path>.lock`, and the mark in `<path>.owner`. */
export class Ownership {
  readonly #mark: OwnerMark;
  readonly #unlock: () => void;

  private constructor(mark: OwnerMark, unlock: () => void) {
    this.#mark = mark;
    this.#unlock = unlock;
  }

  /** Throws InUse when another process has it, LockUnavailable where the file system has no locks. */
  static take(name: string): Ownership {
    const path = resolve(name);
    const unlock = locked(path);
    try {
      return new Ownership(OwnerMark.take(`${path}.owner`), unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Throws OwnershipLost: another host has taken it over. */
  expectOurs(): void {
    this.#mark.expectOurs();
  }

  release(): void {
    this.#unlock();
  }
}

/** Unit bytes. Two owners never draw the same. */
const MARK_BYTES = 16;

interface Note {
  readonly mark: string;
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

function locked(path: string): () => void {
  try {
    return lockFile(`${path}.lock`);
  } catch (cause) {
    if (!(cause instanceof LockedError)) throw cause;
    throw new InUse(path, describe(noteIn(`${path}.owner`)), cause);
  }
}

/** undefined for a missing or damaged file. */
function noteIn(path: string): Partial<Note> | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<Note>;
  } catch {
    return undefined;
  }
}

const describe = (note: Partial<Note> | undefined): string =>
  note ? `process ${note.pid ?? '?'} on host ${note.host ?? '?'}, since ${note.since ?? '?'}` : 'an unknown process';
