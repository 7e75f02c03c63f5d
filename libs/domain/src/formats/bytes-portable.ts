/** The codecs of bytes.ts for engines without Buffer. `decode` may be lenient: bytes.ts encodes again and compares. */
export type Form = 'hex' | 'base64' | 'base64url';

const HEX = '0123456789abcdef';
const COMMON = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
export const STANDARD = `${COMMON}+/`;
const URL_SAFE = `${COMMON}-_`;

const encoder = new TextEncoder();

/** UTF-8. */
export const fromText = (text: string): Uint8Array => encoder.encode(text);

export const allocate = (length: number): Uint8Array => new Uint8Array(length);

export function encode(bytes: Uint8Array, form: Form): string {
  if (form === 'hex') return encodeBits(bytes, 4, HEX);
  const text = encodeBits(bytes, 6, form === 'base64' ? STANDARD : URL_SAFE);
  return form === 'base64' ? text.padEnd(Math.ceil(bytes.length / 3) * 4, '=') : text;
}

/** undefined when a character is outside the alphabet. */
export function decode(text: string, form: Form): Uint8Array | undefined {
  if (form === 'hex') return decodeBits(text, 4, HEX);
  return form === 'base64' ? decodeBits(text.replace(/={1,2}$/, ''), 6, STANDARD) : decodeBits(text, 6, URL_SAFE);
}

function encodeBits(bytes: Uint8Array, width: number, alphabet: string): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff; // fewer than 6 bits are ever left over
    for (bits += 8; bits >= width; bits -= width) text += alphabet.charAt((held >>> (bits - width)) & ((1 << width) - 1));
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (width - bits)) & ((1 << width) - 1));
}

function decodeBits(text: string, width: number, alphabet: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * width) / 8));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const char of text) {
    const value = alphabet.indexOf(char);
    if (value < 0) return undefined;
    held = ((held << width) | value) & 0xffff;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >>> bits;
    }
  }
  return bytes;
}
