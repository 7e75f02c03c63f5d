/** Offline and stateless: needs its files and nothing else, no Kafka, no data folder, no network. */
import type { Command } from 'commander';

import { type Checkpoint, FormatError, hex, type Trust, verifyGrowth } from '#domain';

import { INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';
import { readInput, type TrustOptions, trustOf } from '../trust.ts';

export function register(program: Command): void {
  group(program, 'verify', 'verify a receipt offline, or a whole ledger')
    .command('consistency')
    .description('verify offline that a log only grew between two of its checkpoints: exit code 0 valid, 1 invalid, 2 could not tell')
    .argument('<old>', 'the older checkpoint')
    .argument('<new>', 'the newer checkpoint')
    .argument('<proof>', 'from countersign export consistency; an empty file for equal sizes')
    .option('--trust <file>', 'trust file, from countersign trust')
    .option('--vkey <vkey>', 'the key itself, together with --origin')
    .option('--origin <origin>', 'the log that the key must sign for')
    .action((old: string, next: string, proof: string, options: TrustOptions, command: Command) => {
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      process.exitCode = verify({ old, next, proof }, trustOf(options), json);
    });
}

interface Names {
  readonly old: string;
  readonly next: string;
  readonly proof: string;
}

function verify(names: Names, trust: Trust, json: boolean): number {
  const files = { old: readInput(names.old), next: readInput(names.next), proof: readInput(names.proof) };
  try {
    const { old, next } = verifyGrowth(files, trust);
    print(json ? JSON.stringify({ valid: true, origin: next.origin, old: factsOf(old), new: factsOf(next) }) : textOf(old, next));
    return VALID;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { code, message } = error as FormatError;
    if (json) print(JSON.stringify({ valid: false, code, error: message }));
    process.stderr.write(`INVALID ${code}: ${message}\n`);
    return INVALID;
  }
}

const factsOf = ({ size, root }: Checkpoint) => ({ treeSize: size.toString(), root: hex(root) });

const textOf = (old: Checkpoint, next: Checkpoint): string => `VALID
  integrity  the log's first ${old.size} entries are the same in both, of ${next.size} in the newer
  trust      both signed by the key you gave for ${next.origin}`;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
