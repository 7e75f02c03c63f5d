import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { type CheckedReceipt, firstAskedAt, type LaneReceipts, textOf } from '#adapters';
import { fromUtf8, type Json, parseJson, permitOf } from '#domain';

import { Context } from '../context.ts';
import { CliError, COULD_NOT_TELL, explain, INVALID, VALID } from '../errors.ts';
import { stillAllows } from '../permit.ts';
import { seconds, seedFrom, withSigned } from '../signed.ts';
import { tenantOnly } from '../tenant.ts';

interface Options {
  readonly tenant: string;
  readonly issuer?: string;
  readonly key?: string;
  readonly id?: string;
  readonly expires: string;
  readonly wait: string;
}

export function register(program: Command): void {
  program
    .command('propose')
    .description(
      'sign and publish a proposal, wait for the verdict: exit code 0 ALLOW that may still be acted on, 1 anything else, 2 no verdict in time',
    )
    .argument('<file>', 'JSON of the proposal: actor, class, operation, parameters, resource, ...; - reads stdin')
    .requiredOption('--tenant <id>', 'in whose name', tenantOnly)
    .option('--issuer <id>', 'who signs (default platform-<tenant>)')
    .option('--key <file>', 'its seed in base64 (default keys/<issuer>.key of the data folder)')
    .option('--id <id>', "the action's id; the same id again is the same action (default random)")
    .option('--expires <seconds>', 'how long it may wait to be decided, at most 900 from when it was first asked for', '300')
    .option('--wait <seconds>', 'for the verdict; 0: only until Kafka has it, and then exit code 2', '10')
    .action(async (file: string, options: Options, command: Command) => {
      process.exitCode = await propose(new Context(command), file, options);
    });
}

async function propose(context: Context, file: string, options: Options): Promise<number> {
  const { tenant, issuer = `platform-${tenant}`, id = randomUUID(), key } = options;
  const expiresInMs = seconds('--expires', options.expires) * 1000;
  const seed = key === undefined ? context.home.key(issuer) : seedFrom('--key', key);
  const askedAtMs = firstAskedAt(context.home.folder, { tenant, issuer, id }, Date.now());
  const proposal = { kind: 'action.proposed', ...{ tenant, issuer, id, expiresInMs, askedAtMs, seed }, body: bodyFrom(file) } as const;
  const waitMs = seconds('--wait', options.wait) * 1000;
  return withSigned(context, proposal, async ({ place, receipts, receipt }) => {
    const at = `action ${id}, actions/${place.partition} offset ${place.offset}`;
    if (waitMs === 0) {
      context.print(`published: ${at}`, place);
      return COULD_NOT_TELL; // that it was published permits nothing
    }
    const answer = await receipt(waitMs);
    if (!answer) throw new CliError(`no verdict within ${options.wait} s for ${at}: not a yes; look later with countersign log`);
    return report(context, place, answer, receipts);
  });
}

function report(context: Context, place: object, receipt: CheckedReceipt, receipts: LaneReceipts): number {
  const { record, kind, statement } = receipt;
  // A repeated action has one verdict: that of the first.
  const first = kind === 'action.repeated' ? textOf(statement.predicate, 'first') : undefined;
  const decided = receipts.all.find((each) => each.record.tenant === record.tenant && String(each.record.leafIndex) === first) ?? receipt;
  const isOver = textOf(decided.statement.predicate, 'verdict') === 'ALLOW' && !stillAllows(decided.statement.predicate, Date.now());
  const { verdict, reasons, code, detail } = decided.statement.predicate as unknown as Readonly<Record<string, Json>>;
  const words = [verdict, ...(Array.isArray(reasons) ? reasons : []), code, detail].filter((word) => typeof word === 'string');
  const again = first === undefined ? '' : ` (decided before, at index ${first})`;
  const over = isOver ? ': too late to act, its executeBy has passed' : '';
  const text = `${words.join(' ')}${again}${over}\nreceipt of ${record.tenant} index ${record.leafIndex}: verified`;
  const facts = {
    index: record.leafIndex,
    tree: record.tenant,
    kind,
    first,
    verdict,
    reasons,
    code,
    detail,
    permit: permitOf(decided.statement.predicate),
  };
  context.print(text, { ...place, ...facts, receipt: fromUtf8(record.proof) });
  return verdict === 'ALLOW' && !isOver ? VALID : INVALID;
}

function bodyFrom(file: string): object {
  let text: string;
  try {
    text = fromUtf8(readFileSync(file === '-' ? 0 : file));
  } catch (error) {
    throw new CliError(`${file} cannot be read (${explain(error)})`);
  }
  try {
    const body = parseJson(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  } catch (error) {
    throw new CliError(`${file} is not JSON (${explain(error)})`);
  }
  throw new CliError(`${file}: expected a JSON object`);
}
