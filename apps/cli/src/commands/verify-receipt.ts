/** Offline and stateless: needs its files and nothing else, no Kafka, no data folder, no network. */
import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { formatTrust, hex, parseTrust, ReceiptError, type Statement, type Trust, type VerifiedReceipt, verifyReceipt } from '#domain';

import { CliError, explain, INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';

interface Options {
  readonly trust?: string;
  readonly vkey?: string;
  readonly origin?: string;
}

export function register(program: Command): void {
  group(program, 'verify', 'verify a receipt offline, or a whole ledger')
    .command('receipt')
    .description('verify a receipt offline, with a key that you brought: exit code 0 valid, 1 invalid, 2 could not tell')
    .argument('<proof>', 'the .tlog-proof file')
    .argument('[entry]', 'the entry, when it is a file of its own')
    .option('--trust <file>', 'trust file, from countersign trust')
    .option('--vkey <vkey>', 'the key itself, together with --origin')
    .option('--origin <origin>', 'the log that the key must sign for')
    .action((proof: string, entry: string | undefined, options: Options, command: Command) => {
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      process.exitCode = verify(proof, entry, trustOf(options), json);
    });
}

function verify(proofFile: string, entryFile: string | undefined, trust: Trust, json: boolean): number {
  const proof = read(proofFile);
  const entry = entryFile === undefined ? undefined : read(entryFile);
  try {
    const verified = verifyReceipt(proof, { origin: trust.log.name, verifier: trust.log, trust, ...(entry && { entry }) });
    print(json ? JSON.stringify(factsOf(verified)) : textOf(verified));
    return VALID;
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error;
    if (json) print(JSON.stringify({ valid: false, code: error.code, error: error.message }));
    process.stderr.write(`INVALID ${error.code}: ${error.message}\n`);
    return INVALID;
  }
}

/** Keys come from the one who verifies, never from the receipt. */
function trustOf({ trust, vkey, origin }: Options): Trust {
  const given = trust === undefined ? vkey !== undefined && origin !== undefined : vkey === undefined && origin === undefined;
  if (!given) throw new CliError('give --trust FILE, or both --vkey and --origin: a receipt cannot vouch for itself');
  let parsed: Trust;
  try {
    parsed = parseTrust(trust === undefined ? formatTrust(vkey ?? '') : read(trust).toString('utf8'));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${trust ?? '--vkey'} cannot be used (${explain(error)}): get it again from where you trust it`);
  }
  if (origin !== undefined && origin !== parsed.log.name) throw new CliError(`--vkey is of ${parsed.log.name}, --origin says ${origin}`);
  return parsed;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`${file} cannot be read (${explain(error)})`);
  }
}

function factsOf({ index, checkpoint, statement }: VerifiedReceipt) {
  const { origin, size, root } = checkpoint;
  return { valid: true, origin, index: index.toString(), treeSize: size.toString(), root: hex(root), entry: statement };
}

function textOf({ index, checkpoint, statement }: VerifiedReceipt): string {
  const { subject, predicate, predicateType } = statement as unknown as Statement;
  const { verdict, reasons, decidedAt } = predicate as { verdict?: string; reasons?: string[]; decidedAt: string };
  const said = verdict === undefined ? '' : `\n  verdict    ${verdict} ${reasons?.join(' ') ?? ''}`;
  return `VALID
  integrity  entry ${index} of the log's ${checkpoint.size}, exactly these bytes
  trust      signed by the key you gave for ${checkpoint.origin}
  entry      ${predicateType}, ${subject[0].name}, ${decidedAt}${said}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
