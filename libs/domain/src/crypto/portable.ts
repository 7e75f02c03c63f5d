/** The same primitives as node.ts where there is no node:crypto: a browser, a worker. Slower, same bytes, same refusals. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

import { hkdfWith } from './hkdf.ts';
import { publicKeyFault } from './point.ts';

export { publicKeyFault, type PublicKeyFault } from './point.ts';

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

/** Of a text: of its UTF-8 bytes. It must be well formed. */
export function sha256(bytes: Uint8Array | string): Uint8Array {
  return nobleSha256(typeof bytes === 'string' ? utf8ToBytes(bytes) : bytes);
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return bytesToHex(sha256(bytes));
}

export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, bytes);
}

/** HKDF-SHA-256, empty salt, 32 bytes of output (RFC 5869). */
export function hkdfSha256(ikm: Uint8Array, info: Uint8Array): Uint8Array {
  return hkdfWith(hmacSha256, ikm, info);
}

/**
 * Ed25519 without the cofactor, as OpenSSL does it: R must be, byte for byte, the encoding of S·B − k·A.
 * (The library's own verify multiplies by the cofactor and so accepts signatures that node:crypto refuses.)
 * Never throws; false for malformed lengths and for keys that publicKeyFault reports.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKeyFault(publicKey) !== undefined) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= ORDER) return false; // RFC 8032 §5.1.7 step 1: else a signature has a second spelling
  const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % ORDER;
  const point = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(publicKey).multiplyUnsafe(k));
  const encoded = point.toBytes();
  return r.every((byte, at) => byte === encoded[at]);
}

/** The same; here there is no other thread. */
export const ed25519VerifyAside = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> =>
  Promise.resolve(ed25519Verify(publicKey, message, signature));

/** `seed` is the 32-byte private key of RFC 8032. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(Uint8Array.from(bytes).reverse())}`);
}
