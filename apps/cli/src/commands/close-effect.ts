import type { Command } from 'commander';

import { closeEffect, type FollowedEntry, LedgerFacts } from '#adapters';
import { EffectList, isIdentifier, type ListedEffect } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { tenantOnly } from '../tenant.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

interface Options {
  readonly tenant: string;
  readonly index?: string;
  readonly by: string;
  readonly why: string;
}

export function register(program: Command): void {
  program
    .command('close-effect')
    .description(
      'after looking: say that no report of an uncertain effect is awaited any more; it then counts against its executor no longer',
    )
    .argument('<action>', 'whose effect countersign effects lists as uncertain')
    .requiredOption('--tenant <id>', 'whose action', tenantOnly)
    .requiredOption('--by <person>', 'who looked')
    .requiredOption('--why <text>', 'what was found; kept with the control, never in an entry')
    .option('--index <n>', 'leaf index of its decision, where the action has several')
    .action(async (action: string, options: Options, command: Command) => {
      await close(new Context(command), action, options);
    });
}

async function close(context: Context, action: string, { tenant, index, by, why }: Options): Promise<void> {
  if (!isIdentifier(by)) throw new CliError('--by: expected the person who looked, as an identifier');
  const facts = new Effects(tenant);
  let closed: ListedEffect | undefined;
  await context.control(
    [laneOfTree(context.home, tenant)],
    () => {
      closed = facts.uncertain(action, index);
      return [closeEffect(context.home, { tenant, decision: closed.decision, by, why })];
    },
    facts,
  );
  if (!closed) throw new Error('an effect was closed that was not found');
  const { decision, executor, claim } = closed;
  context.print(`${action}: closed by ${by}; no report of ${executor} is awaited any more`, {
    tenant,
    action,
    decision,
    executor,
    claim,
    by,
  });
}

/** The ledger's facts, and on the way the open effects of one tenant. */
class Effects extends LedgerFacts {
  readonly #effects = new EffectList();

  constructor(readonly tenant: string) {
    super();
  }

  override add(entry: FollowedEntry): void {
    super.add(entry);
    const { record, kind, statement } = entry;
    if (record.tenant === this.tenant) this.#effects.add({ tenant: record.tenant, kind, statement });
  }

  uncertain(action: string, index: string | undefined): ListedEffect {
    knownTenant(this, this.tenant);
    const all = this.#effects.list().filter((each) => each.action === action && (index === undefined || each.decision === index));
    const [only, ...more] = all.filter(({ uncertainSince }) => uncertainSince !== null);
    if (only && more.length === 0) return only;
    if (only) throw new CliError(`action ${action} has several uncertain effects: say which with --index`, INVALID);
    const why = all.length > 0 ? 'is not uncertain: its executor may still report' : 'has no open effect';
    throw new CliError(`action ${action} of ${this.tenant} ${why}; countersign effects lists what is open`, INVALID);
  }
}
