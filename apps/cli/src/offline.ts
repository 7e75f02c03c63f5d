/** Results of what is verified without a ledger at hand. */
import { INVALID } from './errors.ts';
import { printableJson, toStderr, toStdout } from './terminal.ts';

export function print(text: string): void {
  toStdout(text);
}

/** `code` is of the closed set of what was verified. With --json it is a result, and on stdout; to people it is said as errors are. */
export function invalid(code: string, error: string, json: boolean): typeof INVALID {
  if (json) print(printableJson({ valid: false, code, error }));
  else toStderr(`INVALID ${code}: ${error}`);
  return INVALID;
}
