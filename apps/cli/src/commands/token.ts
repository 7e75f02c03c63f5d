import type { Command } from 'commander';

import { issueToken, revokeToken } from '#adapters';
import { type ActorRule, TOKEN_ROLES } from '#domain';

import { ACTOR_HELP, ACTOR_OPTION, oneMore, saysOf } from '../actors.ts';
import { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { enter } from '../every-lane.ts';
import { group } from '../group.ts';
import { tenantOnly } from '../tenant.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
interface IssueOptions {
  readonly tenant: string;
  readonly roles: string;
  readonly actor: readonly ActorRule[];
  readonly agents?: string;
  readonly days: string;
}

export function register(program: Command): void {
  const token = group(program, 'token', 'bearer tokens for the gateway');
  token
    .command('issue')
    .description('print a new bearer token once; the ledger keeps its hash, roles and end')
    .requiredOption('--tenant <id>', 'whose', tenantOnly)
    .option('--roles <list>', 'propose, read, or both', 'propose,read')
    .option(ACTOR_OPTION, `with the role propose: ${ACTOR_HELP}`, oneMore, [])
    .option('--agents <ids>', 'on a ledger of rules 1: a,b,...: the only actors it may speak for')
    .option('--days <n>', 'until it ends', '90')
    .action(async (options: IssueOptions, command: Command) => {
      await issue(new Context(command), options);
    });
  token
    .command('revoke')
    .description('the token is refused from this entry on, what it asked people ends, and what it was permitted cannot be claimed')
    .argument('<id>', 'token id, as issue printed it')
    .requiredOption('--tenant <id>', 'whose', tenantOnly)
    .action(async (id: string, { tenant }: { tenant: string }, command: Command) => {
      const context = new Context(command);
      await enter(context, [revokeToken(context.home, tenant, id)]);
      context.print(`token ${id} of ${tenant}: revoked`, { tenant, token: id, revoked: true });
    });
}

async function issue(context: Context, { tenant, roles: asked, actor, agents, days }: IssueOptions): Promise<void> {
  const roles = asked.split(',').map((word) => {
    const role = TOKEN_ROLES.find((each) => each === word.trim());
    if (!role) throw new CliError(`--roles: expected propose, read, or both, got ${asked}`);
    return role;
  });
  const count = Number(days);
  if (!(count > 0)) throw new CliError(`--days: expected a positive number, got ${days}`);
  const { home } = context;
  const { rules } = home.birth();
  const says = saysOf('a token that only reads', { rules, maySay: roles.includes('propose'), actor, agents });
  const issued = issueToken(home, { tenant, roles, ...says, validUntilMs: Math.round(Date.now() + count * DAY_MS) });
  await enter(context, [issued.envelope]);
  const { bearer, tokenId } = issued;
  context.note(`token ${tokenId} of ${tenant}, roles ${roles.join(' and ')}, for ${count} days. It is shown this once:`);
  context.print(bearer, { tenant, token: tokenId, bearer, roles });
}
