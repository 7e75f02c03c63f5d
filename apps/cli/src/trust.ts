/** What a verifier brings along: files, and the key it trusts. */
import { readFileSync } from 'node:fs';

import { formatTrust, fromUtf8, parseTrust, type Trust } from '#domain';

import { CliError, explain } from './errors.ts';

export interface TrustOptions {
  readonly trust?: string;
  readonly vkey?: string;
  readonly origin?: string;
}

/** Keys come from the one who verifies, never from what is verified. Throws CliError. */
export function trustOf({ trust, vkey, origin }: TrustOptions): Trust {
  const given = trust === undefined ? vkey !== undefined && origin !== undefined : vkey === undefined && origin === undefined;
  if (!given) throw new CliError('give --trust FILE, or both --vkey and --origin: what is verified cannot vouch for itself');
  let parsed: Trust;
  try {
    parsed = parseTrust(trust === undefined ? formatTrust(vkey ?? '') : fromUtf8(readInput(trust)));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${trust ?? '--vkey'} cannot be used (${explain(error)}): get it again from where you trust it`);
  }
  if (origin !== undefined && origin !== parsed.log.name) throw new CliError(`--vkey is of ${parsed.log.name}, --origin says ${origin}`);
  return parsed;
}

/** What to ask when a checkpoint names another origin than the trusted one. */
export const isItsTrust = ({ trust }: TrustOptions): string =>
  trust === undefined ? 'are --vkey and --origin those of this log?' : `is ${trust} the trust file of this log?`;

/** Throws CliError, "could not tell", for what cannot be read. */
export function readInput(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`${file} cannot be read (${explain(error)})`);
  }
}
