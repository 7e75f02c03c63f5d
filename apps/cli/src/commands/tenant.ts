import type { Command } from 'commander';

import { registerTenant, textOf } from '#adapters';
import { isTenantId, originOf } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { group } from '../group.ts';
import { TENANT_FORM } from '../tenant.ts';

export function register(program: Command): void {
  group(program, 'tenant', 'tenants of the ledger')
    .command('add')
    .description('register a tenant and open its log; runs where the ledger seed and the admin key are')
    .argument('<name>', `id: ${TENANT_FORM}`)
    .action(async (name: string, _options: unknown, command: Command) => {
      if (!isTenantId(name)) throw new CliError(`name: expected ${TENANT_FORM}, got "${name}"`);
      const context = new Context(command);
      const { home } = context;
      const control = registerTenant(home, name);
      const { lane } = control;
      const [entered] = await enter(context, [control]).catch((error: unknown) => {
        const isKnown = error instanceof CliError && error.message.endsWith('(exists)');
        throw isKnown ? new CliError(`tenant ${name} is on the ledger already`, INVALID) : error;
      });
      if (!entered) throw new Error(`${name} was registered without an entry`);
      const { predicate } = entered.statement;
      const [origin, vkey] = [originOf(home.config.name, textOf(predicate, 'logId')), textOf(predicate, 'vkey')];
      context.print(`tenant ${name} on lane ${lane}: ${origin}`, { tenant: name, lane, origin, vkey });
    });
}
