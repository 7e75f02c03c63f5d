import { publicKeyFault, type PublicKeyFault, sha256Hex } from '#crypto';

import { FormatError } from './errors.ts';

export class KeyError extends FormatError<PublicKeyFault> {}

const FAULTS: Record<PublicKeyFault, string> = {
  LENGTH: 'an ed25519 public key has 32 bytes',
  NON_CANONICAL: 'public key is not the canonical spelling of its point (RFC 8032 §5.1.3)',
  NOT_ON_CURVE: 'public key is not a point of edwards25519',
  SMALL_ORDER: 'public key has small order: anyone can sign for it',
};

/** Every key passes here before it is registered or trusted. Throws KeyError. */
export function checkPublicKey(bytes: Uint8Array): void {
  const fault = publicKeyFault(bytes);
  if (fault !== undefined) throw new KeyError(fault, FAULTS[fault]);
}

/** An issuer's `keyid`: the first 32 hex characters of SHA-256(public key). A name for the key, never a proof of it. */
export function keyIdOf(publicKey: Uint8Array): string {
  return sha256Hex(publicKey).slice(0, 32);
}
