import { writeFileSync } from 'node:fs';

import type { Context } from './context.ts';
import { CliError, explain } from './errors.ts';

/** A file's exact bytes: to `out` when given, then named on stdout, else to stdout as they are. With --json one value instead. */
export function emit(context: Context, text: string, { out, json }: { out: string | undefined; json: object }): void {
  if (out === undefined) {
    if (context.json) context.print('', json);
    else process.stdout.write(text);
    return;
  }
  save(out, text);
  context.print(out, { ...json, file: out });
}

export function save(file: string, content: string | Uint8Array): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new CliError(`${file} cannot be written (${explain(error)})`);
  }
}
