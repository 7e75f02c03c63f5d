import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import * as node from './node.ts';
import * as portable from './portable.ts';

vi.setConfig({ testTimeout: 60_000 }); // some go through every bit or every pair; a busy machine is no failure
fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const bin = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const both = [
  ['node', node],
  ['portable', portable],
] as const;

// RFC 8032 §7.1, TEST 1 to 3: seed, public key, message, signature.
const RFC_8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

describe.each(both)('%s primitives', (_, crypto) => {
  test.each(RFC_8032)('sign and verify as RFC 8032 §7.1 (%s)', (seed, publicKey, message, signature) => {
    expect(crypto.ed25519PublicKey(bin(seed))).toEqual(bin(publicKey));
    expect(crypto.ed25519Sign(bin(seed), bin(message))).toEqual(bin(signature));
    expect(crypto.ed25519Verify(bin(publicKey), bin(message), bin(signature))).toBe(true);
  });

  test('hash as FIPS 180-4, MAC as RFC 4231 case 2, derive as RFC 5869 case 3', () => {
    expect(crypto.sha256Hex(new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    const mac = crypto.hmacSha256(new TextEncoder().encode('Jefe'), new TextEncoder().encode('what do ya want for nothing?'));
    expect(mac).toEqual(bin('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'));
    const okm = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d'; // its first 32 of 42 bytes
    expect(crypto.hkdfSha256(new Uint8Array(22).fill(0x0b), new Uint8Array(0))).toEqual(bin(okm));
  });

  test('verify never throws on lengths, and never accepts them', () => {
    for (const length of [0, 31, 33, 63, 65]) {
      expect(crypto.ed25519Verify(new Uint8Array(length), new Uint8Array(1), new Uint8Array(64))).toBe(false);
      expect(crypto.ed25519Verify(bin(RFC_8032[0][1]), new Uint8Array(0), new Uint8Array(length))).toBe(false);
    }
  });

  test('verify refuses the trivial signature for a small-order key', () => {
    const identity = bin(`01${'00'.repeat(31)}`);
    expect(crypto.ed25519Verify(identity, new Uint8Array(3), bin(`01${'00'.repeat(63)}`))).toBe(false);
  });

  test('results are plain Uint8Array', () => {
    const all = [crypto.sha256(new Uint8Array(1)), crypto.hmacSha256(new Uint8Array(1), new Uint8Array(1))];
    all.push(crypto.ed25519Sign(new Uint8Array(32), new Uint8Array(1)), crypto.ed25519PublicKey(new Uint8Array(32)));
    for (const result of all) expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
  });
});

describe('node and portable are equal', () => {
  test('on any input', () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 1100 }), (seed, message, info) => {
        expect(node.sha256(message)).toEqual(portable.sha256(message));
        expect(node.sha256Hex(message)).toBe(portable.sha256Hex(message));
        expect(node.hmacSha256(info, message)).toEqual(portable.hmacSha256(info, message));
        expect(node.hkdfSha256(message, info)).toEqual(portable.hkdfSha256(message, info));
        const signature = node.ed25519Sign(seed, message);
        expect(portable.ed25519Sign(seed, message)).toEqual(signature);
        const publicKey = portable.ed25519PublicKey(seed);
        expect(node.ed25519PublicKey(seed)).toEqual(publicKey);
        for (const { ed25519Verify } of [node, portable]) expect(ed25519Verify(publicKey, message, signature)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('on messages of any length under one key', () => {
    const key = new Uint8Array(32).fill(7);
    for (const length of [16_385, 16_384, 16_383, 64, 1, 0, 64]) {
      const message = new Uint8Array(length).fill(length);
      expect(node.hmacSha256(key, message)).toEqual(portable.hmacSha256(key, message));
    }
  });

  test('on any flipped bit: both refuse', () => {
    fc.assert(
      fc.property(bytes(32), bytes(20), fc.nat(115), fc.nat(7), (seed, message, at, bit) => {
        const whole = Buffer.concat([node.ed25519PublicKey(seed), message, node.ed25519Sign(seed, message)]);
        whole[at] = (whole[at] ?? 0) ^ (1 << bit);
        for (const { ed25519Verify } of [node, portable]) {
          expect(ed25519Verify(whole.subarray(0, 32), whole.subarray(32, 52), whole.subarray(52))).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('on a signature whose S has the group order added: both refuse', () => {
    const [seed, publicKey, message] = RFC_8032[1];
    const signature = node.ed25519Sign(bin(seed), bin(message));
    const s = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString('hex')}`) + ed25519.Point.Fn.ORDER;
    signature.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(), 32);
    for (const { ed25519Verify } of [node, portable]) expect(ed25519Verify(bin(publicKey), bin(message), signature)).toBe(false);
  });

  test('on keys with a torsion part, where verifiers with and without the cofactor disagree', () => {
    const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    const order = ed25519.Point.Fn.ORDER;
    const [a, r] = [0x1234567n, 0x89abcdefn];
    const publicKey = ed25519.Point.BASE.multiply(a).add(torsion).toBytes();
    const R = ed25519.Point.BASE.multiply(r).toBytes();
    const verdicts = new Set<boolean>();
    for (let message = 0; message < 40; message++) {
      const k = BigInt(`0x${sha512(R, publicKey, Uint8Array.of(message))}`) % order;
      const s = Buffer.from(((r + k * a) % order).toString(16).padStart(64, '0'), 'hex').reverse();
      const signature = Buffer.concat([R, s]);
      const verdict = node.ed25519Verify(publicKey, Uint8Array.of(message), signature);
      expect(portable.ed25519Verify(publicKey, Uint8Array.of(message), signature)).toBe(verdict);
      verdicts.add(verdict);
    }
    expect([...verdicts].sort()).toEqual([false, true]); // both cases were met: k is a multiple of 8 or not
  });
});

function sha512(...parts: Uint8Array[]): string {
  const whole = Buffer.concat(parts);
  return Buffer.from(nobleSha512(whole)).reverse().toString('hex');
}
