import type { Command } from 'commander';

import { checkLedger } from '#adapters';
import type { InvariantResult, LedgerReport } from '#domain';

import { readAcks } from '../acks.ts';
import { Context } from '../context.ts';
import { COULD_NOT_TELL, INVALID, VALID } from '../errors.ts';
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
