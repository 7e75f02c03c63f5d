import { join } from 'node:path';

import { InUse, makeFolders, Ownership, SECRET_FOLDER } from '#adapters';

/** One start per data folder: two brokers on one log would destroy it. Returns what releases it. */
export function lockFolder(folder: string): () => void {
  makeFolders(folder, SECRET_FOLDER);
  try {
    const ownership = Ownership.take(join(folder, 'start'));
    return () => {
      ownership.release();
    };
  } catch (cause) {
    if (!(cause instanceof InUse)) throw cause;
    throw new Error(`${folder} is in use by ${cause.owner}: stop that one, or choose another folder with --data`, { cause });
  }
}
