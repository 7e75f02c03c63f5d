import { join } from 'node:path';

import type { Command } from 'commander';

import { Context } from '../context.ts';
import { dsseOf, entryOf, ledgerSeed } from '../dsse.ts';
import { group } from '../group.ts';
import { makeOut, save } from '../output.ts';
import { indexFrom, soughtReceipt } from '../sought.ts';
import { tenantOrSystem } from '../tenant.ts';

interface Options {
  readonly tenant: string;
  readonly index: string;
  readonly out: string;
  readonly keys?: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('receipt')
    .description('write <index>.tlog-proof, <index>.entry.json (the exact bytes) and, where the ledger seed is, <index>.dsse.json')
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>', tenantOrSystem)
    .requiredOption('--index <n>', 'of the entry in its tree')
    .requiredOption('--out <dir>', 'folder, made when missing')
    .option('--keys <dir>', 'folder with ledger.seed (default: keys of the data folder)')
    .action(async (options: Options, command: Command) => {
      await exportReceipt(new Context(command), options);
    });
}

async function exportReceipt(context: Context, { tenant, index, out, keys }: Options): Promise<void> {
  const { home } = context;
  const seed = ledgerSeed(home, keys);
  const found = await soughtReceipt(context, tenant, indexFrom('--index', index));
  const dsse = seed && dsseOf(keys === undefined ? home.ledgerSeeds() : seed, found);
  makeOut(out);
  const files = [write(out, `${index}.tlog-proof`, found.record.proof), write(out, `${index}.entry.json`, entryOf(found.record))];
  if (dsse === undefined) context.note('no DSSE envelope: it is signed where the ledger seed is (keys/ledger.seed, or --keys)');
  else files.push(write(out, `${index}.dsse.json`, dsse));
  context.print(files.join('\n'), { files, dsse: dsse !== undefined });
}

function write(folder: string, name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  save(file, content);
  return file;
}
