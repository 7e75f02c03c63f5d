/** What goes to an --out. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';

import { makeFolders } from '#adapters';

import type { Context } from './context.ts';
import { CliError, explain } from './errors.ts';

/** A file's exact bytes: to `out` when given, then named on stdout, else to stdout as they are. With --json one value instead. */
export function emit(context: Context, text: string, { out, json }: { out: string | undefined; json: object }): void {
  if (out === undefined) {
    if (context.json) context.print('', json);
    else process.stdout.write(text);
    return;
  }
  save(out, text);
  context.print(out, { ...json, file: out });
}

export function save(file: string, content: string | Uint8Array): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw unusable(file, error, isFolder(file) ? 'it is a folder: name a file' : 'name a file in a folder that is there and yours');
  }
}

/** Makes the folder, and those above it, when missing. */
export function makeOut(folder: string): void {
  try {
    makeFolders(demandName(folder));
  } catch (error) {
    throw unusable(folder, error, isFile(folder) ? NO_FOLDER : 'name a folder at a place where you may make one');
  }
}

/** Makes nothing: asked before a ledger is read, which may take a while. */
export function demandEmpty(folder: string): void {
  let there: string[];
  try {
    there = existsSync(demandName(folder)) ? readdirSync(folder) : [];
  } catch (error) {
    throw unusable(folder, error, isFile(folder) ? NO_FOLDER : 'name a folder that you may read');
  }
  if (there.length > 0) {
    throw new CliError(`--out ${folder} is not empty: name a new folder, or files of an older export would stay among the new ones`);
  }
}

const NO_FOLDER = 'it is a file: name a folder, which is made when missing';

function demandName(folder: string): string {
  if (folder === '') throw new CliError('--out: expected the name of a folder, got ""');
  return folder;
}

function unusable(path: string, error: unknown, advice: string): CliError {
  return error instanceof CliError ? error : new CliError(`--out ${path} cannot be used (${explain(error)}): ${advice}`);
}

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();
const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();
