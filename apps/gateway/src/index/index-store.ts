/** The database under the index: one file that a start goes on from, or memory alone. It holds nothing that the ledger does not say again. */
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import { lockFile, makeFolders, SECRET_FILE, SECRET_FOLDER } from '#adapters';

/** Raised whenever a table or a kept value changes: a file of another version is deleted and made again from the ledger. */
export const INDEX_VERSION = 1;
const FILE = 'gateway-index.db';
/** Unit KiB, of pages kept in memory: the index by digest is written at random places. */
const CACHE_KIB = 64 * 1024;

const TABLES = `
create table if not exists kept (key text primary key, value text not null) without rowid;
create table if not exists entries (
  slot integer primary key, tree integer not null, leafIndex integer not null, receiptOffset integer,
  source integer, sourceOffset integer, digest integer, sender text);
create unique index if not exists entries_index on entries (tree, leafIndex);
create index if not exists entries_digest on entries (digest) where digest is not null;
create index if not exists entries_source on entries (source, sourceOffset) where source is not null;
create table if not exists decisions (
  tenant text not null, action text not null, slot integer not null, byGateway integer not null, takesId integer not null,
  askedAtMs integer, primary key (tenant, action)) without rowid;
create table if not exists settlements (decision integer primary key, settlement integer not null);`;
const BOUNDED = `
create index if not exists decisions_slot on decisions (slot);
create index if not exists settlements_slot on settlements (settlement);`;

export interface IndexFile {
  /** Made when missing. */
  readonly folder: string;
  /** Which ledger: another one's file is deleted. */
  readonly birth: string;
}

export class IndexStore {
  #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #file: IndexFile | undefined;
  readonly #release: (() => void) | undefined;

  /** Without a file: in memory. Throws LockedError when another process has the file. */
  constructor(file?: IndexFile) {
    this.#file = file;
    if (file) {
      makeFolders(file.folder, SECRET_FOLDER);
      this.#release = lockFile(`${this.#path}.lock`);
    }
    this.#db = this.#open();
    const fits = this.get('version') === String(INDEX_VERSION) && this.get('birth') === (file?.birth ?? '');
    if (!fits) this.clear();
  }

  get isInMemory(): boolean {
    return this.#file === undefined;
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  /** Prepared once. */
  statement(sql: string): StatementSync {
    let prepared = this.#statements.get(sql);
    if (!prepared) this.#statements.set(sql, (prepared = this.#db.prepare(sql)));
    return prepared;
  }

  /** A value that was kept. */
  get(key: string): string | undefined {
    return (this.statement('select value from kept where key = ?').get(key) as { value: string } | undefined)?.value;
  }

  put(key: string, value: string): void {
    this.statement('insert or replace into kept (key, value) values (?, ?)').run(key, value);
  }

  delete(key: string): void {
    this.statement('delete from kept where key = ?').run(key);
  }

  /** Everything kept under keys that begin so, in the order of the keys: the rest of the key, and the value as JSON. */
  *all<T>(prefix: string): Generator<[rest: string, value: T]> {
    const rows = this.statement('select key, value from kept where key >= ? and key < ? order by key').all(prefix, `${prefix}\uffff`);
    for (const { key, value } of rows as { key: string; value: string }[]) yield [key.slice(prefix.length), JSON.parse(value) as T];
  }

  /** Everything since the last commit is on disk together, or nothing of it. */
  commit(): void {
    if (this.isInMemory) return;
    this.#db.exec('commit');
    this.#db.exec('begin');
  }

  /** Forgets everything: the ledger says it again. */
  clear(): void {
    this.#statements.clear();
    this.#db.close();
    if (this.#file) for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#path}${suffix}`, { force: true });
    this.#db = this.#open();
    this.put('version', String(INDEX_VERSION));
    this.put('birth', this.#file?.birth ?? '');
    this.commit();
  }

  /** What was not committed is gone. */
  close(): void {
    this.#statements.clear();
    if (!this.#db.isOpen) return;
    this.#db.close();
    this.#release?.();
  }

  get #path(): string {
    return this.#file ? join(this.#file.folder, FILE) : ':memory:';
  }

  #open(): DatabaseSync {
    try {
      return this.#prepare(new DatabaseSync(this.#path));
    } catch (error) {
      if (!this.#file) throw error;
      // Damaged, or no database at all.
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#path}${suffix}`, { force: true });
      return this.#prepare(new DatabaseSync(this.#path));
    }
  }

  #prepare(db: DatabaseSync): DatabaseSync {
    try {
      if (this.#file) {
        chmodSync(this.#path, SECRET_FILE);
        db.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -${CACHE_KIB}`);
      }
      db.exec(TABLES);
      if (this.isInMemory) db.exec(BOUNDED);
      else db.exec('begin');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }
}
