import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One start per data folder: two brokers on one log would destroy it. Returns what releases it. */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'start.pid');
  // Twice: the first try may find the lock of a start that was killed.
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => {
        rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(readOr(file, '0'));
      if (isStart(owner) || tries > 0) {
        throw new Error(`${folder} is in use by process ${owner}: stop that one (kill ${owner}), or choose another folder with --data`, {
          cause: error,
        });
      }
      rmSync(file, { force: true });
    }
  }
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
