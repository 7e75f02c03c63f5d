import type { Command } from 'commander';

import { explainEntry, formatPart, isAbout, parseStatement, ReceiptError, type ToldPart, verifyReceipt } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { storyOf } from '../story.ts';
import { tenantOrSystem } from '../tenant.ts';
import { readInput, trustOf } from '../trust.ts';

interface Options {
  readonly tenant?: string;
  readonly receipt?: string;
  readonly trust?: string;
}

interface Told {
  readonly action: string;
  readonly tenant?: string;
  readonly parts: readonly ToldPart[];
}

export function register(program: Command): void {
  program
    .command('explain')
    .description('in plain words: who asked what, what was decided and why, what to do next, what happened since, and what proves it')
    .argument('<action>', "the action's id")
    .option('--tenant <id>', 'whose; needed when several tenants have an action of that id', tenantOrSystem)
    .option('--receipt <file>', 'offline, from one .tlog-proof file: only what its entry says')
    .option('--trust <file>', 'with --receipt: trust file, from countersign trust')
    .action(async (action: string, options: Options, command: Command) => {
      const context = new Context(command);
      if (options.receipt === undefined && options.trust === undefined) await fromLedger(context, action, options.tenant);
      else fromReceipt(context, action, options);
    });
}

async function fromLedger(context: Context, action: string, asked: string | undefined): Promise<void> {
  const { tenant, entries, bundles } = await storyOf(context, action, asked);
  const parts = entries.map((entry) => explainEntry(entry, bundles));
  const how = `Receipts: countersign export receipt --tenant ${tenant} --index N --out DIR`;
  print(context, [`Action ${action} of ${tenant}`, how], { action, tenant, parts });
}

/** Needs its two files and nothing else: no Kafka, no data folder, no network. */
function fromReceipt(context: Context, action: string, { tenant, receipt, trust: trustFile }: Options): void {
  if (receipt === undefined || trustFile === undefined) throw new CliError('give both --receipt and --trust, or none of them');
  if (tenant !== undefined) throw new CliError('--tenant is for the ledger: the trust file says whose receipt it is');
  const trust = trustOf({ trust: trustFile });
  const entry = refused(() => {
    const verified = verifyReceipt(readInput(receipt), { origin: trust.log.name, verifier: trust.log, trust });
    return parseStatement(verified.entry);
  });
  if (!isAbout(entry, action, new Set())) {
    throw new CliError(`the receipt is of ${entry.kind} ${entry.statement.subject[0].name}, not of action ${action}`, INVALID);
  }
  const parts = [explainEntry(entry, new Map())];
  print(context, [`Action ${action}, from one verified receipt: what came before and after is not in it`], { action, parts });
}

/** A receipt that does not verify, or of no entry, is invalid: nothing of it is told. */
function refused<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReceiptError) throw new CliError(`INVALID ${error.code}: ${error.message}`, INVALID);
    if (error instanceof Error && error.name === 'EntryError') throw new CliError(`INVALID BAD_ENTRY: ${error.message}`, INVALID);
    throw error;
  }
}

function print(context: Context, [title, ...notes]: readonly string[], json: Told): void {
  context.print([title, ...json.parts.map(formatPart), ...notes].join('\n\n'), json);
}
