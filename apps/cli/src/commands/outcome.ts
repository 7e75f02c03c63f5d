import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';

import { type CheckedReceipt, textOf } from '#adapters';
import { EffectList, fromUtf8, type ListedEffect } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID, VALID } from '../errors.ts';
import { seconds, seedFrom, type Sent, withSigned } from '../signed.ts';
import { followLedger } from '../story.ts';
import { tenantOnly } from '../tenant.ts';

/** Unit ms. Long enough for a decider that is being started. */
const LIFETIME_MS = 300_000;
const STATUSES = ['succeeded', 'failed'] as const;

interface Options {
  readonly tenant: string;
  readonly status: string;
  readonly key: string;
  readonly index?: string;
  readonly before?: string;
  readonly after?: string;
  readonly wait: string;
}

export function register(program: Command): void {
  program
    .command('outcome')
    .description('report what came of a claimed effect, with a key of its executor: what countersign effects says is awaited, late or not')
    .argument('<action>', 'the action whose effect it is')
    .requiredOption('--tenant <id>', 'whose action', tenantOnly)
    .requiredOption('--status <word>', 'succeeded or failed, as somebody has looked')
    .requiredOption('--key <file>', 'seed in base64 of a key that the executor is registered with')
    .option('--index <n>', 'leaf index of its decision, where several issuers use one id')
    .option('--before <hex>', 'SHA-256 of the state before')
    .option('--after <hex>', 'SHA-256 of the state after')
    .option('--wait <seconds>', "for the ledger's answer", '10')
    .action(async (action: string, options: Options, command: Command) => {
      process.exitCode = await outcome(new Context(command), action, options);
    });
}

async function outcome(context: Context, action: string, options: Options): Promise<number> {
  const { tenant, key } = options;
  const status = STATUSES.find((word) => word === options.status);
  if (!status) throw new CliError(`--status: expected ${STATUSES.join(' or ')}, got ${options.status}`);
  const states = { ...stateFrom('before', options.before), ...stateFrom('after', options.after) };
  const seed = seedFrom('--key', key);
  const waitMs = seconds('--wait', options.wait) * 1000;
  const { decision, claim, executor, awaits } = await openEffect(context, action, options);
  const body = { decision, claim, kind: awaits, status, ...states };
  // An id of its own: what the executor itself reported may have been refused, and what was refused stays so under its id.
  const head = { tenant, issuer: executor, id: `${awaits}-${randomUUID()}`, expiresInMs: LIFETIME_MS };
  return withSigned(context, { kind: 'outcome.reported', ...head, body, seed }, async ({ place, receipt }) => {
    const answer = await receipt(waitMs);
    const at = `${place.topic}/${place.partition} offset ${place.offset}`;
    if (!answer) throw new CliError(`no answer within ${options.wait} s (${at}): look later with countersign explain ${action}`);
    return report(context, place, answer);
  });
}

async function openEffect(context: Context, action: string, { tenant, index }: Options): Promise<ListedEffect> {
  const effects = new EffectList();
  await followLedger(context, tenant, ({ record, kind, statement }) => {
    if (record.tenant === tenant) effects.add({ tenant, kind, statement });
  });
  const open = effects.list().filter((each) => each.action === action && (index === undefined || each.decision === index));
  const [only, ...more] = open;
  if (!only) throw new CliError(`nothing is open of action ${action} of ${tenant}: countersign effects lists what is`, INVALID);
  if (more.length === 0) return only;
  throw new CliError(`action ${action} has effects of decisions ${open.map((each) => each.decision).join(', ')}: say which with --index`);
}

function report(context: Context, place: Sent['place'], { record, kind, statement: { predicate } }: CheckedReceipt): number {
  const said = (member: string): string => textOf(predicate, member);
  const isRecorded = kind === 'outcome.recorded';
  const late = predicate['late'] === true;
  const owed = said('awaits') === '' ? 'nothing more is owed' : `${said('awaits')} is awaited until ${said('until')}`;
  const recorded = `${said('outcome')} ${said('status')}${late ? ', late' : ''}: ${owed}`;
  const text = isRecorded ? recorded : `refused: ${said('code')} ${said('detail')}`;
  const told = ['outcome', 'status', 'awaits', 'until', 'code', 'detail'].filter((member) => said(member) !== '');
  context.print(`${text}\nreceipt of ${record.tenant} index ${record.leafIndex}: verified`, {
    ...place,
    ...{ index: record.leafIndex, tree: record.tenant, kind, late },
    ...Object.fromEntries(told.map((member) => [member, said(member)])),
    receipt: fromUtf8(record.proof),
  });
  return isRecorded ? VALID : INVALID;
}

function stateFrom(member: 'before' | 'after', hex: string | undefined): { readonly before?: string; readonly after?: string } {
  if (hex === undefined) return {};
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new CliError(`--${member}: expected 64 hex digits, got ${hex}`);
  return { [member]: hex };
}
