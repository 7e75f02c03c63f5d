import type { Command } from 'commander';

import { type ControlRecord, eraseInput, TOPICS } from '#adapters';
import { formatTime, isIdentifier, parseTime } from '#domain';

import { ActionEntries } from '../action-entries.ts';
import { Context } from '../context.ts';
import { type TopicHolds, whatHolds } from '../erasure-status.ts';
import { CliError, COULD_NOT_TELL, INVALID, VALID } from '../errors.ts';
import { tenantOnly } from '../tenant.ts';
import { knownTenant, laneOfTree } from '../tree.ts';

/** Of one control, as its payload may have. */
const INDEXES_MAX = 64;
/** An action that gets new entries faster than they are erased is still at work: erase it when it has ended. */
const ROUNDS_MAX = 5;
const WHY_MAX = 128;

interface Options {
  readonly tenant: string;
  readonly action: string;
  readonly why?: string;
  readonly also?: string;
  readonly status: boolean;
  readonly log?: string;
}

export function register(program: Command): void {
  program
    .command('erase')
    .description('destroy the keys of everything that was sent about an action; its entries and receipts stay and still verify')
    .requiredOption('--tenant <id>', 'whose action', tenantOnly)
    .requiredOption('--action <id>', 'its id')
    .option('--why <text>', 'for the record, kept for ever: it must name nothing that is to be forgotten')
    .option('--also <indexes>', 'a,b,...: further entries of the tenant, as a refused record that names no action')
    .option('--log <origin>', 'of a closed log of the tenant that holds it; absent: the log that goes on')
    .option('--status', 'erase nothing: say which topics still hold something of it', false)
    .action(async (options: Options, command: Command) => {
      process.exitCode = await (options.status ? status : erase)(new Context(command), options);
    });
}

async function erase(context: Context, options: Options): Promise<number> {
  const { tenant, why = '' } = options;
  if (why === '' || why.length > WHY_MAX) throw new CliError(`--why: expected a reason of 1 to ${WHY_MAX} characters`);
  const lane = laneOf(context, options);
  let entries: ActionEntries;
  for (let round = 0; ; round++) {
    if (round === ROUNDS_MAX)
      throw new CliError(`action ${options.action} gets new entries all the time: run this again when it has ended`);
    entries = entriesOf(options);
    await context.control([lane], () => erasuresOf(context, options, entries), entries);
    if (entries.readable.length === 0) break; // nothing came in between
  }
  const waits = waitsOf(entries);
  const said = {
    ...{ tenant, action: options.action, erased: erasedOf(entries), by: entries.erasures.map(({ index }) => index) },
    ...{ cancelled: entries.cancelled, waits },
  };
  context.print(textOf(entries, waits), said);
  return VALID;
}

function erasuresOf(context: Context, { tenant, action, why = '', log }: Options, entries: ActionEntries): ControlRecord[] {
  demandKnown(entries);
  return chunked(entries.readable).map((indexes) => eraseInput(context.home, { tenant, action, indexes, why, log }));
}

function demandKnown(entries: ActionEntries): void {
  knownTenant(entries, entries.tenant);
  if (entries.entryCount === 0) throw new CliError(`tenant ${entries.tenant} has no entry of an action ${entries.action}`, INVALID);
}

/** Exit code 0 once nothing holds anything of it any more, 2 until then: no fault, and not done. */
async function status(context: Context, options: Options): Promise<number> {
  const entries = entriesOf(options);
  await context.control([laneOf(context, options)], () => [], entries); // reads, and sends nothing
  demandKnown(entries);
  const { readable } = entries;
  const topics = await whatHolds(context.home, context.brokers, entries);
  const isDone = readable.length === 0 && topics.every(({ records }) => records === 0);
  const lines = [
    `${nameOf(entries)}: ${erasedOf(entries).length} of ${entries.inputs.length} inputs erased`,
    ...(readable.length === 0 ? [] : [`  not erased: ${indexesOf(readable)}`]),
    ...topics.map(lineOf),
    isDone ? 'nothing holds anything of it any more' : 'not done yet',
  ];
  context.print(lines.join('\n'), {
    tenant: options.tenant,
    action: options.action,
    done: isDone,
    erased: erasedOf(entries),
    readable,
    topics,
  });
  return isDone ? VALID : COULD_NOT_TELL;
}

function textOf(entries: ActionEntries, waits: readonly Wait[]): string {
  const erased = erasedOf(entries);
  const by = entries.erasures.map(({ index }) => index);
  return [
    `${nameOf(entries)}: ${erased.length} inputs erased (${indexesOf(erased)}), as ${indexesOf(by)} ${by.length === 1 ? 'says' : 'say'}`,
    ...entries.cancelled.map((index) => `  the escalation at index ${index} was cancelled first`),
    'still to wait for:',
    ...waits.map(({ topic, what }) => `  ${topic.padEnd(14)} ${what}`),
    'what is reported about it from now on is not erased: run this again then. --status says what is left',
  ].join('\n');
}

interface Wait {
  readonly topic: string;
  readonly what: string;
}

/** What erasing a key cannot reach, and when it goes by itself. */
function waitsOf(entries: ActionEntries): Wait[] {
  const lastMs = Math.max(0, ...[...entries.inputs, ...entries.erasures].map(({ decidedAt }) => parseTime(decidedAt)));
  const retained = TOPICS.filter(({ name }) => ['actions', 'outcomes', 'verdicts', 'dead-letters'].includes(name));
  return [
    ...retained.map(({ name, retentionMs }) => ({
      topic: name,
      what: `its records go by retention: about ${formatTime(lastMs + retentionMs)}`,
    })),
    { topic: 'input-keys', what: 'the destroyed keys go when the topic is compacted' },
    { topic: 'decider-state', what: 'older snapshots go when the topic is compacted' },
  ];
}

function laneOf(context: Context, { tenant, action }: Options): number {
  if (!isIdentifier(action)) throw new CliError(`--action: expected an id, got ${action}`);
  return laneOfTree(context.home, tenant);
}

function entriesOf({ tenant, action, also, log }: Options): ActionEntries {
  const indexes = also === undefined ? [] : also.split(',').map(Number);
  if (!indexes.every((index) => Number.isSafeInteger(index) && index >= 0))
    throw new CliError(`--also: expected leaf indexes, got ${also ?? ''}`);
  return new ActionEntries(tenant, action, new Set(indexes), log);
}

const erasedOf = ({ inputs, erased }: ActionEntries): number[] => inputs.map(({ index }) => index).filter((index) => erased.has(index));
const nameOf = ({ tenant, action }: ActionEntries): string => `action ${action} of ${tenant}`;
const indexesOf = (indexes: readonly number[]): string =>
  indexes.length === 0 ? 'none' : `${indexes.length === 1 ? 'index' : 'indexes'} ${indexes.join(', ')}`;
const lineOf = ({ topic, records, until }: TopicHolds): string =>
  `  ${topic.padEnd(14)} ${records === 0 ? 'nothing' : `${records} records, until ${until}`}`;

function chunked(indexes: readonly number[]): number[][] {
  const chunks: number[][] = [];
  for (let at = 0; at < indexes.length; at += INDEXES_MAX) chunks.push(indexes.slice(at, at + INDEXES_MAX));
  return chunks;
}
