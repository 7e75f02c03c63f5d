import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { utf8 } from './bytes.ts';
import { canonicalBytes, canonicalize, CanonicalJsonError, isIntegerSafeDeep, type Json, parseCanonical } from './canonical-json.ts';
import { parseJson } from './strict-json.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

// Any Unicode scalar value. (fast-check's own 'binary' unit builds a table of all of them first, which takes seconds.)
const scalar = fc.oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })).map((code) => String.fromCodePoint(code));

const json = () => fc.jsonValue({ stringUnit: scalar, maxDepth: 6 });
const canonical = (text: string) => parseCanonical(utf8(text), { maxDepth: 8 });

describe('canonicalize', () => {
  test('writes the example of RFC 8785 §3.2.2', () => {
    const text = String.raw`{ "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }`;
    expect(canonicalize(parseJson(text, { roundsNumbers: true }))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('sorts keys by UTF-16 code unit, RFC 8785 §3.2.3', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6', '10', '9'];
    const written = Object.keys(JSON.parse(canonicalize(Object.fromEntries(keys.map((key) => [key, 0])))) as object);
    expect(written.filter((key) => !/^\d+$/.test(key))).toEqual(['\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']);
    expect(canonicalize({ 9: 0, 10: 0, 1: 0 })).toBe('{"1":0,"10":0,"9":0}');
  });

  // RFC 8785 appendix B: IEEE 754 bits, text.
  test.each([
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
  ])('writes the double %s as %s', (bits, text) => {
    expect(canonicalize(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });

  test.each([
    ['NOT_FINITE', NaN],
    ['NOT_FINITE', [Infinity]],
    ['LONE_SURROGATE', '\ud800'],
    ['LONE_SURROGATE', { '\udc00': 1 }],
    ['NOT_JSON', undefined],
    ['NOT_JSON', { a: undefined }],
    ['NOT_JSON', [1, , 2]], // eslint-disable-line no-sparse-arrays -- a hole is what is tested
    ['NOT_JSON', 1n],
    ['NOT_JSON', new Date(0)],
    ['NOT_JSON', new Map()],
    ['NOT_JSON', new Uint8Array(1)],
    ['NOT_JSON', () => 0],
    ['NOT_JSON', { [Symbol('a')]: 1 }],
  ])('refuses with %s: %o', (code, value) => {
    expect(() => canonicalize(value)).toThrow(expect.objectContaining({ code }));
  });

  test('takes as many levels as allowed and no more', () => {
    const nested = (levels: number): Json => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(canonicalize(nested(64))).toHaveLength(129);
    expect(() => canonicalize(nested(65))).toThrow(expect.objectContaining({ code: 'DEPTH' }));
    expect(() => canonicalize(nested(3), { maxDepth: 2 })).toThrow(expect.objectContaining({ code: 'DEPTH' }));
    const cycle: Json[] = [];
    cycle.push(cycle);
    expect(() => canonicalize(cycle)).toThrow(expect.objectContaining({ code: 'DEPTH' }));
  });
});

describe('parseCanonical', () => {
  test('reads back every canonical text', () => {
    fc.assert(
      fc.property(json(), (value) => {
        const bytes = canonicalBytes(value);
        expect(canonicalBytes(parseCanonical(bytes, { maxDepth: 8 }))).toEqual(bytes);
      }),
    );
  });

  test('after any flipped bit either refuses, or read exactly those bytes', () => {
    fc.assert(
      fc.property(json(), fc.nat(), fc.nat(7), (value, at, bit) => {
        const bytes = canonicalBytes(value);
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
        let read: Json;
        try {
          read = parseCanonical(bytes, { maxDepth: 8 });
        } catch (error) {
          expect(error).toBeInstanceOf(CanonicalJsonError);
          return;
        }
        expect(canonicalBytes(read)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a": 1}',
    ' 1',
    '1\n',
    '1.0',
    '-0',
    '1E3',
    '1e400',
    String.raw`"\u0041"`,
    String.raw`"\ud800"`,
    String.raw`"\/"`,
    String.raw`"\u000F"`,
    '{"10":0,"9":0,"1":0}',
    '[1,]',
    '',
    '\ufeff1',
  ])('refuses %j', (text) => {
    expect(() => canonical(text)).toThrow(CanonicalJsonError);
  });

  test.each([String.raw`"\\ud800"`, '{"1":0,"10":0,"9":0}', '{"__proto__":{"x":1}}', '1e+21', '{"toJSON":"x"}'])('accepts %s', (text) => {
    expect(canonicalize(canonical(text))).toBe(text);
  });

  test('refuses invalid UTF-8 and nesting, however deep', () => {
    expect(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22), { maxDepth: 8 })).toThrow(expect.objectContaining({ code: 'UTF8' }));
    for (const levels of [9, 10_000, 1_000_000]) {
      expect(() => canonical('['.repeat(levels) + ']'.repeat(levels))).toThrow(expect.objectContaining({ code: 'DEPTH' }));
    }
    expect(canonical('['.repeat(8) + ']'.repeat(8))).toBeDefined();
  });
});

describe('parseJson', () => {
  test('agrees with JSON.parse on what both accept', () => {
    fc.assert(
      fc.property(json(), fc.constantFrom(0, 2, '\t', '\r\n'), (value, indent) => {
        const text = JSON.stringify(value, null, indent === '\r\n' ? 1 : indent).replaceAll('\n', indent === '\r\n' ? '\r\n' : '\n');
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('accepts nothing that JSON.parse refuses', () => {
    const tokens = fc.constantFrom(
      ...Array.from('{}[]:,"\\ -+.eE01 9/u'),
      '"a"',
      'true',
      'null',
      '\n',
      '\t',
      '\u0001',
      '"\\u12aF"',
      '{"a":1',
      '1.5e3',
    );
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 9 }), (parts) => {
        const text = parts.join('');
        let strict: Json;
        try {
          strict = parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CanonicalJsonError);
          return;
        }
        expect(strict).toEqual(JSON.parse(text));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['DUPLICATE_KEY', '{"a":1,"b":2,"a":3}'],
    ['DUPLICATE_KEY', String.raw`{"a":1,"\u0061":3}`],
    ['DUPLICATE_KEY', '{"__proto__":1,"__proto__":2}'],
    ['LONE_SURROGATE', String.raw`["\ud800"]`],
    ['LONE_SURROGATE', String.raw`{"\udc00":1}`],
    ['NOT_FINITE', '[1e400]'],
    ['SYNTAX', '1 2'],
    ['SYNTAX', '\ufeff1'],
    ['SYNTAX', '{"a":1}}'],
    ['SYNTAX', '{"a" 1}'],
    ['SYNTAX', '{a:1}'],
    ['SYNTAX', '[1}'],
    ['SYNTAX', '[1,]'],
    ['SYNTAX', '{"a":1,}'],
    ['SYNTAX', '01'],
    ['SYNTAX', '"a'],
    ['SYNTAX', '"a\\"'],
    ['SYNTAX', '"\u0001"'],
    ['SYNTAX', '\u00a01'],
    ['SYNTAX', ''],
  ])('refuses with %s: %j', (code, text) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ code }));
  });

  test('needs no stack for deep nesting', () => {
    for (const levels of [65, 10_000, 1_000_000]) {
      expect(() => parseJson('[{"a":'.repeat(levels))).toThrow(expect.objectContaining({ code: 'DEPTH' }));
    }
    expect(() => parseJson('['.repeat(1_000_000), { maxDepth: 2_000_000 })).toThrow(expect.objectContaining({ code: 'SYNTAX' }));
    expect(parseJson('['.repeat(64) + ']'.repeat(64))).toBeDefined();
  });

  test('keeps __proto__ as a member', () => {
    const value = parseJson('{"__proto__":{"admin":true}}') as Record<string, Json>;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(value['admin']).toBeUndefined();
  });
});

test('isIntegerSafeDeep finds any other number', () => {
  for (const value of [1.5, 2 ** 53, -(2 ** 53), NaN]) expect(isIntegerSafeDeep({ a: [0, { b: value }] })).toBe(false);
  for (const value of [0, 2 ** 53 - 1, -(2 ** 53) + 1, 'x', null, true]) expect(isIntegerSafeDeep({ a: [0, { b: value }] })).toBe(true);
});
