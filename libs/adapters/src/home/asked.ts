/** When each action was first asked for from this data folder: every later copy of it says the same time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { sha256Hex } from '#crypto';
import { formatTime, parseTime, utf8 } from '#domain';

import { makeFolder, SECRET_FILE, SECRET_FOLDER, writeNew } from './files.ts';

/** POSIX milliseconds: `nowMs` for an id that was never asked for here. Kept for ever, and by the first of two processes that ask at once. */
export function firstAskedAt(
  folder: string,
  action: { readonly tenant: string; readonly issuer: string; readonly id: string },
  nowMs: number,
): number {
  const asked = join(folder, 'asked');
  makeFolder(asked, SECRET_FOLDER);
  const file = join(asked, sha256Hex(utf8(`${action.tenant}\0${action.issuer}\0${action.id}`)));
  writeNew(file, `${formatTime(nowMs)}\n`, SECRET_FILE);
  return parseTime(readFileSync(file, 'utf8').trim());
}
