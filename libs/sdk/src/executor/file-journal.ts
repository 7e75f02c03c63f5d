/** One line of JSON for each record, on disk before anything is done that it speaks of. */
import { closeSync, existsSync, fdatasyncSync, fstatSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import { InUse, LockUnavailable, Ownership, OwnershipLost, SECRET_FILE, SECRET_FOLDER, writeWhole } from '#adapters';
import { fromUtf8 } from '#domain';

import { type Journal, JournalError, JournalLost, type JournalRecord, stillNeeded } from './journal.ts';

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
  readonly #ownership: Ownership;
  #file: number | undefined;
  #bytes = 0;
  /** Once lost, it stays so. */
  #lost: JournalLost | undefined;

  private constructor(path: string, owner: JournalOwner, ownership: Ownership) {
    this.#path = path;
    this.#owner = owner;
    this.#ownership = ownership;
  }

  /**
   * Made when missing. Throws JournalError when another process has it open, when it is another executor's, or damaged. On one machine the
   * kernel's lock keeps a second process out; on a volume that several hosts share, the mark of the last one to open it stops the others.
   */
  static open(path: string, owner: JournalOwner): FileJournal {
    mkdirSync(dirname(path), { recursive: true, mode: SECRET_FOLDER });
    const journal = new FileJournal(path, owner, owned(path));
    try {
      journal.#rewrite();
    } catch (error) {
      journal.#ownership.release();
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
      if (this.#lost) throw this.#lost;
      writeFileSync(this.#file, text); // all of it or an error: a full disk makes a single write short
      fdatasyncSync(this.#file);
      // After the write, never before it: what a successor has not read was written after its mark, and is found out here.
      this.#expectOurs(this.#file);
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
      this.#ownership.release();
    }
    this.#file = undefined;
    return Promise.resolve();
  }

  /** Throws JournalLost. `file` is the one that this owner writes to: another owner's rewrite puts a new one in its place. */
  #expectOurs(file: number): void {
    try {
      this.#ownership.expectOurs();
      const { ino } = fstatSync(file);
      if (statSync(this.#path, { throwIfNoEntry: false })?.ino !== ino) throw new OwnershipLost(`${this.#path} was replaced`);
    } catch (cause) {
      if (!(cause instanceof OwnershipLost)) throw cause;
      this.#lost = new JournalLost(
        `journal lost: ${cause.message}. This executor stops before its next effect: run one executor for each journal`,
        { cause },
      );
      throw this.#lost;
    }
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
    this.#expectOurs(this.#file);
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
function owned(path: string): Ownership {
  try {
    return Ownership.take(path);
  } catch (cause) {
    if (cause instanceof InUse) throw new JournalError(`${cause.message}: stop that executor, or name another journal`, { cause });
    if (cause instanceof LockUnavailable) throw new JournalError(`journal: ${cause.message}`, { cause });
    throw cause;
  }
}
