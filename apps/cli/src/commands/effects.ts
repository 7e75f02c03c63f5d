import type { Command } from 'commander';

import { EffectList, formatEffects } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { followLedger } from '../story.ts';
import { tenantOrSystem } from '../tenant.ts';

export function register(program: Command): void {
  program
    .command('effects')
    .description('what was claimed and is not over: claim, executor, since when, due when, and whether anybody knows if it happened')
    .option('--tenant <id>', 'of one tenant only', tenantOrSystem)
    .action(async ({ tenant }: { tenant?: string }, command: Command) => {
      await effects(new Context(command), tenant);
    });
}

async function effects(context: Context, tenant: string | undefined): Promise<void> {
  const open = new EffectList();
  let isKnown = tenant === undefined;
  await followLedger(context, tenant, ({ record, kind, statement }) => {
    if (tenant !== undefined && record.tenant !== tenant) return;
    isKnown = true;
    open.add({ tenant: record.tenant, kind, statement });
  });
  if (!isKnown) throw new CliError(`the ledger has no tenant ${tenant ?? ''}: countersign tenant add registers it`, INVALID);
  const list = open.list();
  context.print(formatEffects(list), list);
}
