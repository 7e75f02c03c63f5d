import { dirname, join } from 'node:path';

import type { Command } from 'commander';

import { entryBundles, hashTiles } from '#domain';

import { Context } from '../context.ts';
import { type ExportedTree, readTree } from '../exported-tree.ts';
import { group } from '../group.ts';
import { demandEmpty, makeOut, save } from '../output.ts';
import { tenantOrSystem } from '../tenant.ts';

interface Options {
  readonly tenant: string;
  readonly out: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('tiles')
    .description('a log as static files, C2SP tlog-tiles: checkpoint, tile/..., tile/entries/... and nothing else')
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>', tenantOrSystem)
    .requiredOption('--out <dir>', 'folder, empty or not there yet')
    .action(async ({ tenant, out }: Options, command: Command) => {
      const context = new Context(command);
      demandEmpty(out);
      const tree = await readTree(context, tenant);
      const files = writeTiles(tree, out);
      const size = tree.entries.length;
      context.print(`${out}: ${size} entries, ${files.length} files`, { origin: tree.origin, treeSize: String(size), files });
    });
}

/** The checkpoint last: who sees it finds everything that it covers. Paths below `folder`. */
export function writeTiles({ entries, leafHashes, checkpoint }: ExportedTree, folder: string): string[] {
  makeOut(folder);
  const files: string[] = [];
  for (const tiles of [entryBundles(entries), hashTiles(leafHashes)]) {
    for (const { path, bytes } of tiles) {
      const file = join(folder, path);
      makeOut(dirname(file));
      save(file, bytes);
      files.push(path);
    }
  }
  save(join(folder, 'checkpoint'), checkpoint);
  return [...files, 'checkpoint'];
}
