import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One start per data folder: two brokers on one log would destroy it. Returns what releases it. The lock appears together with its owner's
 * number, and one that a killed start left is taken away by renaming, so of two starts at the same moment one goes on.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'start.pid');
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    // Twice: the first try may find the lock of a start that was killed.
    for (let tries = 0; ; tries++) {
      try {
        linkSync(own, file); // unlike a write, never a lock without a number in it
        return () => {
          rmSync(file, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const text = readOr(file, '');
        if (tries > 0 || isStart(Number(text)) || !takeAway(file, text)) {
          const owner = readOr(file, text);
          throw new Error(`${folder} is in use by process ${owner}: stop that one (kill ${owner}), or choose another folder with --data`, {
            cause: error,
          });
        }
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes the lock that holds exactly `text`; false, and the lock put back, when it was another start's by now. */
function takeAway(file: string, text: string): boolean {
  const taken = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, taken);
  } catch {
    return true; // somebody else took it away: the next try tells who has it now
  }
  const isSame = readOr(taken, '') === text;
  if (!isSame) linkSync(taken, file);
  rmSync(taken, { force: true });
  return isSame;
}

/** Alive, and not another program that got the number after a reboot. */
function isStart(pid: number): boolean {
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const command = readOr(`/proc/${pid}/cmdline`, 'node');
  return command.includes('node') || command.includes('countersign');
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
