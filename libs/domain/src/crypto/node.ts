/** The primitives on node:crypto, the one place in the domain that may import it. portable.ts is the same elsewhere. */
import { createHmac, createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

import { hkdfWith } from './hkdf.ts';
import { publicKeyFault } from './point.ts';

export { publicKeyFault, type PublicKeyFault } from './point.ts';

// RFC 8410 §7 and §4: the DER before the raw 32 bytes.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

// Building a KeyObject costs more than a signature. 4,096 is twice the 2,000 tenants of a lane; a key is some hundred bytes.
const KEYS_MAX = 4096;
const publicKeys = new Map<string, KeyObject | null>();
const privateKeys = new Map<string, KeyPair>();

interface KeyPair {
  key: KeyObject;
  publicKey: Uint8Array;
}

/** Of a text: of its UTF-8 bytes, which nobody else needs then. It must be well formed. */
export function sha256(bytes: Uint8Array | string): Uint8Array {
  // Through a string, as that costs half of what the allocation of a Buffer does: 1.1 instead of 2.5 µs for a tree node.
  const digest = hash('sha256', bytes, 'binary');
  const result = new Uint8Array(32);
  for (let at = 0; at < 32; at++) result[at] = digest.charCodeAt(at);
  return result;
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex');
}

/** RFC 2104 by two hashes: createHmac builds a key object first, which costs three times as much as both. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (key.length > BLOCK_BYTES || bytes.length > MESSAGE_BYTES_MAX) return plain(createHmac('sha256', key).update(bytes).digest());
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = at < key.length ? (key[at] ?? 0) : 0;
    inner[at] = 0x36 ^ byte;
    outer[at] = 0x5c ^ byte;
  }
  inner.set(bytes, BLOCK_BYTES);
  outer.set(sha256(inner.subarray(0, BLOCK_BYTES + bytes.length)), BLOCK_BYTES);
  const mac = sha256(outer);
  inner.fill(0, 0, BLOCK_BYTES + bytes.length); // neither key nor message stays behind
  outer.fill(0);
  return mac;
}

/** Of SHA-256. */
const BLOCK_BYTES = 64;
/** A longer one is worth a key object. */
const MESSAGE_BYTES_MAX = 16 * 1024;
// One pair for all, as hashing is synchronous: two allocations and fills cost more than a hash.
const inner = new Uint8Array(BLOCK_BYTES + MESSAGE_BYTES_MAX);
const outer = new Uint8Array(BLOCK_BYTES + 32);

/** HKDF-SHA-256, empty salt, 32 bytes of output (RFC 5869). */
export function hkdfSha256(ikm: Uint8Array, info: Uint8Array): Uint8Array {
  return hkdfWith(hmacSha256, ikm, info);
}

/** Never throws; false for malformed lengths and for keys that publicKeyFault reports. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  const key = publicKeyObject(publicKey);
  return key !== null && verify(null, message, key, signature);
}

/** The same, on another thread: 11 instead of 163 µs of this one, measured. */
export function ed25519VerifyAside(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const key = signature.length === 64 && publicKey.length === 32 ? publicKeyObject(publicKey) : null;
  if (key === null) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(null, message, key, signature, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** `seed` is the 32-byte private key of RFC 8032. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return plain(sign(null, message, keyPair(seed).key));
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return Uint8Array.from(keyPair(seed).publicKey);
}

/** null, remembered too, for a key that must be refused: hostile keys cost one point decoding, not one per signature. */
function publicKeyObject(bytes: Uint8Array): KeyObject | null {
  const id = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const known = publicKeys.get(id);
  if (known !== undefined) return known;
  const fault = publicKeyFault(bytes);
  return keep(
    publicKeys,
    id,
    fault === undefined ? createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' }) : null,
  );
}

function keyPair(seed: Uint8Array): KeyPair {
  if (seed.length !== 32) throw new RangeError(`an ed25519 seed has 32 bytes, got ${seed.length}`);
  const id = sha256Hex(seed); // not the seed itself: strings stay in the heap long after their use
  const known = privateKeys.get(id);
  if (known !== undefined) return known;
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
  return keep(privateKeys, id, { key, publicKey });
}

function keep<T>(map: Map<string, T>, id: string, value: T): T {
  if (map.size >= KEYS_MAX) for (const oldest of map.keys()) if (map.delete(oldest)) break;
  map.set(id, value);
  return value;
}

/** A Buffer is a Uint8Array with other methods under the same names (slice, toString): hand out the plain one. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
