import type { Command } from 'commander';

import { activateBundle, type FollowedEntry, LedgerFacts, textOf } from '#adapters';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
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
  const lanes = Array.from({ length: context.home.config.lanes }, (_, lane) => lane);
  const facts = new ActivationFacts();
  // A lane that has it already is left alone: run again after a failure, this goes on where it stopped.
  const missing = () => activateBundle(context.home, bundle.document).filter(({ lane }) => facts.bundles.get(lane) !== bundle.digest);
  try {
    await context.control(lanes, missing, facts);
  } catch (error) {
    if (!(error instanceof CliError) || !error.message.includes('bundle-not-judged')) throw error;
    const what = 'a stop or a revocation was decided before this bundle had been judged';
    throw new CliError(`${error.message}: ${what}; run the command again`, INVALID);
  }
  const activated = lanes.map((lane) => ({ lane, ...facts.activated.get(lane) }));
  const lines = activated.map(
    ({ lane, index, decidedAt }) => `  lane ${lane}: entry ${index ?? '?'} of _system.${lane}, ${decidedAt ?? ''}`,
  );
  context.print([`In force: ${nameOf(bundle)}`, ...lines].join('\n'), { name: bundle.document.name, digest: bundle.digest, activated });
}

/** With where each lane's bundle in force was activated. */
class ActivationFacts extends LedgerFacts {
  readonly activated = new Map<number, { readonly index: number; readonly decidedAt: string; readonly digest: string }>();

  override add(entry: FollowedEntry): void {
    super.add(entry);
    const { record, kind, lane, statement } = entry;
    if (kind !== 'bundle.activated' || !record.tenant.startsWith('_')) return;
    const { predicate } = statement;
    this.activated.set(lane, { index: record.leafIndex, decidedAt: predicate.decidedAt, digest: textOf(predicate, 'activated') });
  }
}
