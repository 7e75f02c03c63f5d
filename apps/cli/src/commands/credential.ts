import type { Command } from 'commander';

import { CredentialReport, formatCredential } from '#domain';

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
      'what an issuer or a token did, from the ledger alone: what it may say, what it proposed, claimed and reported, what came of it',
    )
    .argument('<tenant>', 'whose', tenantOnly)
    .argument('<id>', 'of an issuer or a token; gateway: all that the gateway signed')
    .option('--last <n>', 'how many of each sort to list one by one; all are counted', LAST_DEFAULT)
    .action(async (tenant: string, id: string, { last }: { last: string }, command: Command) => {
      await credential(new Context(command), { tenant, id, last: Number(last) });
    });
}

async function credential(context: Context, { tenant, id, last }: { tenant: string; id: string; last: number }): Promise<void> {
  if (!Number.isSafeInteger(last) || last < 0 || last > LAST_MAX) throw new CliError(`--last: expected 0 to ${LAST_MAX}, got ${last}`);
  const report = new CredentialReport(tenant, id, last);
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
