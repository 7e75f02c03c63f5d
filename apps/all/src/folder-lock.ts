import { join } from 'node:path';

import { LockedError, lockFile, makeFolders, SECRET_FOLDER } from '#adapters';

/** One start per data folder: two brokers on one log would destroy it. Returns what releases it. */
export function lockFolder(folder: string): () => void {
  makeFolders(folder, SECRET_FOLDER);
  try {
    return lockFile(join(folder, 'start.pid'));
  } catch (cause) {
    if (!(cause instanceof LockedError)) throw cause;
    const { owner } = cause;
    throw new Error(`${folder} is in use by process ${owner}: stop that one (kill ${owner}), or choose another folder with --data`, {
      cause,
    });
  }
}
