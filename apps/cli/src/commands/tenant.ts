import type { Command } from 'commander';

import { registerTenant } from '#adapters';
import { isTenantId } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { group } from '../group.ts';
import { TENANT_FORM } from '../tenant.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

export function register(program: Command): void {
  group(program, 'tenant', 'tenants of the ledger')
    .command('add')
    .description('register a tenant and open its log; runs where the ledger seed and the admin key are')
    .argument('<name>', `id: ${TENANT_FORM}`)
    .action(async (name: string, _options: unknown, command: Command) => {
      if (!isTenantId(name)) throw new CliError(`name: expected ${TENANT_FORM}, got "${name}"`);
      const context = new Context(command);
      const facts = await context.control([laneOfTree(context.home, name)], (known) => {
        if (known.tenants.has(name)) throw new CliError(`tenant ${name} is on the ledger already`, INVALID);
        return [registerTenant(context.home, name)];
      });
      const { origin, vkey, lane } = knownTenant(facts, name);
      context.print(`tenant ${name} on lane ${lane}: ${origin}`, { tenant: name, lane, origin, vkey });
    });
}
