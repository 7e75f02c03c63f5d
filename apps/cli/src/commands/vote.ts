import type { Command } from 'commander';

import { recordApproval, textOf } from '#adapters';
import { isIdentifier, personOf, type Statement } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { type Escalation, Escalations } from '../escalations.ts';
import { enter } from '../every-lane.ts';
import { indexFrom, soughtReceipt, type TenantReceipts, withReceipts } from '../sought.ts';
import { tenantOnly } from '../tenant.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

interface Options {
  readonly tenant: string;
  readonly action?: string;
  readonly index?: string;
  readonly by?: string;
  readonly deny: boolean;
}

export function register(program: Command): void {
  program
    .command('vote')
    .description('answer an escalation as a person whom the admin key vouches for; without --action: list what is open')
    .requiredOption('--tenant <id>', 'whose escalation', tenantOnly)
    .option('--action <id>', 'the action that waits for people')
    .option('--index <n>', 'leaf index of its decision: needed where several issuers use one id, and quick on a long ledger')
    .option('--by <person>', 'who answers: neither the actor nor the person it acts for')
    .option('--deny', 'no: one denial ends it', false)
    .action(async (options: Options, command: Command) => {
      const context = new Context(command);
      await (options.action === undefined ? list(context, options) : vote(context, options));
    });
}

async function vote(context: Context, { tenant, action = '', index, by = '', deny }: Options): Promise<void> {
  if (!isIdentifier(by)) throw new CliError('--by: expected the person who answers, as an identifier');
  const vote = deny ? 'deny' : 'approve';
  const asked = index === undefined ? await askedOf(context, tenant, action) : await askedAt(context, { tenant, action, index });
  const { index: decision, bindingDigest } = asked;
  const [entered] = await enter(context, [recordApproval(context.home, { tenant, decision, bindingDigest, vote, by })]);
  if (!entered) throw new Error('a vote without an entry');
  const { approvals, outcome } = await withReceipts(context, tenant, async (receipts) => ({
    approvals: await approvalsOf(receipts, asked),
    outcome: await outcomeOf(receipts, entered.statement),
  }));
  const text = outcome
    ? `${action}: ${by} said ${vote}: ${outcome.word}, at index ${outcome.index}`
    : `${action}: ${by} said ${vote}: ${approvals.length} so far, more people are needed`;
  context.print(text, { tenant, action, decision, by, vote, approvals, ...(outcome ? { outcome } : {}) });
}

interface Asked {
  readonly index: number;
  readonly bindingDigest: string;
  /** On `receipts`, of the decision or before it. */
  readonly since?: bigint;
}

/** By its place in the log: one receipt is read. */
async function askedAt(context: Context, { tenant, action, index }: { tenant: string; action: string; index: string }): Promise<Asked> {
  const { kind, statement, offset } = await soughtReceipt(context, tenant, indexFrom('--index', index));
  const { predicate, subject } = statement;
  if (kind !== 'action.decided' || subject[0].name !== action || textOf(predicate, 'approvalDeadline') === '')
    throw new CliError(`index ${index} of ${tenant} is no decision that asks people about action ${action}`, INVALID);
  return { index: Number(index), bindingDigest: textOf(predicate, 'bindingDigest'), since: offset };
}

/** By the action's id: several issuers may have asked under one id, so all that is open is looked at. */
async function askedOf(context: Context, tenant: string, action: string): Promise<Asked> {
  context.note(`looking for what action ${action} asks: this reads the lane from its first record; --index votes at once`);
  const facts = new Escalations(tenant);
  await context.facts([laneOfTree(context.home, tenant)], facts);
  return found(facts, action);
}

/** People, as the ledger counts them: ben and BEN are one. */
async function approvalsOf(receipts: TenantReceipts, { index, since }: Asked): Promise<string[]> {
  const from = since ?? (await receipts.at(index)).offset;
  const recorded = await receipts.since(from, ({ record }) => record.kind === 'approval.recorded');
  const own = recorded.map(({ statement: { predicate } }) => predicate).filter((said) => textOf(said, 'decision') === String(index));
  return [...new Set(own.filter((said) => textOf(said, 'vote') === 'approve').map((said) => personOf(textOf(said, 'by'))))];
}

/** What the vote ended: the next entry of the log, when it was made from the same control. */
async function outcomeOf(receipts: TenantReceipts, { predicate }: Statement): Promise<{ word: string; index: number } | undefined> {
  if (predicate.source.parts === 1) return undefined;
  const index = Number(predicate.index) + 1;
  const { statement } = await receipts.at(index);
  return { word: textOf(statement.predicate, 'outcome'), index };
}

function found(facts: Escalations, action: string): Escalation {
  knownTenant(facts, facts.tenant);
  const all = [...facts.byIndex.values()].filter((each) => each.action === action);
  const open = all.filter(({ outcome }) => outcome === undefined);
  const [only, ...more] = open;
  if (only && more.length === 0) return only;
  const ended = all.at(-1)?.outcome;
  if (only) throw new CliError(`action ${action} waits at indexes ${open.map((each) => each.index).join(', ')}: say which with --index`);
  const why = ended ? `ended as ${ended.word} at index ${ended.index}` : 'never asked people';
  throw new CliError(`action ${action} of ${facts.tenant} ${why}: there is nothing to answer`, INVALID);
}

async function list(context: Context, { tenant }: Options): Promise<void> {
  const facts = new Escalations(tenant);
  await context.facts([laneOfTree(context.home, tenant)], facts);
  knownTenant(facts, tenant);
  const open = [...facts.byIndex.values()].filter(({ outcome }) => outcome === undefined);
  const lines = open.map(({ action, index, summary, deadline, approvals }) => {
    const so = approvals.size === 0 ? '' : `, approved by ${[...approvals].join(', ')}`;
    return `${action}  index ${index}  ${summary}, until ${deadline}${so}`;
  });
  const json = open.map(({ action, index, issuer, bindingDigest, deadline, summary, approvals }) => {
    return { action, index, issuer, bindingDigest, deadline, summary, approvals: [...approvals] };
  });
  context.print(lines.length === 0 ? `nothing of ${tenant} waits for people` : lines.join('\n'), { tenant, open: json });
}
