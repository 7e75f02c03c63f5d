import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ed25519PublicKey, ed25519Verify } from '#crypto';

import { concat, fromHex, hex, utf8 } from './bytes.ts';
import { checkPublicKey, keyIdOf } from './keys.ts';
import { LogKeyError, originOf, tenantSeed } from './log-key.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const ones = 'ff'.repeat(30);
const zeros = '00'.repeat(30);

describe('checkPublicKey', () => {
  test('accepts every honest key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        checkPublicKey(ed25519PublicKey(seed));
      }),
      { numRuns: 50 },
    );
  });

  // The eight points of small order, and the other spellings that lenient decoders take for them.
  test.each([
    ['SMALL_ORDER', `01${zeros}00`],
    ['SMALL_ORDER', `ec${ones}7f`],
    ['SMALL_ORDER', `00${zeros}00`],
    ['SMALL_ORDER', `00${zeros}80`],
    ['SMALL_ORDER', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['SMALL_ORDER', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
    ['SMALL_ORDER', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['SMALL_ORDER', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
    ['NON_CANONICAL', `01${zeros}80`],
    ['NON_CANONICAL', `ec${ones}ff`],
    ['NON_CANONICAL', `ed${ones}7f`],
    ['NON_CANONICAL', `ed${ones}ff`],
    ['NON_CANONICAL', `ee${ones}7f`],
    ['NON_CANONICAL', `ee${ones}ff`],
    ['NON_CANONICAL', `ff${ones}7f`],
    ['NOT_ON_CURVE', `02${zeros}00`],
    ['LENGTH', zeros],
  ])('refuses with %s: %s', (code, key) => {
    expect(() => {
      checkPublicKey(fromHex(key));
    }).toThrow(expect.objectContaining({ code }));
    expect(ed25519Verify(fromHex(key), new Uint8Array(1), concat(fromHex(key), new Uint8Array(32)))).toBe(false);
  });
});

test('keyIdOf is the first half of the hash of the key', () => {
  expect(keyIdOf(utf8('L'))).toMatch(/^[0-9a-f]{32}$/);
  expect(keyIdOf(new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb924');
});

describe('tenantSeed', () => {
  // Computed once with Python's hmac: HKDF-SHA-256, seed 00 01 … 1f, origin example.com/ledger/t/1f.
  test('is HKDF-SHA-256 over the origin', () => {
    const seed = Uint8Array.from({ length: 32 }, (_, at) => at);
    expect(hex(tenantSeed(seed, originOf('example.com/ledger', '1f')))).toBe(
      'c8e8121149845aa6dfd380fef9e92429f89f05dbaa9676244fe566aae8c6337d',
    );
  });

  test('differs for every origin and every ledger', () => {
    const seeds = [1, 2].flatMap((fill) =>
      ['a/t/1', 'a/t/2', 'a/t/11'].map((origin) => hex(tenantSeed(new Uint8Array(32).fill(fill), origin))),
    );
    expect(new Set(seeds).size).toBe(6);
  });

  test('refuses origins that are no key name, and seeds of another length', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u2003b', 'a\u0085b', '\ud800'])
      expect(() => tenantSeed(new Uint8Array(32), name)).toThrow(LogKeyError);
    expect(tenantSeed(new Uint8Array(32), 'a\ufeffb')).toHaveLength(32); // a mark of byte order, and no space of Unicode's
    expect(() => originOf('a b', '1')).toThrow(LogKeyError);
    expect(() => tenantSeed(new Uint8Array(31), 'a')).toThrow(LogKeyError);
  });
});
