import type { Command } from 'commander';

import { Context } from '../context.ts';
import { dsseOf, ledgerSeed } from '../dsse.ts';
import { CliError } from '../errors.ts';
import { group } from '../group.ts';
import { emit } from '../output.ts';
import { indexFrom, soughtReceipt } from '../sought.ts';
import { tenantOrSystem } from '../tenant.ts';

interface Options {
  readonly tenant: string;
  readonly index: string;
  readonly keys?: string;
  readonly out?: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('dsse')
    .description("an entry as a DSSE envelope, signed by the log's own key: only where the ledger seed is")
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>', tenantOrSystem)
    .requiredOption('--index <n>', 'of the entry in its tree')
    .option('--keys <dir>', 'folder with ledger.seed (default: keys of the data folder)')
    .option('--out <file>', 'file to write (default: stdout)')
    .action(async (options: Options, command: Command) => {
      await exportDsse(new Context(command), options);
    });
}

async function exportDsse(context: Context, { tenant, index, keys, out }: Options): Promise<void> {
  const { home } = context;
  const seed = ledgerSeed(home, keys);
  if (!seed)
    throw new CliError(`no ledger.seed in ${keys ?? 'keys of the data folder'}: an envelope is signed where it is, or give --keys`);
  const found = await soughtReceipt(context, tenant, indexFrom('--index', index));
  const envelope = dsseOf(keys === undefined ? home.ledgerSeeds() : seed, found);
  emit(context, envelope, { out, json: { envelope: JSON.parse(envelope) as unknown } });
}
