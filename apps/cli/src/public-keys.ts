/** Public keys as they are given on the command line. */
import { checkPublicKey, fromBase64, keyIdOf } from '#domain';

import { CliError, explain } from './errors.ts';

export interface GivenKey {
  readonly keyid: string;
  readonly publicKey: string;
}

/** Throws CliError for what is not the sound key of a signer. */
export function publicKeyFrom(text: string, option = '--public-key'): GivenKey {
  try {
    const bytes = fromBase64(text);
    checkPublicKey(bytes);
    return { keyid: keyIdOf(bytes), publicKey: text };
  } catch (error) {
    throw new CliError(`${option}: expected 32 bytes of an Ed25519 key in base64 (${explain(error)})`);
  }
}
