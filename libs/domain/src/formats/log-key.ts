/** One Ed25519 key per log, derived where the ledger's seed is. A log's key never rotates: the log is closed and another opened. */
import { hkdfSha256 } from '#crypto';

import { utf8 } from './bytes.ts';
import { FormatError } from './errors.ts';
import { isKeyName } from './vkey.ts';

export class LogKeyError extends FormatError<'ORIGIN' | 'SEED'> {}

/** 32-byte seed of the key that signs for `origin`: HKDF-SHA-256, no salt, info "countersign/log-key/v1\0" ‖ origin. */
export function tenantSeed(ledgerSeed: Uint8Array, origin: string): Uint8Array {
  if (ledgerSeed.length !== 32) throw new LogKeyError('SEED', `a ledger seed has 32 bytes, got ${ledgerSeed.length}`);
  return hkdfSha256(ledgerSeed, utf8(`countersign/log-key/v1\0${checkOrigin(origin)}`));
}

/** `logId` is random: origins are public, on witness lists, and must not name a customer. */
export function originOf(ledgerName: string, logId: string): string {
  return checkOrigin(`${ledgerName}/t/${logId}`);
}

function checkOrigin(origin: string): string {
  if (!isKeyName(origin)) throw new LogKeyError('ORIGIN', 'an origin is a key name: no space, no plus, not empty');
  return origin;
}
