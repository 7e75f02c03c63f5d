import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { freePort } from '../broker/free-port.ts';
import { leash } from '../broker/leash.ts';
import { commandLine, isAlive, processesIn, terminate } from '../broker/process.ts';
import { writeWhole } from '../home/files.ts';
import { InUse, Ownership } from '../home/ownership.ts';
import { messageOf } from '../kafka/errors.ts';
import { NOBODY, postgresBinaries, reachableFolder } from './binaries.ts';

export interface EmbeddedPostgres {
  /** Of the superuser `postgres`, with its password; loopback alone. */
  readonly url: string;
  readonly pid: number;
  /** Where its data is. */
  readonly folder: string;
  /** Resolves once it has ended, in whatever way. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}
export interface EmbeddedPostgresOptions {
  /** Everything of this database lives here. One database for each folder. As root, and when others may not reach it, a folder in /var/tmp. */
  readonly dataDir: string;
}

/** Unit ms. Measured 0.6 s for the first start, 0.03 s for the next ones; recovery and a busy machine take longer. */
const READY_MAX_MS = 60_000;
/** Unit ms. A fast stop ends sessions, and writes a checkpoint. */
const STOP_MAX_MS = 5000;
const SUPERUSER = 'postgres';

/**
 * Runs a real PostgreSQL as a child. Detached, so that Ctrl-C does not end it before those who still write to it; on a leash, so that it does not
 * outlive this process. The folder is locked for as
 * long as it runs; one that a killed run left behind on it is stopped first. It listens on 127.0.0.1, asks for a password, and has no Unix socket.
 */
export async function startEmbeddedPostgres({ dataDir }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const asNobody = process.getuid?.() === 0;
  const native = postgresBinaries(asNobody);
  const folder = reachableFolder(resolve(dataDir), asNobody);
  const ownership = owned(folder);
  try {
    const database = await start(native, folder, asNobody);
    void database.ended.then(() => {
      ownership.release();
    });
    return database;
  } catch (error) {
    ownership.release();
    throw error;
  }
}

/** Two of them on one data folder would destroy it. */
function owned(folder: string): Ownership {
  try {
    mkdirSync(folder, { recursive: true });
    return Ownership.take(join(folder, 'postgres'));
  } catch (cause) {
    if (!(cause instanceof InUse)) throw cause;
    throw new Error(`embedded PostgreSQL: ${folder} is in use by ${cause.owner}: stop it, or use another data folder`, { cause });
  }
}

async function start(native: string, folder: string, asNobody: boolean): Promise<EmbeddedPostgres> {
  const files = filesOf(folder);
  await stopLeftover(files);
  await removeStaleLock(files);
  const password = await initialised(native, files, asNobody);
  const port = await freePort();
  const log = openSync(files.log, 'w', 0o600);
  const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, 'unix_socket_directories=', 'timezone=UTC', 'log_timezone=UTC'];
  const args = ['-D', files.data, ...settings.flatMap((setting) => ['-c', setting])];
  const lead = leash(files.data, 'INT');
  const child = spawn(join(native, 'bin', 'postgres'), args, {
    ...runAs(asNobody, files.data),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  child.on('error', () => undefined); // it has no process id then
  const { pid } = child;
  if (pid === undefined) {
    lead.off();
    throw new Error('embedded PostgreSQL: it could not be started');
  }
  lead.hold(pid);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  void ended.then(() => {
    lead.off();
  });
  await untilReady(pid, files);
  let stopping: Promise<void> | undefined;
  return {
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`,
    pid,
    folder,
    ended,
    stop: () => {
      child.ref(); // or its end may not be waited for
      return (stopping ??= stop(pid, files).then(() => ended));
    },
  };
}

interface Files {
  readonly data: string;
  readonly password: string;
  readonly log: string;
  readonly pidFile: string;
}

function filesOf(dir: string): Files {
  const data = join(dir, 'data');
  return {
    data,
    password: join(dir, 'password'),
    log: join(dir, 'postgres.log'),
    pidFile: join(data, 'postmaster.pid'),
  };
}

function runAs(asNobody: boolean, cwd: string) {
  return { cwd, env: { PATH: process.env['PATH'], LC_ALL: 'C' }, ...(asNobody ? { uid: NOBODY, gid: NOBODY } : {}) };
}

/** The superuser's password; the database is made when there is none. The password comes last: without it an initdb was cut off. */
async function initialised(native: string, files: Files, asNobody: boolean): Promise<string> {
  if (existsSync(files.password)) return readFileSync(files.password, 'utf8').trim();
  rmSync(files.data, { recursive: true, force: true });
  mkdirSync(files.data, { mode: 0o700 });
  const password = randomBytes(24).toString('hex');
  const given = join(files.data, '..', 'initial-password');
  writeFileSync(given, `${password}\n`, { mode: 0o600 });
  if (asNobody) for (const path of [files.data, given]) chownSync(path, NOBODY, NOBODY);
  const who = ['-U', SUPERUSER, '--pwfile', given, '--auth', 'scram-sha-256'];
  const args = ['-D', files.data, ...who, '--encoding', 'UTF8', '--locale', 'C', '--no-instructions'];
  try {
    await promisify(execFile)(join(native, 'bin', 'initdb'), args, { ...runAs(asNobody, files.data), timeout: READY_MAX_MS });
  } catch (error) {
    throw new Error(`embedded PostgreSQL: initdb failed: ${messageOf(error)}`, { cause: error });
  } finally {
    rmSync(given, { force: true });
  }
  writeWhole(files.password, `${password}\n`, 0o600);
  return password;
}

/** PostgreSQL writes `ready` into the eighth line of postmaster.pid once it takes connections. */
async function untilReady(pid: number, files: Files): Promise<void> {
  const deadline = performance.now() + READY_MAX_MS;
  for (;;) {
    const lines = readOr(files.pidFile).split('\n');
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return;
    const why = !isAlive(pid) ? 'it ended' : performance.now() > deadline ? `it was not ready after ${READY_MAX_MS} ms` : undefined;
    if (why !== undefined) {
      await terminate(pid, STOP_MAX_MS);
      throw new Error(
        `embedded PostgreSQL: ${why}. What it said (${files.log}):\n${readOr(files.log).trimEnd().split('\n').slice(-10).join('\n')}`,
      );
    }
    await delay(10);
  }
}

/** SIGINT is its fast stop: SIGTERM would wait for sessions to end by themselves. */
async function stop(pid: number, files: Files): Promise<void> {
  if (!isOurs(pid, files)) return;
  process.kill(pid, 'SIGINT');
  const deadline = performance.now() + STOP_MAX_MS;
  while (isAlive(pid) && performance.now() < deadline) await delay(10);
  if (isAlive(pid)) await terminate(pid, STOP_MAX_MS);
}

/** Its starter has ended, as the lock is ours. */
async function stopLeftover(files: Files): Promise<void> {
  const pid = Number(readOr(files.pidFile).split('\n')[0]);
  if (pid > 0) await stop(pid, files);
}

/**
 * PostgreSQL refuses a folder whose lock file names a process id that is taken, though it be by a zombie that nobody collects, by one that SIGKILL
 * is still taking apart, or by a stranger. Each of its own processes works in the folder: without any, the file is stale. Linux only.
 */
async function removeStaleLock({ data, pidFile }: Files): Promise<void> {
  if (!existsSync(pidFile) || !existsSync('/proc/self/cwd')) return;
  const folder = realpathSync(data);
  const deadline = performance.now() + STOP_MAX_MS;
  while (processesIn(folder).length > 0) {
    if (performance.now() > deadline) return; // PostgreSQL says why it does not start
    await delay(10);
  }
  rmSync(pidFile, { force: true });
}

/** A process id may be somebody else's by now. */
const isOurs = (pid: number, { data }: Files): boolean => isAlive(pid) && commandLine(pid).includes(`-D ${data} `);

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
