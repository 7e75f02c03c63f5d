import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The command line of a process, or '' when it does not exist or cannot be read. */
export function commandLine(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/** Processes that were started with all of these arguments, each exactly so. Linux only; none elsewhere. */
export function processesWith(...wanted: readonly string[]): number[] {
  const pids = list('/proc').filter((name) => /^[1-9]\d*$/.test(name));
  return pids.map(Number).filter((pid) => {
    const given = argumentsOf(pid);
    return wanted.every((argument) => given.includes(argument)) && isAlive(pid);
  });
}

/** Living processes whose working folder is this one. Linux only; none elsewhere. */
export function processesIn(folder: string): number[] {
  const pids = list('/proc').filter((name) => /^[1-9]\d*$/.test(name));
  return pids.map(Number).filter((pid) => workingFolderOf(pid) === folder);
}

/** SIGTERM, then SIGKILL after `killAfterMs`. Resolves when the process is gone. */
export async function terminate(pid: number, killAfterMs: number): Promise<void> {
  signal(pid, 'SIGTERM');
  if (await gone(pid, killAfterMs)) return;
  signal(pid, 'SIGKILL');
  if (!(await gone(pid, 5000))) throw new Error(`process ${pid} outlives SIGKILL`);
}

async function gone(pid: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Already gone: what we wanted.
  }
}

/** A killed child whose parent has not collected it yet (Linux only): it holds no port and no lock any more. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z'; // the name before it may hold anything
  } catch {
    return false;
  }
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}

/** undefined when it has ended, as a zombie has, or is somebody else's. */
function workingFolderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not Linux
  }
}
