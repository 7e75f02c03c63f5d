/** `--actor`: what a platform or a token may say of actors. */
import { ACTOR_KINDS, type ActorRule, ANY, isIdentifier } from '#domain';

import { CliError } from './errors.ts';

export const ACTOR_OPTION = '--actor <kind:id[,for=person...]>';
export const ACTOR_HELP =
  'who it may speak for, such as agent:planner, or agent:assistant,for=ana,for=ben when each proposal must name one of them; ' +
  `'*' for any id or person; again for each further actor`;

export const oneMore = (text: string, before: readonly ActorRule[]): ActorRule[] => [...before, parseActor(text)];

/** No identifier has a comma or an equals sign, and the kind has no colon. Throws CliError. */
export function parseActor(text: string): ActorRule {
  const [named = '', ...options] = text.split(',');
  const [word = '', ...rest] = named.split(':');
  const id = rest.join(':');
  const kind = ACTOR_KINDS.find((each) => each === word);
  const actingFor = options.map((option) => (option.startsWith('for=') ? option.slice('for='.length) : ''));
  if (!kind || ![id, ...actingFor].every((each) => each === ANY || isIdentifier(each))) {
    throw new CliError(`--actor: expected KIND:ID or KIND:ID,for=PERSON with a kind of ${ACTOR_KINDS.join(', ')}, got ${text}`);
  }
  return { kind, id, ...(actingFor.length === 0 ? {} : { actingFor }) };
}

/** What `issuer add` and `token issue` put on the ledger. `who`: for people. Throws CliError. */
export function saysOf(
  who: string,
  { rules, maySay, actor, agents }: { rules: number; maySay: boolean; actor: readonly ActorRule[]; agents: string | undefined },
): { readonly actors?: readonly ActorRule[]; readonly agents?: readonly string[] } {
  if (rules === 1) {
    if (actor.length > 0) throw new CliError('--actor: this ledger is of rules 1 and keeps ids of actors only: give --agents');
    return agents === undefined ? {} : { agents: agents.split(',') };
  }
  if (agents !== undefined) throw new CliError('--agents: only a ledger of rules 1 has it: give --actor');
  if (!maySay) {
    if (actor.length > 0) throw new CliError(`--actor: ${who} proposes nothing, so it says nothing of actors: leave it out`);
    return {};
  }
  if (actor.length === 0) throw new CliError(`--actor: expected at least one: without any, ${who} may propose nothing`);
  return { actors: actor };
}
