/** Offline and stateless: needs its files and nothing else, no Kafka, no data folder, no network. */
import type { Command } from 'commander';

import { hex, ReceiptError, type Statement, type VerifiedReceipt, verifyReceipt } from '#domain';

import { VALID } from '../errors.ts';
import { group } from '../group.ts';
import { invalid, print } from '../offline.ts';
import { isItsTrust, readInput, type TrustOptions, trustOf } from '../trust.ts';

export function register(program: Command): void {
  group(program, 'verify', 'verify a receipt offline, or a whole ledger')
    .command('receipt')
    .description('verify a receipt offline, with a key that you brought: exit code 0 valid, 1 invalid, 2 could not tell')
    .argument('<proof>', 'the .tlog-proof file')
    .argument('[entry]', 'the entry, when it is a file of its own')
    .option('--trust <file>', 'trust file, from countersign trust')
    .option('--vkey <vkey>', 'the key itself, together with --origin')
    .option('--origin <origin>', 'the log that the key must sign for')
    .action((proof: string, entry: string | undefined, options: TrustOptions, command: Command) => {
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      process.exitCode = verify({ proof, entry }, options, json);
    });
}

function verify(names: { proof: string; entry: string | undefined }, options: TrustOptions, json: boolean): number {
  const trust = trustOf(options);
  const proof = readInput(names.proof);
  const entry = names.entry === undefined ? undefined : readInput(names.entry);
  try {
    const verified = verifyReceipt(proof, { origin: trust.log.name, verifier: trust.log, trust, ...(entry && { entry }) });
    print(json ? JSON.stringify(factsOf(verified)) : textOf(verified));
    return VALID;
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error;
    const { code, message } = error;
    return invalid(code, code === 'WRONG_ORIGIN' ? `${message}: ${isItsTrust(options)}` : message, json);
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
