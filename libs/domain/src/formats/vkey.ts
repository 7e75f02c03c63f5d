/** Verifier keys of C2SP signed-note: `<name>+<8 hex of key id>+<base64(signature type ‖ public key)>`. */
import { sha256 } from '#crypto';

import { base64, concat, fromBase64, hex, u32be, utf8 } from './bytes.ts';
import { FormatError } from './errors.ts';
import { checkPublicKey } from './keys.ts';

export class VkeyError extends FormatError<'NAME' | 'VKEY' | 'TYPE' | 'KEY_ID'> {}

/** A named public key one trusts; `keyId` is the unsigned 32-bit number of its signature lines, `vkey` its one spelling. */
export interface Verifier {
  name: string;
  keyId: number;
  publicKey: Uint8Array;
  vkey: string;
}

/** Signature types assigned by C2SP signed-note. */
export const NOTE_KEY = 0x01;
export const COSIGNER_KEY = 0x04;

type KeyType = typeof NOTE_KEY | typeof COSIGNER_KEY;

/** Throws VkeyError, and KeyError for a public key that must not be trusted. `type` is what the key is for. */
export function parseVkey(text: string, type: KeyType = NOTE_KEY): Verifier {
  const parts = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text);
  if (parts === null) throw new VkeyError('VKEY', 'expected <name>+<8 hex>+<base64>');
  const [, name = '', id = '', blob = ''] = parts;
  const bytes = decode(blob);
  if (bytes[0] !== type) throw new VkeyError('TYPE', `vkey: expected signature type ${type}, got ${bytes[0] ?? 'none'}`);
  const verifier = verifierOf(name, bytes.subarray(1), type);
  if (id !== hex(u32be(verifier.keyId))) throw new VkeyError('KEY_ID', 'vkey: the key id is not that of this name and key');
  return verifier;
}

export function formatVkey(name: string, publicKey: Uint8Array, type: KeyType = NOTE_KEY): string {
  return verifierOf(name, publicKey, type).vkey;
}

/** The verifier for a raw public key. Throws as parseVkey does. */
export function verifierOf(name: string, publicKey: Uint8Array, type: KeyType = NOTE_KEY): Verifier {
  if (!isKeyName(name)) throw new VkeyError('NAME', 'a key name has no space, no control character and no plus, and is not empty');
  checkPublicKey(publicKey);
  const keyId = ed25519KeyId(name, publicKey, type);
  const vkey = `${name}+${hex(u32be(keyId))}+${base64(concat(Uint8Array.of(type), publicKey))}`;
  return { name, keyId, publicKey: Uint8Array.from(publicKey), vkey };
}

/** First four bytes, big-endian, of SHA-256(name ‖ 0x0A ‖ signature type ‖ 32-byte public key). */
export function ed25519KeyId(name: string, publicKey: Uint8Array, type: KeyType = NOTE_KEY): number {
  const digest = sha256(concat(utf8(name), Uint8Array.of(0x0a, type), publicKey));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

/** Key names, and so origins: not empty, no Unicode space, no plus, and nothing a note may not hold. */
export function isKeyName(name: string): boolean {
  if (name === '' || !name.isWellFormed() || /[\p{White_Space}+]/u.test(name)) return false;
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) < 0x20) return false;
  return true;
}

function decode(blob: string): Uint8Array {
  try {
    return fromBase64(blob);
  } catch (cause) {
    throw new VkeyError('VKEY', 'vkey: not canonical base64', { cause });
  }
}
