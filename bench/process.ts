import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** As docker-compose.yml runs the services. What lives no longer than a batch is not copied about; a notary's buffers are freed soon. */
const youngSpace = (name: string): string => `--max-semi-space-size=${name === 'notary' ? 8 : 64}`;

/** A service or a hop, as a process of its own. */
export interface Worker {
  readonly name: string;
  readonly pid: number;
  /** The line that `isReady` accepted. */
  readonly readyLine: string;
  /** As a power cut does. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a TypeScript entry of the repository and resolves when `isReady` accepts a line of its output. */
export function startWorker(
  name: string,
  entry: string,
  { args = [], env = {}, isReady }: { args?: string[]; env?: Record<string, string>; isReady: (line: string) => boolean },
): Promise<Worker> {
  const child = spawn(process.execPath, [youngSpace(name), '--import', './scripts/register.mjs', entry, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let log = '';
    let isUp = false;
    const onData = (chunk: Buffer): void => {
      if (isUp) return; // read on all the same, or it would stand still before a full pipe
      log = (log + chunk.toString()).slice(-8192); // enough of the end to tell why it failed
      const readyLine = log.split('\n').find(isReady);
      if (readyLine === undefined) return;
      isUp = true;
      resolve(workerOf(name, child, readyLine));
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.once('exit', (code) => {
      reject(new Error(`${name} ended with ${code ?? 'a signal'} before it was ready:\n${log}`));
    });
  });
}

function workerOf(name: string, child: ChildProcess, readyLine: string): Worker {
  const pid = child.pid ?? 0;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { name, pid, readyLine, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

/** Whose memory and time count: the workers, and the broker when it is our own. */
export const watched = (workers: readonly Worker[], { pid }: { readonly pid?: number }): { name: string; pid: number }[] => [
  ...workers.map((worker) => ({ name: worker.name, pid: worker.pid })),
  ...(pid === undefined ? [] : [{ name: 'broker', pid }]),
];

/** Unit ms: processor time used so far, by all threads. Linux only; 0 elsewhere. */
export function processorTimeOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS; // utime and stime
  } catch {
    return 0;
  }
}
/** Linux counts in hundredths of a second. */
const TICK_MS = 10;

/** Unit MiB: resident memory now, and at most so far. Linux only; 0 elsewhere. */
export function memoryOf(pid: number): { now: number; peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const read = (field: string): number => Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
    return { now: read('VmRSS'), peak: read('VmHWM') };
  } catch {
    return { now: 0, peak: 0 };
  }
}
