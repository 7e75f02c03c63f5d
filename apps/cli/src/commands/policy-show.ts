import type { Command } from 'commander';

import { LedgerFollower } from '#adapters';
import { LedgerBroken } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { group } from '../group.ts';
import { type InForce, InForceReader, parseAt } from '../in-force.ts';
import { tenantOrSystem } from '../tenant.ts';
import { laneOfTree } from '../tree.ts';

interface Options {
  readonly at?: string;
  readonly tenant?: string;
}

export function register(program: Command): void {
  group(program, 'policy', 'policy bundles: check, test, activate, compare them')
    .command('show')
    .description('which bundle is in force, or was: by the ledger, on every lane or for one tenant')
    .option('--at <time|index>', "a time, or an index of the tenant's tree (default: now)")
    .option('--tenant <id>', 'tenant, or _system.<lane>; needed for an index', tenantOrSystem)
    .action(async (options: Options, command: Command) => {
      await show(new Context(command), options);
    });
}

async function show(context: Context, { at: text, tenant }: Options): Promise<void> {
  const at = parseAt(text);
  if (tenant === undefined && typeof at === 'object' && 'index' in at)
    throw new CliError('--at: an index is of one tree: say whose with --tenant');
  const { lanes } = context.home.config;
  const trees = tenant === undefined ? Array.from({ length: lanes }, (_, lane) => `_system.${lane}`) : [tenant];
  const shown = [];
  for (const tree of trees) shown.push({ tree, inForce: (await read(context, new InForceReader(tree, at), tree)) ?? null });
  context.print(shown.map(({ tree, inForce }) => lineOf(tree, inForce)).join('\n'), shown);
}

async function read(context: Context, reader: InForceReader, tree: string): Promise<InForce | undefined> {
  const follower = await LedgerFollower.open(context.home, context.brokers, [laneOfTree(context.home, tree)]);
  try {
    await follower.catchUp((entry) => {
      reader.add(entry);
    }, context.progress('reading the ledger'));
  } catch (error) {
    throw error instanceof LedgerBroken ? new CliError(`${error.message}: countersign doctor says more`, INVALID) : error;
  } finally {
    await follower.close();
  }
  if (reader.size === 0) throw new CliError(`the ledger has no tenant ${tree}: countersign tenant add ${tree} registers it`, INVALID);
  return reader.inForce;
}

const lineOf = (tree: string, inForce: InForce | null): string =>
  inForce
    ? `${tree}: ${inForce.name} ${inForce.digest}, since ${inForce.activatedAt} (entry ${inForce.index} of its lane's system log)`
    : `${tree}: no bundle`;
