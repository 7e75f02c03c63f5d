import type { Command } from 'commander';

import { activateBundle, textOf } from '#adapters';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { group } from '../group.ts';
import { checkPolicy, nameOf } from '../policy.ts';

export function register(program: Command): void {
  group(program, 'policy', 'policy bundles: check, test, activate, compare them')
    .command('activate')
    .description('put a bundle in force on every lane: checked here first, then by the decider; refused with its reasons, never half done')
    .argument('<bundle>', 'its folder, or a file with its document')
    .action(async (path: string, _options: unknown, command: Command) => {
      await activate(new Context(command), path);
    });
}

async function activate(context: Context, path: string): Promise<void> {
  const { bundle, refusals } = await checkPolicy(path);
  if (refusals.length > 0) throw new CliError(`${path} is not activated: ${refusals.join('; ')}`, INVALID);
  const records = activateBundle(context.home, bundle.document);
  const entries = await enter(context, records).catch((error: unknown) => {
    if (!(error instanceof CliError) || !error.message.includes('bundle-not-judged')) throw error;
    const what = 'a stop or a revocation was decided before this bundle had been judged';
    throw new CliError(`${error.message}: ${what}; run the command again`, INVALID);
  });
  const activated = entries.map(({ lane, statement: { predicate } }) => ({
    ...{ lane, index: Number(predicate.index), decidedAt: predicate.decidedAt, digest: textOf(predicate, 'activated') },
  }));
  const lines = activated.map(({ lane, index, decidedAt }) => `  lane ${lane}: entry ${index} of _system.${lane}, ${decidedAt}`);
  context.print([`In force: ${nameOf(bundle)}`, ...lines].join('\n'), { name: bundle.document.name, digest: bundle.digest, activated });
}
