import type { Command } from 'commander';

import { Context } from '../context.ts';
import { INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';
import { checkPolicy, nameOf } from '../policy.ts';

export function register(program: Command): void {
  group(program, 'policy', 'policy bundles: check, test, activate, compare them')
    .command('check')
    .description('whether a bundle may be activated, and why not: tables, schemas, every policy, its own tests. Needs no ledger')
    .argument('<bundle>', 'its folder, or a file with its document')
    .action(async (path: string, _options: unknown, command: Command) => {
      process.exitCode = await check(new Context(command), path);
    });
}

async function check(context: Context, path: string): Promise<number> {
  const { bundle, refusals, tests } = await checkPolicy(path);
  const { digest, document } = bundle;
  const ok = refusals.length === 0;
  const said = ok ? `OK ${nameOf(bundle)}: may be activated, ${tests} tests passed` : refusals.map((each) => `REFUSED ${each}`).join('\n');
  context.print(said, { ok, name: document.name, digest, tests, refusals });
  return ok ? VALID : INVALID;
}
