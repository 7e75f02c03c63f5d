import type { Command } from 'commander';

import { recordApproval } from '#adapters';
import { isIdentifier } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { type Escalation, Escalations } from '../escalations.ts';
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
    .option('--index <n>', 'leaf index of its decision, where several issuers use one id')
    .option('--by <person>', 'who answers: neither the actor nor the person it acts for')
    .option('--deny', 'no: one denial ends it', false)
    .action(async (options: Options, command: Command) => {
      const context = new Context(command);
      await (options.action === undefined ? list(context, options) : vote(context, options));
    });
}

async function vote(context: Context, { tenant, action = '', index, by = '', deny }: Options): Promise<void> {
  if (!isIdentifier(by)) throw new CliError('--by: expected the person who answers, as an identifier');
  const word = deny ? 'deny' : 'approve';
  const facts = new Escalations(tenant);
  let asked: Escalation | undefined;
  await context.control(
    [laneOfTree(context.home, tenant)],
    () => {
      asked = found(facts, { action, index });
      return [recordApproval(context.home, { tenant, decision: asked.index, bindingDigest: asked.bindingDigest, vote: word, by })];
    },
    facts,
  );
  if (!asked) throw new Error('a vote without its escalation');
  const { outcome, approvals } = asked;
  const text = outcome
    ? `${action}: ${by} said ${word}: ${outcome.word}, at index ${outcome.index}`
    : `${action}: ${by} said ${word}: ${approvals.size} so far, more people are needed`;
  context.print(text, {
    tenant,
    action,
    decision: asked.index,
    by,
    vote: word,
    approvals: [...approvals],
    ...(outcome ? { outcome } : {}),
  });
}

function found(facts: Escalations, { action, index }: { action: string; index: string | undefined }): Escalation {
  knownTenant(facts, facts.tenant);
  const all = [...facts.byIndex.values()].filter((each) => each.action === action && (index === undefined || String(each.index) === index));
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
  await context.control([laneOfTree(context.home, tenant)], () => [], facts); // reads, and sends nothing
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
