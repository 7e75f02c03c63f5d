import { ed25519PublicKey, ed25519Sign } from '#crypto';
import { pae } from '#domain';

import { around, b64, flipped, holds, refused, seed } from './cases.mjs';

const TYPE = 'application/vnd.in-toto+json';
const PAYLOAD = Buffer.from('{"entry":"ü"}');

export function dssePae() {
  const of = (comment, payloadType, payload, output) => holds(comment, { payloadType, payload: b64(payload) }, { output: b64(output) });
  return [
    of(
      'the example of the DSSE protocol',
      'http://example.com/HelloWorld',
      'hello world',
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    ),
    of('empty type and payload', '', '', 'DSSEv1 0  0 '),
    of('lengths are in bytes', 'é', 'ü€', 'DSSEv1 2 é 5 ü€'),
    of('a payload that is no text', 'x', Buffer.from([0, 0xff]), Buffer.concat([Buffer.from('DSSEv1 1 x 2 '), Buffer.from([0, 0xff])])),
    refused('a payload that is no base64', { payloadType: TYPE, payload: 'e30' }),
    refused('no type', { payload: b64('{}') }),
  ];
}

export function dsseVerify() {
  const publicKey = b64(ed25519PublicKey(seed(1)));
  const envelope = { payload: b64(PAYLOAD), payloadType: TYPE, signatures: [{ keyid: 'key', sig: signature(seed(1)) }] };
  const text = JSON.stringify(envelope);
  const other = { keyid: 'other', sig: signature(seed(2)) };
  const good = { envelope: text, publicKey, payloadType: TYPE };
  const changed = (members) => ({ envelope: JSON.stringify({ ...envelope, ...members }) });
  const output = { payload: b64(PAYLOAD) };
  return [
    ...around('an envelope', good, output, {
      'another type insisted on': { payloadType: 'application/json' },
      'another type in the envelope': changed({ payloadType: 'application/json' }),
      'another key': { publicKey: b64(ed25519PublicKey(seed(2))) },
      'a key of small order': { publicKey: b64(Buffer.from(`01${'00'.repeat(31)}`, 'hex')) },
      'a key of 31 bytes': { publicKey: b64(seed(1).subarray(1)) },
      'one bit of the payload': changed({ payload: b64(flipped(PAYLOAD, 3)) }),
      'one bit of the signature': changed({ signatures: [{ sig: b64(flipped(Buffer.from(envelope.signatures[0].sig, 'base64'))) }] }),
      'a signature over the payload alone': changed({ signatures: [{ sig: b64(ed25519Sign(seed(1), PAYLOAD)) }] }),
      'no signatures': changed({ signatures: [] }),
      'signatures that are no list': changed({ signatures: envelope.signatures[0] }),
      'a payload in base64url': changed({ payload: b64(PAYLOAD).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') }),
      'a signature that is no base64': changed({ signatures: [...envelope.signatures, { sig: '!' }] }),
      'two payload members': { envelope: text.replace('{', `{"payload":"${b64('{}')}",`) },
      'no JSON': { envelope: `${text}x` },
      'no object': { envelope: `[${text}]` },
      'a lone surrogate': changed({ note: '\ud800' }),
      'a number beyond a double': { envelope: text.replace('{', '{"n":1e999,') },
    }),
    holds('a keyid decides nothing', { ...good, ...changed({ signatures: [{ ...envelope.signatures[0], keyid: 'wrong' }] }) }, output),
    holds('no keyid', { ...good, ...changed({ signatures: [{ sig: envelope.signatures[0].sig }] }) }, output),
    holds('one of two signatures', { ...good, ...changed({ signatures: [other, ...envelope.signatures] }) }, output),
    holds('white space', { ...good, envelope: JSON.stringify(envelope, null, 2) }, output),
  ];
}

const signature = (key) => b64(ed25519Sign(key, pae(TYPE, PAYLOAD)));
