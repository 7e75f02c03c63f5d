/** C2SP signed-note: a text, a blank line, signature lines `— <key name> <base64(key id ‖ signature)>`. */
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#crypto';

import { base64, concat, fromBase64, fromUtf8, u32be, utf8 } from './bytes.ts';
import { FormatError } from './errors.ts';
import { isKeyName, type Verifier, ed25519KeyId } from './vkey.ts';

export class NoteError extends FormatError<'MALFORMED' | 'TOO_LARGE' | 'TOO_MANY_SIGNATURES' | 'BAD_SIGNATURE' | 'NO_KNOWN_KEY'> {}

/** `keyId` is unsigned 32-bit; `signature` is without it; `line` is without its newline. */
export interface NoteSignature {
  name: string;
  keyId: number;
  signature: Uint8Array;
  line: string;
}
export interface Note {
  text: string;
  signatures: NoteSignature[];
}

/** C2SP asks for at least 16; more than 100 signatures is someone wasting our time. */
export const NOTE_SIGNATURES_MAX = 100;
/** A checkpoint with 100 post-quantum signatures fits. */
export const NOTE_BYTES_MAX = 1024 * 1024;

/** Splits a note; verifies nothing. `text` ends in a newline and is what the signatures cover. Throws NoteError. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > NOTE_BYTES_MAX) throw new NoteError('TOO_LARGE', `a note has at most ${NOTE_BYTES_MAX} bytes`);
  for (const byte of bytes) if (byte < 0x20 && byte !== 0x0a) throw malformed('a control character');
  const whole = decode(bytes);
  const split = whole.lastIndexOf('\n\n'); // the last blank line: the text may have others
  if (split < 0 || !whole.endsWith('\n')) throw malformed('no blank line, or no final newline');
  const lines = whole.slice(split + 2).split('\n');
  lines.pop(); // what follows the final newline
  if (lines.length === 0) throw malformed('no signature');
  if (lines.length > NOTE_SIGNATURES_MAX) throw new NoteError('TOO_MANY_SIGNATURES', `more than ${NOTE_SIGNATURES_MAX} signatures`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseLine) };
}

/** `lines` as signatureLine makes them, without newlines. */
export function formatNote(text: string, lines: readonly string[]): string {
  return `${text}\n${lines.map((line) => `${line}\n`).join('')}`;
}

export function signatureLine(name: string, keyId: number, signature: Uint8Array): string {
  if (!isKeyName(name)) throw malformed('not a key name');
  return `— ${name} ${base64(concat(u32be(keyId), signature))}`;
}

/** A note with one Ed25519 signature; the same text and key always give the same bytes. `seed` is the 32-byte private key. */
export function signNote(text: string, signer: { name: string; seed: Uint8Array }): string {
  const keyId = ed25519KeyId(signer.name, ed25519PublicKey(signer.seed));
  const note = formatNote(text, [signatureLine(signer.name, keyId, ed25519Sign(signer.seed, utf8(text)))]);
  const parsed = parseNote(utf8(note)); // never sign what no reader would read back
  if (parsed.text !== text) throw malformed('a text that ends in no newline');
  return note;
}

/** Signatures of unknown keys are ignored; one bad signature of a known key refuses the note, and so does none at all. */
export function verifyNote(bytes: Uint8Array, verifiers: readonly Verifier[]): { text: string; verified: Verifier[] } {
  const { text, signatures } = parseNote(bytes);
  const signed = utf8(text);
  const verified = new Set<Verifier>();
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((known) => known.name === name && known.keyId === keyId);
    if (verifier === undefined) continue;
    if (!ed25519Verify(verifier.publicKey, signed, signature)) throw new NoteError('BAD_SIGNATURE', `signature of ${name} does not verify`);
    verified.add(verifier);
  }
  if (verified.size === 0) throw new NoteError('NO_KNOWN_KEY', 'note is signed by no known key');
  return { text, verified: [...verified] };
}

function parseLine(line: string): NoteSignature {
  const [dash, name = '', blob = '', ...more] = line.split(' ');
  if (dash !== '—' || !isKeyName(name) || more.length > 0) throw malformed('a signature line is not "— <key name> <base64>"');
  const bytes = decodeSignature(blob);
  if (bytes.length < 5) throw malformed('a signature without bytes');
  return { name, keyId: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), signature: bytes.slice(4), line };
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new NoteError('MALFORMED', 'note: not valid utf-8', { cause });
  }
}

function decodeSignature(blob: string): Uint8Array {
  try {
    return fromBase64(blob);
  } catch (cause) {
    throw new NoteError('MALFORMED', 'note: a signature is not canonical base64', { cause });
  }
}

function malformed(what: string): NoteError {
  return new NoteError('MALFORMED', `note: ${what}`);
}
