import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';

import { chooseDatabase, type EmbeddedPostgres, startEmbeddedPostgres } from '#adapters';

const running: EmbeddedPostgres[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
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
