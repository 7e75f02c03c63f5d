import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InUse, Ownership } from '../home/ownership.ts';
import { messageOf } from '../kafka/errors.ts';
import { drawClusterId } from './cluster-id.ts';
import { freePort } from './free-port.ts';
import { javaCommand, kafkaJars, repositoryRoot, type Progress } from './jars.ts';
import { leash, type Leash } from './leash.ts';
import { commandLine, isAlive, processesWith, terminate } from './process.ts';
import { serverProperties } from './properties.ts';

export interface EmbeddedBroker {
  readonly brokers: string[];
  readonly pid: number;
  /** Resolves once the broker has ended, in whatever way. */
  readonly ended: Promise<void>;
  /** Path of the file with what it says. */
  readonly log: string;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Everything of this broker lives here: data, ports, process id, log. One broker for each folder. */
  readonly dataDir: string;
  /** Fixed port; else the one of the last start when it is still free, else any. */
  readonly port?: number;
  /** Progress, for people: the first start downloads Kafka. */
  readonly log?: Progress;
  /** Both compilers: for minutes the second costs more than it gives. */
  readonly runsLong?: boolean;
  /** Default true: it ends when this process does, in whatever way. */
  readonly endsWithStarter?: boolean;
  /** Of server.properties, beyond what every broker of ours has. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The folder with pom.xml. */
  readonly root?: string;
}

const HEAP = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC'];
const ONE_COMPILER = '-XX:TieredStopAtLevel=1';
/** Unit ms. Measured 1.7 s on an idle machine; recovery after a kill and a busy machine take longer. */
const READY_MAX_MS = 90_000;
/** Unit ms. A stop flushes and closes segments; what SIGKILL cuts off is recovered from the log on the next start. */
const STOP_MAX_MS = 5000;
const MAIN_CLASS = 'kafka.Kafka';
const READY_LINE = 'Kafka Server started';

/**
 * Runs a real Apache Kafka (one JVM) as a child. Detached, so that Ctrl-C does not end it before the services that still write to it; on a leash, so
 * that it does not outlive this process.
 * The folder is locked for as long as the broker runs. A broker that a killed run left behind on it is stopped first.
 */
export async function startEmbeddedBroker(options: EmbeddedOptions): Promise<EmbeddedBroker> {
  const dir = resolve(options.dataDir);
  const files = filesOf(dir);
  const progress: Progress = options.log ?? (() => undefined);
  mkdirSync(dir, { recursive: true });

  const java = await javaCommand();
  const jars = await kafkaJars(options.root ?? repositoryRoot(), progress);
  const ownership = owned(dir);
  try {
    const broker = await start(java, jars, options, files);
    void broker.ended.then(() => {
      ownership.release();
    });
    return broker;
  } catch (error) {
    ownership.release();
    throw error;
  }
}

/** Of this process, while `startEmbeddedBroker` waits for it. Nothing was written through it yet: the next start finds its log as it was. */
export function killStartingBroker(dataDir: string): void {
  const files = filesOf(resolve(dataDir));
  try {
    const [pid = 0, owner = 0] = readFileSync(files.pid, 'utf8').trim().split(' ').map(Number);
    if (pid > 0 && owner === process.pid && isOurs(pid, files)) process.kill(pid, 'SIGKILL');
  } catch {
    // it has no process yet, or none any more
  }
}

/** Two brokers on one log would destroy it. */
function owned(dir: string): Ownership {
  try {
    return Ownership.take(join(dir, 'broker'));
  } catch (cause) {
    if (!(cause instanceof InUse)) throw cause;
    throw new Error(`embedded broker: ${dir} is in use by ${cause.owner}; stop it, or use another data folder`, { cause });
  }
}

async function start(java: string, jars: string, options: EmbeddedOptions, files: Files): Promise<EmbeddedBroker> {
  const progress: Progress = options.log ?? (() => undefined);
  await stopLeftover(files, progress);
  const { port, controllerPort } = await choosePorts(files.ports, options.port);
  writeFileSync(files.properties, serverProperties({ port, controllerPort, logDir: files.data }, options.settings));

  const classPath = ['-cp', join(jars, '*')];
  await formatOnce(java, classPath, files);
  progress('starting Apache Kafka');
  const lead = options.endsWithStarter === false ? undefined : leash(files.properties, 'TERM');
  const args = [...HEAP, ...(options.runsLong ? [] : [ONE_COMPILER]), ...classPath, MAIN_CLASS, files.properties];
  const child = spawnBroker(java, args, files, lead);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const { pid } = child;
  void ended.then(() => lead?.off());
  await untilReady(pid, files.log);
  return { brokers: [`127.0.0.1:${port}`], pid, ended, log: files.log, stop: stopOnce(child, files, ended) };
}

interface Files {
  readonly properties: string;
  readonly ports: string;
  readonly pid: string;
  readonly log: string;
  readonly data: string;
}

const filesOf = (dir: string): Files => ({
  properties: join(dir, 'server.properties'),
  ports: join(dir, 'ports.json'),
  pid: join(dir, 'broker.pid'),
  log: join(dir, 'broker.log'),
  data: join(dir, 'kafka'),
});

function spawnBroker(java: string, args: string[], files: Files, lead: Leash | undefined): ChildProcess & { readonly pid: number } {
  const log = openSync(files.log, 'w');
  const child = spawn(java, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  const { pid } = child;
  if (pid === undefined) {
    lead?.off();
    throw new Error('embedded broker: java could not be started');
  }
  lead?.hold(pid);
  writeFileSync(files.pid, `${pid} ${process.pid}\n`);
  return Object.assign(child, { pid });
}

async function untilReady(pid: number, logFile: string): Promise<void> {
  const deadline = performance.now() + READY_MAX_MS;
  for (;;) {
    const text = readFileSync(logFile, 'utf8');
    if (text.includes(READY_LINE)) return;
    const why = !isAlive(pid) ? 'it ended' : performance.now() > deadline ? `it was not ready after ${READY_MAX_MS} ms` : undefined;
    if (why !== undefined) {
      await terminate(pid, STOP_MAX_MS);
      throw new Error(`embedded broker: ${why}. What it said (${logFile}):\n${lastWords(readFileSync(logFile, 'utf8'))}`);
    }
    await delay(25);
  }
}

/** Its errors when there are any, else its last lines: a failed start ends with pages about an orderly shutdown. */
function lastWords(text: string): string {
  const lines = text.trimEnd().split('\n');
  const errors = lines.filter((line) => /\b(ERROR|FATAL)\b|Exception|^Error|^Caused by/.test(line));
  return (errors.length > 0 ? errors : lines).slice(-LAST_LINES).join('\n');
}
const LAST_LINES = 20;

function stopOnce(child: ReturnType<typeof spawnBroker>, files: Files, ended: Promise<void>): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    child.ref(); // or its end may not be waited for
    if (isOurs(child.pid, files)) await terminate(child.pid, STOP_MAX_MS);
    await ended; // its lock is free then
    rmSync(files.pid, { force: true });
  };
  return () => (stopping ??= stop());
}

/** A process id may be somebody else's by now: it is ours only when its command line names our own server.properties. */
const isOurs = (pid: number, files: Files): boolean => isAlive(pid) && commandLine(pid).includes(files.properties);

/** Its starter has ended, as the lock is ours. Also one whose starter was killed before it could write down the process id. */
async function stopLeftover(files: Files, progress: Progress): Promise<void> {
  for (const pid of leftovers(files)) {
    progress(`stopping the broker of a run that was killed (process ${pid})`);
    await terminate(pid, STOP_MAX_MS);
  }
  rmSync(files.pid, { force: true });
}

function leftovers(files: Files): number[] {
  const text = existsSync(files.pid) ? readFileSync(files.pid, 'utf8') : '';
  const pid = Number(text.trim().split(' ')[0]);
  const noted = pid > 0 && isOurs(pid, files) ? [pid] : [];
  return [...new Set([...noted, ...processesWith(MAIN_CLASS, files.properties)])];
}

/** The kernel frees Kafka's own `.lock` with its process, so only the format's mark decides. */
async function formatOnce(java: string, classPath: string[], files: Files): Promise<void> {
  if (existsSync(join(files.data, 'meta.properties'))) return;
  rmSync(files.data, { recursive: true, force: true }); // a format that was interrupted: nothing was ever written to it
  const clusterId = drawClusterId();
  const args = [ONE_COMPILER, ...classPath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', files.properties];
  await promisify(execFile)(java, args, { timeout: READY_MAX_MS }).catch((error: unknown) => {
    throw new Error(`embedded broker: the data folder could not be formatted: ${messageOf(error)}`, { cause: error });
  });
}

async function choosePorts(file: string, fixed: number | undefined): Promise<{ port: number; controllerPort: number }> {
  const kept = readPorts(file);
  const port = fixed ?? (await freePort(kept?.port));
  const controllerPort = await freePort(kept?.controllerPort);
  writeFileSync(file, JSON.stringify({ port, controllerPort }));
  return { port, controllerPort };
}

function readPorts(file: string): { port?: number; controllerPort?: number } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { port?: number; controllerPort?: number };
  } catch {
    return undefined; // first start, or a half-written file: any ports will do
  }
}
