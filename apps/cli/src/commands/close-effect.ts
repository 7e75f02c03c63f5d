import type { Command } from 'commander';

import { closeEffect, type FollowedEntry, LedgerFacts, textOf } from '#adapters';
import { EffectList, isIdentifier, type ListedEffect } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { indexFrom, soughtReceipt } from '../sought.ts';
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
    .option('--index <n>', 'leaf index of its decision: needed where the action has several, and quick on a long ledger')
    .action(async (action: string, options: Options, command: Command) => {
      await close(new Context(command), action, options);
    });
}

async function close(context: Context, action: string, { tenant, index, by, why }: Options): Promise<void> {
  if (!isIdentifier(by)) throw new CliError('--by: expected the person who looked, as an identifier');
  const decision = index === undefined ? await uncertainOf(context, tenant, action) : await decisionAt(context, { tenant, action, index });
  const [entered] = await enter(context, [closeEffect(context.home, { tenant, decision, by, why })]);
  if (!entered) throw new Error('an effect was closed without an entry');
  const { predicate } = entered.statement;
  const [executor, claim] = [textOf(predicate, 'executor'), textOf(predicate, 'claim')];
  context.print(`${action}: closed by ${by}; no report of ${executor} is awaited any more`, {
    tenant,
    action,
    decision,
    executor,
    claim,
    by,
  });
}

/** By its place in the log: one receipt is read, and the ledger says whether its effect is uncertain. */
async function decisionAt(context: Context, { tenant, action, index }: { tenant: string; action: string; index: string }): Promise<string> {
  const { statement } = await soughtReceipt(context, tenant, indexFrom('--index', index));
  if (statement.subject[0].name === action) return index;
  throw new CliError(`index ${index} of ${tenant} is no decision about action ${action}`, INVALID);
}

/** By the action's id: it may have several decisions, so all that is open is looked at. */
async function uncertainOf(context: Context, tenant: string, action: string): Promise<string> {
  context.note(`looking for the effects of action ${action}: this reads the lane from its first record; --index closes at once`);
  const facts = new Effects(tenant);
  await context.facts([laneOfTree(context.home, tenant)], facts);
  return facts.uncertain(action).decision;
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

  uncertain(action: string): ListedEffect {
    knownTenant(this, this.tenant);
    const all = this.#effects.list().filter((each) => each.action === action);
    const [only, ...more] = all.filter(({ uncertainSince }) => uncertainSince !== null);
    if (only && more.length === 0) return only;
    if (only) throw new CliError(`action ${action} has several uncertain effects: say which with --index`, INVALID);
    const why = all.length > 0 ? 'is not uncertain: its executor may still report' : 'has no open effect';
    throw new CliError(`action ${action} of ${this.tenant} ${why}; countersign effects lists what is open`, INVALID);
  }
}
