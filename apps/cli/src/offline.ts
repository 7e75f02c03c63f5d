/** Results of what is verified without a ledger at hand. */
import { INVALID } from './errors.ts';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** `code` is of the closed set of what was verified. With --json it is a result, and on stdout; to people it is said as errors are. */
export function invalid(code: string, error: string, json: boolean): typeof INVALID {
  if (json) print(JSON.stringify({ valid: false, code, error }));
  else process.stderr.write(`INVALID ${code}: ${error}\n`);
  return INVALID;
}
