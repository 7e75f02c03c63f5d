import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** `owner` is the process id in the lock, or what else stands there. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
  constructor(
    readonly path: string,
    readonly owner: string,
  ) {
    super(`${path} is in use by process ${owner}`);
  }
}

/**
 * One process, and one holder in it. Returns what releases it; throws LockedError. The lock appears together with its owner's number, and one
 * that a killed process left is taken away by renaming, so of two at the same moment one goes on. On a folder that several machines share it
 * holds nobody off but the own machine's processes.
 */
export function lockFile(name: string): () => void {
  const path = resolve(name);
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    if (!link(own, path) && (isTaken(path) || !takeAway(path) || !link(own, path))) throw new LockedError(path, readOr(path, 'unknown'));
  } finally {
    rmSync(own, { force: true });
  }
  held.add(path);
  return () => {
    held.delete(path);
    rmSync(path, { force: true });
  };
}

/** A process id says nothing about two holders in one process. */
const held = new Set<string>();

function link(own: string, path: string): boolean {
  try {
    linkSync(own, path); // unlike a write, never a lock without a number in it
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** By somebody who lives, and is not another program that got the number after a reboot. */
function isTaken(path: string): boolean {
  const pid = Number(readOr(path, '0'));
  if (!(pid > 0)) return false;
  if (pid === process.pid) return held.has(path);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const command = readOr(`/proc/${pid}/cmdline`, 'node');
  return command.includes('node') || command.includes('countersign');
}

/** False, and the lock put back, when it was another process's by now. */
function takeAway(path: string): boolean {
  const text = readOr(path, '');
  const taken = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, taken);
  } catch {
    return true; // somebody else took it away: the next link tells who has it now
  }
  const isSame = readOr(taken, '') === text;
  if (!isSame) linkSync(taken, path);
  rmSync(taken, { force: true });
  return isSame;
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
