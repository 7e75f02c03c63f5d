import type { Command } from 'commander';

import { hex } from '#domain';

import { Context } from '../context.ts';
import { readTree } from '../exported-tree.ts';
import { group } from '../group.ts';
import { emit } from '../output.ts';
import { tenantOrSystem } from '../tenant.ts';

interface Options {
  readonly tenant: string;
  readonly out?: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('checkpoint')
    .description('the newest checkpoint of a log, as it was signed')
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>', tenantOrSystem)
    .option('--out <file>', 'file to write (default: stdout)')
    .action(async ({ tenant, out }: Options, command: Command) => {
      const context = new Context(command);
      const { origin, checkpoint, entries, root } = await readTree(context, tenant);
      emit(context, checkpoint, { out, json: { origin, treeSize: String(entries.length), root: hex(root), checkpoint } });
    });
}
