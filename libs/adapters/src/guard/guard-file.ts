/** The notary's own memory of what it has signed: lines `<origin> <size> <hex root>`, on disk before anything is published. */
import { closeSync, existsSync, fdatasyncSync, fstatSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { hex } from '#domain';

import { SECRET_FILE, writeWhole } from '../home/files.ts';
import { OwnershipLost, OwnerMark } from '../home/ownership.ts';

/** A signed tree size with its root. `size` is in leaves. */
export interface GuardedHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Unit bytes. Beyond, the file is written anew with one line per log: a batch appends about 120 bytes. */
const REWRITE_BYTES = 1024 * 1024;
const LINE = /^(\S+) ([1-9]\d{0,15}) ([0-9a-f]{64})$/;

export class GuardError extends Error {
  override readonly name: string = 'GuardError';
}

/** Another notary has opened the guard since: what this one knows that it has signed may no longer be all of it. */
export class GuardTaken extends GuardError {
  override readonly name = 'GuardTaken';
}

/** What a notary knows that it has signed, wherever it is kept. */
export interface Guard {
  /** Largest size of each log, with its hex root. */
  readonly heads: ReadonlyMap<string, { readonly size: number; readonly root: string }>;
  /**
   * Returns once the heads would survive a power cut, and the guard is still this owner's: only then may they be signed. A head that is not
   * beyond the one known is not written. Throws GuardTaken when another has opened the guard since.
   */
  record(heads: readonly GuardedHead[]): void;
  close(): void;
}

/** What a guard's file holds now, read by another than its owner; undefined where there is none. A last line that is being written is left out. */
export function readGuard(folder: string, lane: number): Guard['heads'] | undefined {
  const path = join(folder, `lane-${lane}`);
  if (!existsSync(path)) return undefined;
  const heads: Heads = new Map();
  for (const line of wholeLines(readFileSync(path, 'latin1')).split('\n')) if (line !== '') remember(heads, path, parseLine(path, line));
  return heads;
}

export class GuardFile implements Guard {
  readonly #path: string;
  readonly #mark: OwnerMark;
  readonly #heads: Heads = new Map();
  #file: number;
  #bytes: number;

  private constructor(path: string, mark: OwnerMark, text: string) {
    this.#path = path;
    this.#mark = mark;
    this.#bytes = text.length; // ASCII
    for (const line of text.split('\n')) if (line !== '') remember(this.#heads, path, parseLine(path, line));
    this.#file = openSync(path, 'a', SECRET_FILE);
  }

  /**
   * The file is made when missing. A last line that a crash cut short was never published: it is dropped. No lock: a notary that stands still
   * must not keep its successor from the lane. The successor's mark stops it instead, before it signs anything more.
   */
  static open(folder: string, lane: number): GuardFile {
    const path = join(folder, `lane-${lane}`);
    const mark = OwnerMark.take(`${path}.owner`); // first: see OwnerMark
    const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
    const whole = wholeLines(text);
    if (whole !== text || !existsSync(path)) writeWhole(path, whole, SECRET_FILE);
    return new GuardFile(path, mark, whole);
  }

  get heads(): ReadonlyMap<string, { readonly size: number; readonly root: string }> {
    return this.#heads;
  }

  record(heads: readonly GuardedHead[]): void {
    const lines = heads
      .filter(({ origin, size }) => size > (this.#heads.get(origin)?.size ?? 0))
      .map(({ origin, size, root }) => ({ origin, size, root: hex(root) }));
    for (const line of lines) remember(this.#heads, this.#path, line);
    if (lines.length > 0) this.#write(lines.map(formatLine).join(''));
    this.#expectOurs(); // after the write: see OwnerMark
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(text: string): void {
    if (this.#bytes + text.length > REWRITE_BYTES) {
      this.#expectOurs();
      this.#rewrite();
      return;
    }
    writeFileSync(this.#file, text); // all of it or an error: a full disk makes a single write short
    fdatasyncSync(this.#file);
    this.#bytes += text.length;
  }

  /** Throws GuardTaken. Another owner's rewrite puts a new file in the place of the one that this owner writes to. */
  #expectOurs(): void {
    try {
      this.#mark.expectOurs();
      if (statSync(this.#path, { throwIfNoEntry: false })?.ino !== fstatSync(this.#file).ino)
        throw new OwnershipLost(`${this.#path} was replaced`);
    } catch (cause) {
      if (!(cause instanceof OwnershipLost)) throw cause;
      throw new GuardTaken(`guard: ${cause.message}`, { cause });
    }
  }

  #rewrite(): void {
    const text = [...this.#heads].map(([origin, head]) => formatLine({ origin, ...head })).join('');
    writeWhole(this.#path, text, SECRET_FILE);
    const replaced = this.#file;
    this.#file = openSync(this.#path, 'a', SECRET_FILE);
    closeSync(replaced); // only now: `close` must never close a descriptor twice
    this.#bytes = text.length;
  }
}

interface Line {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}

const formatLine = ({ origin, size, root }: Line): string => `${origin} ${size} ${root}\n`;

type Heads = Map<string, { readonly size: number; readonly root: string }>;
/** A last line that was cut short, or is being written, is left out. */
const wholeLines = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1);

function remember(heads: Heads, path: string, { origin, size, root }: Line): void {
  const known = heads.get(origin);
  if (known?.size === size && known.root !== root) throw new GuardError(`${path}: two roots for ${origin} at size ${size}`);
  if (size > (known?.size ?? 0)) heads.set(origin, { size, root });
}

function parseLine(path: string, line: string): Line {
  const [, origin, size, root] = LINE.exec(line) ?? [];
  if (origin === undefined || size === undefined || root === undefined) {
    throw new GuardError(`${path} is damaged: restore it from a copy, or remove it to rely on the signed tree heads on checkpoints`);
  }
  return { origin, size: Number(size), root };
}
