import type { Command } from 'commander';

import { liftFreeze, raiseFreeze } from '#adapters';
import { type FreezeLevel, type FreezeScope, isIdentifier, isTenantId, LABEL_MAX, laneOf, parseTime } from '#domain';

import { Context } from '../context.ts';
import { CliError, COULD_NOT_TELL, INVALID } from '../errors.ts';
import { askEveryLane, type LaneAnswer } from '../every-lane.ts';
import { scopeText } from '../freezes.ts';
import { group } from '../group.ts';
import { list } from './freeze-list.ts';

const IDENTIFIER = 'letters, digits and . _ : @ / -, at most 128';
const SCOPES = ['tenant', 'class', 'connector', 'agent'] as const;
/** A lane that answers so has nothing in force to lift. */
const NOT_IN_FORCE = ['unknown-freeze', 'already-lifted', 'until-passed'];

interface Saying {
  readonly by: string;
  readonly why: string;
  readonly wait: string;
}
interface RaiseOptions extends Saying {
  readonly scope: string;
  readonly until?: string;
  readonly id?: string;
  readonly stop: boolean;
}

export function register(program: Command): void {
  const freeze = group(program, 'freeze', 'freeze or stop what agents may do, on every lane, and lift it again');
  freeze
    .command('raise', { isDefault: true })
    .description('everything after it that the scope covers is denied; the word raise may be left out')
    .requiredOption('--scope <scope>', 'all, tenant:T, class:C, connector:C or agent:A')
    .requiredOption('--why <text>', `for people, at most ${LABEL_MAX} characters`)
    .requiredOption('--by <person>', 'who raises it: another person must lift it')
    .option('--stop', 'an emergency stop: not even an approved rollback may be claimed', false)
    .option('--until <time>', 'over from then on, 2026-01-31T23:59:59Z; absent: until lifted')
    .option('--id <id>', 'its name, to lift it by (default random)')
    .option('--wait <seconds>', 'for lanes that say nothing', '30')
    .action(async (options: RaiseOptions, command: Command) => {
      await raise(new Context(command), options);
    });
  freeze
    .command('lift')
    .description('no longer in force, from this entry on')
    .argument('<id>', 'of the freeze, as it was printed and as list shows it')
    .requiredOption('--by <person>', 'another one than raised it')
    .requiredOption('--why <text>', `for people, at most ${LABEL_MAX} characters`)
    .option('--wait <seconds>', 'for lanes that say nothing', '30')
    .action(async (id: string, options: Saying, command: Command) => {
      await lift(new Context(command), id, options);
    });
  freeze
    .command('list')
    .description('what is in force, and on which lanes')
    .option('--all', 'also what was lifted or is over', false)
    .action(async ({ all }: { all: boolean }, command: Command) => {
      await list(new Context(command), all);
    });
}

async function raise(context: Context, options: RaiseOptions): Promise<void> {
  const { by, why, confirmMaxMs } = saying(options);
  const scope = scopeFrom(options.scope);
  const level: FreezeLevel = options.stop ? 'stop' : 'freeze';
  const untilMs = options.until === undefined ? undefined : timeFrom(options.until);
  const { home } = context;
  if (options.id !== undefined && !isIdentifier(options.id)) throw new CliError(`--id: expected ${IDENTIFIER}, got ${options.id}`);
  const records = raiseFreeze(home, { level, scope, why, by, untilMs, id: options.id });
  const freeze = records[0]?.id ?? '';
  context.note(`${freeze}: sent to ${records.length} lanes`);
  // Only that lane knows the tenant: if it does not, no other lane must keep a freeze of nobody.
  const first = scope.kind === 'tenant' ? { first: laneOf(scope.value ?? '', home.config.lanes) } : {};
  const answers = await askEveryLane(context, records, { confirmMaxMs, ...first });
  const confirmed = answers.length === home.config.lanes && answers.every(({ state }) => state === 'entered');
  const words = `${level} of ${scopeText(scope)}`;
  const text = [confirmed ? `${freeze}: ${words} is in force on all ${answers.length} lanes` : `${freeze}: ${words} is NOT confirmed`];
  context.print([...text, ...(confirmed ? [] : answers.map(lineOf))].join('\n'), {
    freeze,
    level,
    scope,
    by,
    why,
    confirmed,
    lanes: answers.map(shownOf),
  });
  failIfNot(answers, freeze);
}

async function lift(context: Context, id: string, options: Saying): Promise<void> {
  const { by, why, confirmMaxMs } = saying(options);
  if (!isIdentifier(id)) throw new CliError(`${id}: expected the id of a freeze: countersign freeze list shows them`);
  const answers = await askEveryLane(context, liftFreeze(context.home, id, { by, why }), { confirmMaxMs });
  const anyLifted = answers.some(({ state }) => state === 'entered');
  const relevant = anyLifted ? answers.filter((answer) => !isNotInForce(answer)) : answers;
  const lifted = anyLifted && relevant.every(({ state }) => state === 'entered');
  const text = [`${id}: ${lifted ? 'lifted, in force on no lane' : 'NOT lifted everywhere'}`];
  context.print([...text, ...(lifted ? [] : answers.map(lineOf))].join('\n'), { freeze: id, by, why, lifted, lanes: answers.map(shownOf) });
  failIfNot(relevant, id);
}

/** The first thing that is wrong, after everything has been said on stdout. */
function failIfNot(answers: readonly LaneAnswer[], id: string): void {
  const refused = answers.find(({ state }) => state === 'refused');
  if (refused) throw new CliError(`${id}: lane ${refused.lane} refused it with ${refused.detail ?? ''}`, INVALID);
  const lanesOf = (wanted: LaneAnswer['state']) => answers.filter(({ state }) => state === wanted).map(({ lane }) => lane);
  const [unsent, missing] = [lanesOf('unsent'), lanesOf('missing')];
  if (unsent.length > 0) throw new CliError(`${id}: not sent to lane ${unsent.join(', ')}: run this command again`, COULD_NOT_TELL);
  if (missing.length > 0) {
    const what = `${id}: no receipt from lane ${missing.join(', ')} yet`;
    throw new CliError(`${what}: it is published and counts once a decider reads it; countersign freeze list says when`, COULD_NOT_TELL);
  }
}

const lineOf = ({ lane, state, detail }: LaneAnswer): string => `  lane ${lane}: ${state}${detail === undefined ? '' : `, ${detail}`}`;

const shownOf = ({ lane, state, detail }: LaneAnswer) => ({ lane, state, ...(detail === undefined ? {} : { detail }) });

const isNotInForce = ({ detail }: LaneAnswer): boolean => NOT_IN_FORCE.some((word) => detail?.endsWith(`(${word})`) === true);

function scopeFrom(text: string): FreezeScope {
  if (text === 'all') return { kind: 'all' };
  const [word = ''] = text.split(':', 1);
  const kind = SCOPES.find((each) => each === word);
  const value = text.slice(word.length + 1);
  const fits = kind === 'tenant' ? isTenantId(value) : isIdentifier(value);
  if (kind && fits) return { kind, value };
  throw new CliError(`--scope: expected all, or ${SCOPES.map((each) => `${each}:ID`).join(', ')}, got ${text}`);
}

function saying({ by, why, wait }: Saying): { by: string; why: string; confirmMaxMs: number } {
  if (!isIdentifier(by)) throw new CliError(`--by: expected ${IDENTIFIER}, got ${by}`);
  if (why.length === 0 || why.length > LABEL_MAX) throw new CliError(`--why: expected 1 to ${LABEL_MAX} characters, got ${why.length}`);
  if (!/^\d{1,4}$/.test(wait)) throw new CliError(`--wait: expected whole seconds, got ${wait}`);
  return { by, why, confirmMaxMs: Number(wait) * 1000 };
}

function timeFrom(text: string): number {
  try {
    return parseTime(/^[^.]*Z$/.test(text) ? text.replace('Z', '.000Z') : text);
  } catch {
    throw new CliError(`--until: expected a time in UTC, 2026-01-31T23:59:59Z, got ${text}`);
  }
}
