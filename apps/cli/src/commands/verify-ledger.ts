import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { checkLedger } from '#adapters';
import { type Acknowledgement, INPUT_TOPICS, type InvariantResult, type LedgerReport } from '#domain';

import { Context } from '../context.ts';
import { CliError, COULD_NOT_TELL, explain, INVALID, VALID } from '../errors.ts';
import { group } from '../group.ts';

interface Options {
  readonly acks?: string;
  readonly settled: boolean;
}

const MARKS = { holds: 'ok', violated: 'VIOLATED', unknown: 'unknown', 'not-applicable': '-' } as const;
const EXIT = { valid: VALID, invalid: INVALID, unknown: COULD_NOT_TELL } as const;

export function register(program: Command): void {
  group(program, 'verify', 'verify a receipt offline, or a whole ledger')
    .command('ledger')
    .description('every lane from genesis: links, seals, roots, receipts, none skipped, and every decision made again')
    .option('--acks <file>', 'what Kafka has acknowledged, one JSON object a line: {"topic","partition","offset"}')
    .option('--settled', 'nothing is being written any more: what is still to come is then missing', false)
    .action(async ({ acks, settled }: Options, command: Command) => {
      const context = new Context(command);
      const onProgress = (line: string): void => {
        context.note(line);
      };
      const given = acks === undefined ? {} : { acks: readAcks(acks) };
      const report = await checkLedger(context.home, context.brokers, { settled, onProgress, ...given });
      context.print(textOf(report), report);
      process.exitCode = EXIT[report.status];
    });
}

function textOf({ status, entries, receipts, pending, erased, invariants }: LedgerReport): string {
  const lines = invariants.flatMap(lineOf);
  const still = pending > 0 ? `, ${pending} still to come` : '';
  const gone = erased > 0 ? `, ${erased} with erased inputs` : '';
  return [...lines, `${status.toUpperCase()}: ${entries} entries, ${receipts} receipts${still}${gone}`].join('\n');
}

const lineOf = ({ id, text, status, checked, notes }: InvariantResult): string[] => [
  `${id.padEnd(4)} ${MARKS[status].padEnd(9)} ${text}${status === 'holds' ? ` (${checked} checked)` : ''}`,
  ...notes.map((note) => `     ${note}`),
];

function readAcks(file: string): Acknowledgement[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`--acks ${file} cannot be read (${explain(error)})`);
  }
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      try {
        return readAck(JSON.parse(line) as Record<string, unknown>);
      } catch {
        throw new CliError(`--acks ${file} line ${at + 1}: expected {"topic":"actions","partition":0,"offset":"17"}`);
      }
    });
}

function readAck({ topic, partition, offset }: Record<string, unknown>): Acknowledgement {
  const known = INPUT_TOPICS.find((name) => name === topic);
  const place = typeof offset === 'string' || typeof offset === 'number' ? BigInt(offset) : -1n;
  if (!known || typeof partition !== 'number' || !Number.isSafeInteger(partition) || place < 0n) throw new Error('not an acknowledgement');
  return { topic: known, partition, offset: place };
}
