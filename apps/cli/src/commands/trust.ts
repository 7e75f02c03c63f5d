import type { Command } from 'commander';

import { formatTrust } from '#domain';

import { Context } from '../context.ts';
import { tenantOrSystem } from '../tenant.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

export function register(program: Command): void {
  program
    .command('trust')
    .description("print the trust file of a tenant's log: hand it to whoever verifies, by a way they trust")
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>', tenantOrSystem)
    .action(async ({ tenant }: { tenant: string }, command: Command) => {
      const context = new Context(command);
      const { origin, vkey } = knownTenant(await context.facts([laneOfTree(context.home, tenant)]), tenant);
      const trust = formatTrust(vkey);
      context.print(trust.trimEnd(), { tenant, origin, vkey, trust });
    });
}
