import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import * as portable from './bytes-portable.ts';
import {
  base64,
  base64url,
  BytesError,
  concat,
  equalBytes,
  fromBase64,
  fromBase64url,
  fromHex,
  fromUtf8,
  hashFromBase64,
  hex,
  u32be,
  u64be,
  utf8,
} from './bytes.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

// Any Unicode scalar value. (fast-check's own 'binary' unit builds a table of all of them first, which takes seconds.)
const scalar = fc.oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })).map((code) => String.fromCodePoint(code));

describe.each([
  ['hex', hex, fromHex],
  ['base64', base64, fromBase64],
  ['base64url', base64url, fromBase64url],
] as const)('%s', (form, format, parse) => {
  test('round trips, the same without Buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(parse(format(bytes))).toEqual(bytes);
        expect(portable.encode(bytes, form)).toBe(format(bytes));
        expect(portable.decode(format(bytes), form)).toEqual(bytes);
      }),
    );
  });

  test('accepts a text only if it is the one spelling of its bytes', () => {
    const letters = fc.string({ unit: fc.constantFrom(...Array.from('aAfF09+/-_=gZ \nÿ')), maxLength: 8 });
    fc.assert(
      fc.property(letters, (text) => {
        let bytes: Uint8Array | undefined;
        try {
          bytes = parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(BytesError);
        }
        const lenient = portable.decode(text, form);
        expect(bytes !== undefined).toBe(lenient !== undefined && portable.encode(lenient, form) === text);
        if (bytes !== undefined) expect(format(bytes)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

test('base64 is RFC 4648 §10', () => {
  expect(['', 'f', 'fo', 'foo', 'foob'].map((text) => base64(utf8(text)))).toEqual(['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==']);
});

test.each(['Zh==', 'Zg', 'Zg=', 'Zg== ', 'Z g=', '_-8=', 'Zg==Zg=='])('base64 refuses %j', (text) => {
  expect(() => fromBase64(text)).toThrow(BytesError);
});

describe('base64 of a hash', () => {
  const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  /** As fromBase64 reads it, when that is 32 bytes. */
  const expected = (text: string): Uint8Array | undefined => {
    try {
      const bytes = fromBase64(text);
      return bytes.length === 32 ? bytes : undefined;
    } catch {
      return undefined;
    }
  };

  test('is read as fromBase64 does it, with any one character another', () => {
    const text = base64(Uint8Array.from({ length: 32 }, (_, at) => at * 73));
    expect(hashFromBase64(text)).toEqual(fromBase64(text));
    for (let at = 0; at < text.length; at++) {
      for (const code of [...Array(256).keys(), 0x141, 0x2014, 0xd83d, 0xffff]) {
        const other = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        if (hashFromBase64(other)?.join() !== expected(other)?.join()) expect.fail(`character ${code} at ${at}`);
      }
    }
  });

  test('is 44 characters, no more and no fewer', () => {
    fc.assert(
      fc.property(hashes, (bytes) => {
        const text = base64(bytes);
        expect(hashFromBase64(text)).toEqual(bytes);
        for (const bad of ['', text.slice(1), text.slice(0, -1), `${text}=`, ` ${text}`, `${text}\n`, `${text.slice(0, -2)}==`]) {
          expect(hashFromBase64(bad)).toBeUndefined();
        }
      }),
    );
    for (const length of [31, 33]) expect(hashFromBase64(base64(new Uint8Array(length)))).toBeUndefined();
  });
});

test.each(['AB', 'abc', '0x', 'ab '])('hex refuses %j', (text) => {
  expect(() => fromHex(text)).toThrow(BytesError);
});

test('utf-8 round trips, and a byte order mark stays', () => {
  fc.assert(fc.property(fc.string({ unit: scalar }), (text) => fromUtf8(utf8(text)) === text));
  expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
});

test('utf-8 refuses what would be replaced', () => {
  expect(() => utf8('a\ud800')).toThrow(BytesError);
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(() => fromUtf8(Uint8Array.from(bytes))).toThrow(BytesError);
  }
});

test('integers are big-endian and in range', () => {
  expect(hex(concat(u32be(0xfffffffe), u64be(1), u64be(2n ** 64n - 1n)))).toBe('fffffffe0000000000000001ffffffffffffffff');
  for (const value of [-1, 2 ** 32, 0.5, NaN]) expect(() => u32be(value)).toThrow(BytesError);
  for (const value of [-1, 2 ** 53, 0.5, -1n, 2n ** 64n]) expect(() => u64be(value)).toThrow(BytesError);
});

test('equalBytes compares every byte and the length', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  for (const other of [[1], [1, 3], [0, 2], [1, 2, 0]]) expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.from(other))).toBe(false);
});
