/** One line of JSON for each record, on disk before anything is done that it speaks of. */
import { closeSync, existsSync, fdatasyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import { LockedError, lockFile, SECRET_FILE, SECRET_FOLDER, writeWhole } from '#adapters';
import { fromUtf8 } from '#domain';

import { type Journal, JournalError, type JournalRecord, stillNeeded } from './journal.ts';

/** Unit bytes. Beyond, the file is written anew with what is still needed: an action appends about 800 bytes. */
const REWRITE_BYTES = 4 * 1024 * 1024;

/** Whose journal it is: one of another ledger or issuer would make this executor pass over decisions, or take claims for its own. */
export interface JournalOwner {
  readonly origin: string;
  readonly issuer: string;
}

export class FileJournal implements Journal {
  readonly #path: string;
  readonly #owner: JournalOwner;
  readonly #unlock: () => void;
  #file: number | undefined;
  #bytes = 0;

  private constructor(path: string, owner: JournalOwner, unlock: () => void) {
    this.#path = path;
    this.#owner = owner;
    this.#unlock = unlock;
  }

  /** Made when missing. Throws JournalError when another process has it open, when it is another executor's, or damaged. */
  static open(path: string, owner: JournalOwner): FileJournal {
    mkdirSync(dirname(path), { recursive: true, mode: SECRET_FOLDER });
    const journal = new FileJournal(path, owner, locked(path));
    try {
      journal.#rewrite();
    } catch (error) {
      journal.#unlock();
      throw error;
    }
    return journal;
  }

  load(): Promise<readonly JournalRecord[]> {
    return Promise.resolve(this.#read());
  }

  /** Async only by its type: the bytes are on disk when it returns, and a throw is a rejection. */
  append(record: JournalRecord): Promise<void> {
    try {
      const text = `${JSON.stringify(record)}\n`;
      if (this.#file === undefined) throw new JournalError(`${this.#path}: closed`);
      writeFileSync(this.#file, text); // all of it or an error: a full disk makes a single write short
      fdatasyncSync(this.#file);
      this.#bytes += text.length;
      if (this.#bytes > REWRITE_BYTES) this.#rewrite();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  close(): Promise<void> {
    if (this.#file !== undefined) {
      closeSync(this.#file);
      this.#unlock();
    }
    this.#file = undefined;
    return Promise.resolve();
  }

  /** A last line that a crash cut short was never acted upon: it is dropped. */
  #read(): JournalRecord[] {
    if (!existsSync(this.#path)) return [];
    const bytes = readFileSync(this.#path);
    const [first, ...lines] = this.#text(bytes.subarray(0, bytes.lastIndexOf('\n') + 1)).split('\n');
    if (first !== headerOf(this.#owner)) throw new JournalError(`${this.#path}: expected the journal of ${JSON.stringify(this.#owner)}`);
    return lines.filter((line) => line !== '').map((line, at) => this.#parse(line, at + 2));
  }

  /** Another decoder would put something else in the place of what it cannot read, and the next rewrite would keep that. */
  #text(lines: Uint8Array): string {
    try {
      return fromUtf8(lines);
    } catch (cause) {
      throw new JournalError(`${this.#path} is damaged: it is not valid utf-8`, { cause });
    }
  }

  #parse(line: string, number: number): JournalRecord {
    try {
      return recordSchema.parse(JSON.parse(line)) as JournalRecord;
    } catch (cause) {
      throw new JournalError(`${this.#path}: line ${number} is damaged: what it says about a claim may be lost`, { cause });
    }
  }

  #rewrite(): void {
    const records = stillNeeded(this.#read());
    const text = [headerOf(this.#owner), ...records.map((record) => JSON.stringify(record)), ''].join('\n');
    writeWhole(this.#path, text, SECRET_FILE);
    const replaced = this.#file;
    this.#file = openSync(this.#path, 'a', SECRET_FILE);
    if (replaced !== undefined) closeSync(replaced);
    this.#bytes = text.length;
  }
}

const headerOf = ({ origin, issuer }: JournalOwner): string => JSON.stringify({ journal: 'countersign.executor.v1', origin, issuer });

const decimal = z.string().regex(/^(0|[1-9]\d{0,18})$/);
const part = z.enum(['result', 'healthcheck', 'rollback']);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const claim = z.string();
const outcome = z.strictObject({
  status: z.enum(['succeeded', 'failed']),
  before: digest.optional(),
  after: digest.optional(),
  evidence: z.array(z.strictObject({ type: z.string(), digest })).optional(),
});
const recordSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('claimed'), claim, decision: decimal, action: z.string(), offset: decimal }),
  z.strictObject({ kind: z.literal('running'), claim, part, resultBy: z.string(), before: digest.optional() }),
  z.strictObject({ kind: z.literal('ran'), claim, part, outcome }),
  z.strictObject({ kind: z.literal('reported'), claim, part }),
  z.strictObject({ kind: z.literal('ended'), claim, why: z.string() }),
  z.strictObject({ kind: z.literal('position'), offset: decimal }),
]);

/** Two executors on one journal would both take a grant for theirs. */
function locked(path: string): () => void {
  try {
    return lockFile(`${path}.lock`);
  } catch (cause) {
    if (!(cause instanceof LockedError)) throw cause;
    throw new JournalError(`${cause.path}: in use by process ${cause.owner}: stop that one, or name another journal`, { cause });
  }
}
