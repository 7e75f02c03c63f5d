/** Bytes to text and back, one spelling each way: a decoder takes only what its encoder writes. */
import * as portable from './bytes-portable.ts';
import { FormatError } from './errors.ts';

export class BytesError extends FormatError<'UTF8' | 'LONE_SURROGATE' | 'HEX' | 'BASE64' | 'BASE64URL' | 'RANGE'> {}

type Codec = Pick<typeof portable, 'encode' | 'decode' | 'fromText' | 'allocate'>;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const codec: Codec = nodeCodec() ?? portable;
/** The value of each digit of base64, by its character's code; -1 for what is none. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => portable.STANDARD.indexOf(String.fromCharCode(code)));

/** Refuses lone surrogates, which any encoder would silently replace. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new BytesError('LONE_SURROGATE', 'text has a lone surrogate');
  return codec.fromText(text);
}

/** Fatal on invalid UTF-8; a byte order mark stays in the text. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new BytesError('UTF8', 'bytes are not valid utf-8', { cause });
  }
}

export function hex(bytes: Uint8Array): string {
  return codec.encode(bytes, 'hex');
}

/** Lower case only. */
export function fromHex(text: string): Uint8Array {
  return strict(text, 'hex', 'HEX');
}

/** RFC 4648 §4, with padding. */
export function base64(bytes: Uint8Array): string {
  return codec.encode(bytes, 'base64');
}

export function fromBase64(text: string): Uint8Array {
  return strict(text, 'base64', 'BASE64');
}

/** 32 bytes, or undefined for a text that is not their one spelling: a quarter of the time of fromBase64, and a proof has some twenty. */
export function hashFromBase64(text: string): Uint8Array | undefined {
  if (text.length !== 44 || text.charAt(43) !== '=') return undefined;
  const bytes = new Uint8Array(32);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let from = 0; from < 43; from++) {
    const digit = DIGITS[text.charCodeAt(from)] ?? -1;
    if (digit < 0) return undefined;
    held = ((held << 6) | digit) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
  }
  return (held & 3) === 0 ? bytes : undefined; // 43 digits carry two bits more
}

/** RFC 4648 §5, without padding. */
export function base64url(bytes: Uint8Array): string {
  return codec.encode(bytes, 'base64url');
}

export function fromBase64url(text: string): Uint8Array {
  return strict(text, 'base64url', 'BASE64URL');
}

/**
 * For a caller that writes every byte of it: what is there before is anything. Small ones share memory, since an allocation of its own costs
 * more than a kilobyte's hash, so their `buffer` is not theirs alone.
 */
export const allocate = (length: number): Uint8Array => codec.allocate(length);

export function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = allocate(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** For public values: not constant-time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

export function u32be(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw new BytesError('RANGE', `not a u32: ${value}`);
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function u64be(value: bigint | number): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new BytesError('RANGE', `not a safe integer: ${value}`);
  const big = BigInt(value);
  if (big !== BigInt.asUintN(64, big)) throw new BytesError('RANGE', `not a u64: ${big.toString()}`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, big);
  return bytes;
}

/** Decoders repair (skip, ignore case, drop bits): what encodes again to the same text was the one spelling. */
function strict(text: string, form: portable.Form, code: 'HEX' | 'BASE64' | 'BASE64URL'): Uint8Array {
  const bytes = codec.decode(text, form);
  if (bytes === undefined || codec.encode(bytes, form) !== text) throw new BytesError(code, `not canonical ${form}`);
  return bytes;
}

/** Node's Buffer does this in native code, some ten times faster, and takes small ones from a pool: 0.15 instead of 1.7 µs for 1.1 kB of text. */
function nodeCodec(): Codec | undefined {
  const native = (globalThis as { Buffer?: typeof Buffer }).Buffer;
  if (native === undefined) return undefined;
  return {
    encode: (bytes, form) => native.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(form),
    decode: (text, form) => {
      const bytes = native.from(text, form);
      return bytes.length > KEY_BYTES_MAX ? plain(bytes) : new Uint8Array(bytes); // a copy of keys, as small Buffers share one pool
    },
    fromText: (text) => plain(native.from(text)),
    allocate: (length) => plain(native.allocUnsafe(length)),
  };
}

/** Of what may be a key or a signature. */
const KEY_BYTES_MAX = 64;

/** A Buffer has other methods under the same names. */
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
