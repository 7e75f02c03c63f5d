/** Offline and stateless: needs its files and nothing else, no Kafka, no data folder, no network. */
import type { Command } from 'commander';

import { type Checkpoint, GrowthError, hex, verifyGrowth } from '#domain';

import { VALID } from '../errors.ts';
import { group } from '../group.ts';
import { invalid, print } from '../offline.ts';
import { isItsTrust, readInput, type TrustOptions, trustOf } from '../trust.ts';

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
      process.exitCode = verify({ old, next, proof }, options, json);
    });
}

interface Names {
  readonly old: string;
  readonly next: string;
  readonly proof: string;
}

function verify(names: Names, options: TrustOptions, json: boolean): number {
  const trust = trustOf(options);
  const files = { old: readInput(names.old), next: readInput(names.next), proof: readInput(names.proof) };
  try {
    const { old, next } = verifyGrowth(files, trust);
    print(json ? JSON.stringify({ valid: true, origin: next.origin, old: factsOf(old), new: factsOf(next) }) : textOf(old, next));
    return VALID;
  } catch (error) {
    if (!(error instanceof GrowthError)) throw error;
    return invalid(error.code, messageOf(error, names, options), json);
  }
}

/** Which file, what of it, and what may help. */
function messageOf({ part, code, message }: GrowthError, names: Names, options: TrustOptions): string {
  const roles = { old: `older checkpoint ${names.old}`, next: `newer checkpoint ${names.next}`, proof: `proof ${names.proof}` };
  if (code === 'ORIGIN' && part !== 'fit') return `${roles[part]}: ${message}: ${isItsTrust(options)}`;
  if (part !== 'fit') return `${roles[part]}: ${message}`;
  if (code !== 'RANGE') return `${roles.old}, ${roles.next} and ${roles.proof} do not fit together: ${message}`;
  const { old, next, proof } = names;
  return `${roles.old}, ${roles.next}: ${message}: if they are in the wrong order, swap them: countersign verify consistency ${next} ${old} ${proof}`;
}

const factsOf = ({ size, root }: Checkpoint) => ({ treeSize: size.toString(), root: hex(root) });

const textOf = (old: Checkpoint, next: Checkpoint): string => `VALID
  integrity  the log's first ${old.size} entries are the same in both, of ${next.size} in the newer
  trust      both signed by the key you gave for ${next.origin}`;
