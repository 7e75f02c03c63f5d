/** DSSE protocol v1, JSON envelope with Ed25519. The keyid is a hint and decides nothing. */
import { ed25519Sign, ed25519Verify } from '#crypto';

import { base64, concat, fromBase64, utf8 } from './bytes.ts';
import { canonicalize, CanonicalJsonError, type Json } from './canonical-json.ts';
import { FormatError } from './errors.ts';
import { parseJson } from './strict-json.ts';

export class DsseError extends FormatError<'MALFORMED' | 'PAYLOAD_TYPE' | 'BAD_SIGNATURE'> {}

// We write one; a few co-signers are plausible, thousands are someone wasting our time.
const SIGNATURES_MAX = 16;

/** What is signed: "DSSEv1" SP len(type) SP type SP len(payload) SP payload, lengths in bytes. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const typeBytes = isAscii(payloadType) ? payloadType.length : utf8(payloadType).length;
  return concat(utf8(`DSSEv1 ${typeBytes} ${payloadType} ${payload.length} `), payload);
}

// eslint-disable-next-line no-control-regex -- all of ASCII
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);

/** The envelope as JSON text; `seed` is the 32-byte private key. */
export function signDsse(signing: { payloadType: string; payload: Uint8Array; keyid: string; seed: Uint8Array }): string {
  const { payloadType, payload, keyid, seed } = signing;
  const sig = base64(ed25519Sign(seed, pae(payloadType, payload)));
  return canonicalize({ payload: base64(payload), payloadType, signatures: [{ keyid, sig }] });
}

/** The payload, when the type is the pinned one and at least one signature is by the pinned key. Throws DsseError. */
export function verifyDsse(text: string, pinned: { publicKey: Uint8Array; payloadType: string }): Uint8Array {
  const envelope = membersOf(parse(text));
  const payload = decode(envelope['payload']);
  if (envelope['payloadType'] !== pinned.payloadType)
    throw new DsseError('PAYLOAD_TYPE', `dsse: expected payload type ${pinned.payloadType}`);
  const list = envelope['signatures'];
  if (!Array.isArray(list) || list.length === 0 || list.length > SIGNATURES_MAX) throw malformed('signatures');
  const signed = pae(pinned.payloadType, payload);
  const signatures = list.map((item) => decode(membersOf(item)['sig']));
  if (!signatures.some((signature) => ed25519Verify(pinned.publicKey, signed, signature))) {
    throw new DsseError('BAD_SIGNATURE', 'dsse: no signature by the pinned key');
  }
  return payload;
}

function parse(text: string): Json {
  try {
    return parseJson(text, { roundsNumbers: true }); // members that we do not know are passed over
  } catch (cause) {
    if (cause instanceof CanonicalJsonError) throw new DsseError('MALFORMED', `dsse: ${cause.message}`, { cause });
    throw cause;
  }
}

function membersOf(value: Json): Record<string, Json | undefined> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('an object');
  return value;
}

function decode(value: Json | undefined): Uint8Array {
  if (typeof value !== 'string') throw malformed('base64 text');
  try {
    return fromBase64(value);
  } catch (cause) {
    throw new DsseError('MALFORMED', 'dsse: not canonical base64', { cause });
  }
}

function malformed(what: string): DsseError {
  return new DsseError('MALFORMED', `dsse: expected ${what}`);
}
