/** Published vectors against our code: JSON lines in and out, no Kafka, no data folder, no network. See docs/conformance.md. */
import { once } from 'node:events';

import type { Command } from 'commander';

import { answerLine } from '../conform/answer.ts';
import { linesOf } from '../conform/lines.ts';

/** Reading pauses above this many bytes of answers that nobody takes: all that 64 outstanding requests can need is below. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

export function register(program: Command): void {
  program
    .command('conform')
    .description('answer test vectors: one JSON request a line on stdin, one JSON answer a line on stdout')
    .action(conform);
}

async function conform(): Promise<void> {
  const log = (text: string): void => {
    process.stderr.write(`countersign conform: ${text}\n`);
  };
  for await (const line of linesOf(process.stdin)) {
    const answer = answerLine(line, log);
    if (answer === undefined) continue;
    process.stdout.write(`${answer}\n`);
    if (process.stdout.writableLength > UNREAD_BYTES_MAX) await once(process.stdout, 'drain');
  }
}
