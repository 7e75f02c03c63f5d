import type { Command } from 'commander';

import { base64, consistencyProof, formatConsistency } from '#domain';

import { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { readTree, sizeOf } from '../exported-tree.ts';
import { group } from '../group.ts';
import { emit } from '../output.ts';
import { tenantOrSystem } from '../tenant.ts';

interface Options {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly out?: string;
}

export function register(program: Command): void {
  group(program, 'export', 'write what others verify')
    .command('consistency')
    .description('the proof that a log of --to entries begins with its first --from: one base64 hash a line, none for equal sizes')
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane>', tenantOrSystem)
    .requiredOption('--from <size>', 'tree size of the older checkpoint')
    .requiredOption('--to <size>', 'tree size of the newer checkpoint')
    .option('--out <file>', 'file to write (default: stdout)')
    .action(async ({ tenant, from, to, out }: Options, command: Command) => {
      const context = new Context(command);
      const { origin, leafHashes } = await readTree(context, tenant);
      const [size1, size2] = [sizeOf('--from', from, leafHashes.length), sizeOf('--to', to, leafHashes.length)];
      if (size1 > size2) {
        const swapped = `countersign export consistency --tenant ${tenant} --from ${size2} --to ${size1}`;
        throw new CliError(`--from ${size1} must not exceed --to ${size2}, as a log only grows: ${swapped}`);
      }
      const proof = consistencyProof(leafHashes, size1, size2);
      emit(context, formatConsistency(proof), { out, json: { origin, from, to, proof: proof.map(base64) } });
    });
}
