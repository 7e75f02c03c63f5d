import type { Command } from 'commander';

import { type FollowedEntry, LedgerFollower } from '#adapters';
import { type Json, LedgerBroken } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { printableJson, toStdout } from '../terminal.ts';
import { tenantOrSystem } from '../tenant.ts';
import { laneOfTree } from '../tree.ts';

interface Options {
  readonly tenant: string;
  readonly from: string;
}

export function register(program: Command): void {
  program
    .command('log')
    .description("a tenant's entries, in the order of its tree; every record is checked on the way")
    .requiredOption('--tenant <id>', 'tenant, or _system.<lane> for what belongs to no tenant', tenantOrSystem)
    .option('--from <index>', 'first index to show', '0')
    .action(async (options: Options, command: Command) => {
      await log(new Context(command), options);
    });
}

async function log(context: Context, { tenant, from }: Options): Promise<void> {
  const first = Number(from);
  if (!Number.isSafeInteger(first) || first < 0) throw new CliError(`--from: expected an index, 0 or more, got ${from}`);
  const lane = laneOfTree(context.home, tenant);
  const follower = await LedgerFollower.open(context.home, context.brokers, [lane]);
  let shown = 0;
  try {
    await follower.catchUp(
      (entry) => {
        if (entry.record.tenant !== tenant) return;
        shown += 1;
        if (entry.record.leafIndex >= first) toStdout(context.json ? jsonOf(entry) : lineOf(entry));
      },
      context.progress(`lane ${lane}`),
    );
  } catch (error) {
    throw error instanceof LedgerBroken ? new CliError(`${error.message}: countersign doctor says more`, INVALID) : error;
  } finally {
    await follower.close();
  }
  if (shown === 0) throw new CliError(`the ledger has no tenant ${tenant}: countersign tenant add ${tenant} registers it`, INVALID);
}

/** One JSON value per line. */
const jsonOf = ({ record, statement, lane, offset }: FollowedEntry): string =>
  printableJson({ tenant: record.tenant, index: record.leafIndex, kind: record.kind, lane, offset: offset.toString(), entry: statement });

function lineOf({ record, statement: { predicate, subject } }: FollowedEntry): string {
  const { verdict, reasons, code, detail, first, freeze, lifts, activated, issuer, token, registers } = predicate as unknown as Readonly<
    Record<string, Json>
  >;
  const said = [
    verdict,
    ...(Array.isArray(reasons) ? reasons : []),
    code,
    detail,
    typeof first === 'string' ? `first ${first}` : undefined,
    freeze,
    lifts,
  ];
  const about = record.actionId === '' ? [activated, registers, issuer, token] : [subject[0].name];
  const words = [...about, ...said].filter((word): word is string => typeof word === 'string');
  return `${String(record.leafIndex).padStart(6)}  ${predicate.decidedAt}  ${record.kind.padEnd(18)}  ${words.join(' ')}`;
}
