import { ed25519 } from '@noble/curves/ed25519.js';

/** Why 32 bytes are no acceptable Ed25519 public key. */
export type PublicKeyFault = 'LENGTH' | 'NON_CANONICAL' | 'NOT_ON_CURVE' | 'SMALL_ORDER';

// The field prime 2^255 − 19, little-endian, RFC 8032 §5.1.
const PRIME = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0xed : at === 31 ? 0x7f : 0xff));

/**
 * Reports why a public key must be refused, or undefined when it may be used.
 *
 * Verifiers disagree about exactly these points: many accept a trivial signature for the key 01 00…00 (small order),
 * and some read y ≥ p as another spelling of y − p. Refusing both leaves one spelling for every key.
 */
export function publicKeyFault(bytes: Uint8Array): PublicKeyFault | undefined {
  if (bytes.length !== 32) return 'LENGTH';
  if (!isBelowPrime(bytes)) return 'NON_CANONICAL';
  const point = decode(bytes);
  if (point === undefined) return isZeroXWithSign(bytes) ? 'NON_CANONICAL' : 'NOT_ON_CURVE';
  return point.isSmallOrder() ? 'SMALL_ORDER' : undefined;
}

function decode(bytes: Uint8Array) {
  try {
    return ed25519.Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** y < p, the sign bit left out. */
function isBelowPrime(bytes: Uint8Array): boolean {
  for (let at = 31; at >= 0; at--) {
    const have = at === 31 ? (bytes[at] ?? 0) & 0x7f : (bytes[at] ?? 0);
    const prime = PRIME[at] ?? 0;
    if (have !== prime) return have < prime;
  }
  return false;
}

/** x = 0 (y = 1 or −1) spelled with the sign bit set: RFC 8032 §5.1.3 step 4 refuses it, older decoders do not. */
function isZeroXWithSign(bytes: Uint8Array): boolean {
  if (((bytes[31] ?? 0) & 0x80) === 0) return false;
  const unsigned = Uint8Array.from(bytes);
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  return decode(unsigned)?.x === 0n;
}
