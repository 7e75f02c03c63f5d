import { printableJson } from './terminal.ts';

export const VALID = 0;
export const INVALID = 1;
export const COULD_NOT_TELL = 2;

/** Its message is one line that says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exitCode: typeof INVALID | typeof COULD_NOT_TELL = COULD_NOT_TELL,
  ) {
    super(message);
  }
}

/** One line for people. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.trim().replaceAll(/\s*\n\s*/g, '; ');
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'BROKER_UNAVAILABLE') return `no Kafka broker answers (${line}): is npm start running, or --brokers right?`;
  return line;
}

/** For people, or with --json for programs; `code` is the exit code. */
export const errorLine = (error: string, code: number, isJson: boolean): string =>
  isJson ? printableJson({ error, code }) : `countersign: ${error}`;

/** Nobody was there to ask, so nothing is known to be wrong. */
export function isUnanswered(error: unknown): boolean {
  if (error instanceof CliError) return error.exitCode === COULD_NOT_TELL;
  return error instanceof Error && 'code' in error && error.code === 'BROKER_UNAVAILABLE';
}
