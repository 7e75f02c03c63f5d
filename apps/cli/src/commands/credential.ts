import type { Command } from 'commander';

import { type CredentialQuestion, CredentialReport, formatCredential } from '#domain';

import { Context } from '../context.ts';
import { CliError, INVALID } from '../errors.ts';
import { followLedger } from '../story.ts';
import { tenantOnly } from '../tenant.ts';

/** Acts that are listed one by one, unless told otherwise: what people still read. */
const LAST_DEFAULT = '100';
/** Beyond it the list of one credential strains the memory of the command. */
const LAST_MAX = 100_000;

export function register(program: Command): void {
  program
    .command('credential')
    .description(
      'what an issuer or a token did, from the ledger alone: what it may say, what it proposed, claimed, reported and vouched for, what came of it',
    )
    .argument('<tenant>', 'whose', tenantOnly)
    .argument('<id>', 'of an issuer or a token; gateway: all that the gateway signed')
    .option('--last <n>', 'how many of each sort to list one by one; all are counted', LAST_DEFAULT)
    .option('--keyid <keyid>', 'only what this key of it signed')
    .action(async (tenant: string, id: string, { last, keyid }: { last: string; keyid?: string }, command: Command) => {
      await credential(new Context(command), { tenant, id, keep: Number(last), keyid });
    });
}

async function credential(context: Context, question: CredentialQuestion): Promise<void> {
  const { tenant, id, keep } = question;
  if (!Number.isSafeInteger(keep) || keep < 0 || keep > LAST_MAX) throw new CliError(`--last: expected 0 to ${LAST_MAX}, got ${keep}`);
  const report = new CredentialReport(question);
  await followLedger(context, tenant, ({ record, kind, statement }) => {
    report.add({ tenant: record.tenant, kind, statement });
  });
  const told = report.told();
  if (!told) {
    throw new CliError(
      `the ledger has no issuer or token ${id} of tenant ${tenant}: countersign log --tenant ${tenant} lists what it has`,
      INVALID,
    );
  }
  context.print(formatCredential(told), told);
}
