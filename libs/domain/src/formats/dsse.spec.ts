import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { ed25519PublicKey } from '#crypto';

import { fromUtf8, utf8 } from './bytes.ts';
import { DsseError, pae, signDsse, verifyDsse } from './dsse.ts';

vi.setConfig({ testTimeout: 60_000 }); // some go through every bit or every pair; a busy machine is no failure
fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const seed = new Uint8Array(32).fill(3);
const publicKey = ed25519PublicKey(seed);
const payloadType = 'application/vnd.in-toto+json';
const signed = signDsse({ payloadType, payload: utf8('{"a":1}'), keyid: 'k', seed });

test('PAE is the example of DSSE protocol v1, with lengths in bytes', () => {
  expect(fromUtf8(pae('http://example.com/HelloWorld', utf8('hello world')))).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
  expect(fromUtf8(pae('é', utf8('€')))).toBe('DSSEv1 2 é 3 €');
});

test('PAE keeps type and payload apart', () => {
  expect(fromUtf8(pae('a', utf8('b 1 c')))).not.toBe(fromUtf8(pae('a 5 b', utf8('c'))));
});

describe('envelopes', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (payload, keyid) => {
        expect(verifyDsse(signDsse({ payloadType, payload, keyid, seed }), { publicKey, payloadType })).toEqual(payload);
      }),
      { numRuns: 50 },
    );
  });

  test('with any bit flipped outside the keyid are refused', () => {
    const good = utf8(signed);
    const keyid = signed.indexOf('"keyid":"k"'); // a hint: its value, and so its name, decides nothing
    for (let bit = 0; bit < good.length * 8; bit++) {
      const at = bit >> 3;
      if (at > keyid && at < keyid + '"keyid":"k'.length && at !== keyid + 6) continue;
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (bit & 7));
      let text: string;
      try {
        text = fromUtf8(bad);
      } catch {
        continue;
      }
      expect(() => verifyDsse(text, { publicKey, payloadType })).toThrow(DsseError);
    }
  });

  test('verify with several signatures when one is by the key', () => {
    const { signatures } = JSON.parse(signed) as { signatures: unknown[] };
    const other = { keyid: 'k', sig: 'AAAA' };
    expect(
      verifyDsse(JSON.stringify({ ...(JSON.parse(signed) as object), signatures: [other, ...signatures] }), { publicKey, payloadType }),
    ).toBeDefined();
    for (const bad of [[], [other], [null], 'x', Array.from({ length: 17 }, () => signatures[0])]) {
      expect(() => verifyDsse(JSON.stringify({ ...(JSON.parse(signed) as object), signatures: bad }), { publicKey, payloadType })).toThrow(
        DsseError,
      );
    }
  });

  test.each(['', 'null', '[]', '{}', signed.slice(1), `${signed}x`, signed.replace('{"payload"', '{"payload":"","payload"')])(
    'refuse %j',
    (text) => {
      expect(() => verifyDsse(text, { publicKey, payloadType })).toThrow(DsseError);
    },
  );

  test('of another type or by another key are refused', () => {
    expect(() => verifyDsse(signed, { publicKey, payloadType: 'text/plain' })).toThrow(expect.objectContaining({ code: 'PAYLOAD_TYPE' }));
    const other = ed25519PublicKey(new Uint8Array(32).fill(4));
    expect(() => verifyDsse(signed, { publicKey: other, payloadType })).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }));
  });
});
