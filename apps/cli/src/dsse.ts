import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { CheckedReceipt, Home } from '#adapters';
import { ed25519PublicKey } from '#crypto';
import { hex, parseNote, parseProof, signDsse, tenantSeed, u32be, utf8, verifierOf } from '#domain';

import { CliError, INVALID } from './errors.ts';
import { seedFrom } from './signed.ts';

/** Where the ledger's seed is, undefined elsewhere. `keys`: a folder that has it, instead of the data folder's own. */
export function ledgerSeed(home: Home, keys?: string): Uint8Array | undefined {
  if (keys === undefined) return home.hasKey('ledger') ? home.key('ledger') : undefined;
  const file = join(keys, 'ledger.seed');
  if (!existsSync(file)) return undefined;
  return seedFrom('--keys', file);
}

/** The entry again as a DSSE envelope, by the log's own key; its keyid is `<origin>+<8 hex>`, a hint. */
export function dsseOf(seeds: Uint8Array | readonly Uint8Array[], { record }: CheckedReceipt): string {
  const { signatures } = parseNote(utf8(parseProof(record.proof).checkpoint));
  const signer = (seeds instanceof Uint8Array ? [seeds] : seeds)
    .map((seed) => tenantSeed(seed, record.origin))
    .map((key) => ({ key, keyId: verifierOf(record.origin, ed25519PublicKey(key)).keyId }))
    .find(({ keyId }) => signatures.some((each) => each.name === record.origin && each.keyId === keyId));
  if (!signer) throw new CliError(`that ledger.seed is not the one of ${record.origin}`, INVALID);
  const { key, keyId } = signer;
  const keyid = `${record.origin}+${hex(u32be(keyId))}`;
  return signDsse({ payloadType: 'application/vnd.in-toto+json', payload: entryOf(record), keyid, seed: key });
}

/** The exact bytes that the receipt is about. */
export function entryOf({ proof, tenant, leafIndex }: CheckedReceipt['record']): Uint8Array {
  const { entry } = parseProof(proof);
  if (!entry) throw new CliError(`the receipt of ${tenant} ${leafIndex} carries no entry`, INVALID);
  return entry;
}
