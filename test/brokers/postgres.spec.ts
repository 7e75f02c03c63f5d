import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';

import { chooseDatabase, type EmbeddedPostgres, startEmbeddedPostgres } from '#adapters';

const running: EmbeddedPostgres[] = [];
const folders: string[] = [];
const strangers: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'countersign-postgres-'));
  folders.push(made);
  chmodSync(made, 0o755); // so that a database of root's can reach it
  return made;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dataDir });
  running.push(database);
  folders.push(database.folder);
  return database;
}

async function ask(url: string, text: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ answer: unknown }>(text)).rows[0]?.answer;
  } finally {
    await client.end();
  }
}

/** A database that was stopped, and a stranger, who works in that folder of it, with the process id that its lock file names. */
async function lockedBy(cwd: string): Promise<{ data: string }> {
  const first = await start(folder());
  await first.stop();
  const data = join(first.folder, 'data');
  const { uid } = statSync(data); // PostgreSQL takes no other user's process for its own
  const stranger = spawn('sleep', ['600'], { cwd: resolve(first.folder, cwd), ...(process.getuid?.() === 0 ? { uid } : {}) });
  strangers.push(stranger);
  writeFileSync(join(data, 'postmaster.pid'), `${stranger.pid}\n${data}\n`);
  return { data };
}

describe('embedded PostgreSQL', () => {
  it('keeps its data over a stop, and lets nobody in without the password', async () => {
    const dataDir = folder();
    const first = await start(dataDir);
    await ask(first.url, 'create table kept as select 7 as answer');
    await expect(ask(first.url.replace(/:[0-9a-f]+@/, ':wrong@'), 'select 1')).rejects.toThrow(/password/);
    await first.stop();
    await expect(ask(first.url, 'select 1')).rejects.toThrow();
    const second = await start(dataDir);
    expect(await ask(second.url, 'select answer from kept')).toBe(7);
    expect(
      await ask(second.url, "select current_setting('listen_addresses') || current_setting('unix_socket_directories') as answer"),
    ).toBe('127.0.0.1');
  });

  it('refuses a second start on a folder in use', async () => {
    const dataDir = folder();
    await start(dataDir);
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/in use by process/);
  });

  it('goes on after it was killed, and recovers what was committed', async () => {
    const dataDir = folder();
    const first = await start(dataDir);
    await ask(first.url, 'create table kept as select 8 as answer');
    process.kill(first.pid, 'SIGKILL');
    await first.stop();
    expect(await ask((await start(dataDir)).url, 'select answer from kept')).toBe(8);
  });

  it.runIf(process.platform === 'linux')('starts though its lock file names a process id that something else has by now', async () => {
    const { data } = await lockedBy('/');
    expect(await ask((await start(dirname(data))).url, 'select 10 as answer')).toBe(10);
  });

  it.runIf(process.platform === 'linux')('does not start while that process works in its folder', async () => {
    const { data } = await lockedBy('data');
    await expect(start(dirname(data))).rejects.toThrow(/lock file/);
  });

  it('is reached in a folder that is closed to others', async () => {
    const dataDir = folder();
    chmodSync(dataDir, 0o700);
    expect(await ask((await start(join(dataDir, 'postgres'))).url, 'select 9 as answer')).toBe(9);
  });

  it('is not started where DATABASE_URL names another, whose password is in no line', async () => {
    const url = 'postgres://me:secret@db.example:5432/app';
    const chosen = await chooseDatabase({ env: { DATABASE_URL: url }, dataDir: folder() });
    expect([chosen.url, chosen.kind, chosen.line]).toEqual([url, 'external', 'PostgreSQL: db.example:5432/app (DATABASE_URL)']);
  });
});
