/** `npx countersign ...`. Results on stdout, errors on stderr (with --json each as one JSON value); exit code 0 valid, 1 invalid, 2 could not tell. */
import { Command, CommanderError } from 'commander';

import { CliError, COULD_NOT_TELL, errorLine, explain, VALID } from './errors.ts';
import { printable, toStderr } from './terminal.ts';

interface CommandFile {
  register(program: Command): void;
}

/** Only the file of the command asked for is loaded: `verify receipt` must not need what the others need. */
const COMMANDS: readonly (readonly [words: string, load: () => Promise<CommandFile>])[] = [
  ['init', () => import('./commands/init.ts')],
  ['start', () => import('./commands/start.ts')],
  ['propose', () => import('./commands/propose.ts')],
  ['log', () => import('./commands/log.ts')],
  ['explain', () => import('./commands/explain.ts')],
  ['effects', () => import('./commands/effects.ts')],
  ['credential', () => import('./commands/credential.ts')],
  ['outcome', () => import('./commands/outcome.ts')],
  ['close-effect', () => import('./commands/close-effect.ts')],
  ['trust', () => import('./commands/trust.ts')],
  ['export receipt', () => import('./commands/export-receipt.ts')],
  ['export checkpoint', () => import('./commands/export-checkpoint.ts')],
  ['export consistency', () => import('./commands/export-consistency.ts')],
  ['export tiles', () => import('./commands/export-tiles.ts')],
  ['export dsse', () => import('./commands/export-dsse.ts')],
  ['verify receipt', () => import('./commands/verify-receipt.ts')],
  ['verify consistency', () => import('./commands/verify-consistency.ts')],
  ['verify ledger', () => import('./commands/verify-ledger.ts')],
  ['sample', () => import('./commands/sample.ts')],
  ['tenant', () => import('./commands/tenant.ts')],
  ['issuer', () => import('./commands/issuer.ts')],
  ['key', () => import('./commands/key.ts')],
  ['token', () => import('./commands/token.ts')],
  ['vote', () => import('./commands/vote.ts')],
  ['gap', () => import('./commands/gap.ts')],
  ['time', () => import('./commands/time.ts')],
  ['recover', () => import('./commands/recover.ts')],
  ['freeze', () => import('./commands/freeze.ts')],
  ['erase', () => import('./commands/erase.ts')],
  ['policy check', () => import('./commands/policy-check.ts')],
  ['policy test', () => import('./commands/policy-test.ts')],
  ['policy show', () => import('./commands/policy-show.ts')],
  ['policy activate', () => import('./commands/policy-activate.ts')],
  ['policy diff', () => import('./commands/policy-diff.ts')],
  ['conform', () => import('./commands/conform.ts')],
  ['doctor', () => import('./commands/doctor.ts')],
];

/** Known before the arguments are parsed: what is wrong with them is an error as well. */
const isJson = process.argv.includes('--json');

const program = new Command('countersign')
  .description('An event-sourced decision ledger for AI agents, on Kafka')
  .option('--data <dir>', 'data folder (default .countersign, or COUNTERSIGN_DATA)')
  .option('--brokers <list>', 'host:port,... (default KAFKA_BROKERS, or the broker that npm start runs)')
  .option('--json', 'one JSON value on stdout, or for an error {"error", "code"} on stderr, where code is the exit code', false)
  .exitOverride()
  // One line for each error, its suggestion included.
  .configureOutput({
    outputError: (text, write) => {
      write(
        `${printable(
          errorLine(
            text
              .trim()
              .replace(/^error: /, '')
              .replaceAll(/\s*\n\s*/g, ' '),
            COULD_NOT_TELL,
            isJson,
          ),
        )}\n`,
      );
    },
  })
  .configureHelp({ showGlobalOptions: true })
  .addHelpText('after', '\nExit code: 0 valid, 1 invalid, 2 could not tell.');

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // `| head` has seen enough
  throw error;
});

try {
  const args = process.argv.slice(2);
  for (const load of loadersFor(args)) (await load()).register(program);
  inheritExit(program);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  process.exitCode = report(error);
}

function loadersFor(args: readonly string[]): (() => Promise<CommandFile>)[] {
  const chosen = COMMANDS.filter(([words]) => words.split(' ').every((word) => args.includes(word)));
  return (chosen.length > 0 ? chosen : COMMANDS).map(([, load]) => load);
}

/** Commander calls process.exit with 1 for wrong usage; ours is "could not tell". */
function inheritExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(inheritExit);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? VALID : COULD_NOT_TELL; // it has said so itself
  const code = error instanceof CliError ? error.exitCode : COULD_NOT_TELL;
  toStderr(errorLine(explain(error), code, isJson));
  return code;
}
