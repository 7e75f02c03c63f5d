import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Command } from 'commander';

import { entryBundles, hashTiles } from '#domain';

import { Context } from '../context.ts';
import { CliError, explain } from '../errors.ts';
import { type ExportedTree, readTree } from '../exported-tree.ts';
import { group } from '../group.ts';
import { save } from '../output.ts';

interface Options {
  readonly tenant: string;
  readonly out: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('tiles')
    .description('a log as static files, C2SP tlog-tiles: checkpoint, tile/..., tile/entries/... and nothing else')
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>')
    .requiredOption('--out <dir>', 'folder, empty or not there yet')
    .action(async ({ tenant, out }: Options, command: Command) => {
      const context = new Context(command);
      makeEmpty(out); // before the ledger is read, which may take a while
      const tree = await readTree(context, tenant);
      const files = writeTiles(tree, out);
      const size = tree.entries.length;
      context.print(`${out}: ${size} entries, ${files.length} files`, { origin: tree.origin, treeSize: String(size), files });
    });
}

/** The checkpoint last: who sees it finds everything that it covers. Paths below `folder`. */
export function writeTiles({ entries, leafHashes, checkpoint }: ExportedTree, folder: string): string[] {
  const files: string[] = [];
  for (const tiles of [entryBundles(entries), hashTiles(leafHashes)]) {
    for (const { path, bytes } of tiles) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      save(file, bytes);
      files.push(path);
    }
  }
  save(join(folder, 'checkpoint'), checkpoint);
  return [...files, 'checkpoint'];
}

function makeEmpty(folder: string): void {
  let there: string[];
  try {
    mkdirSync(folder, { recursive: true });
    there = readdirSync(folder);
  } catch (error) {
    throw new CliError(`--out ${folder} cannot be used (${explain(error)})`);
  }
  if (there.length > 0) throw new CliError(`--out ${folder} is not empty: tiles of an older export would stay among the new ones`);
}
