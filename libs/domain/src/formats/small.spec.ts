import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { utf8 } from './bytes.ts';
import { parseU64 } from './decimal.ts';
import { isIdentifier, isTenantId } from './ids.ts';
import { laneOf, murmur2 } from './lane.ts';
import { formatTime, parseTime, TimeError } from './time.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

// Any Unicode scalar value. (fast-check's own 'binary' unit builds a table of all of them first, which takes seconds.)
const scalar = fc.oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })).map((code) => String.fromCodePoint(code));

describe('lanes', () => {
  // Kafka's own UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('murmur2(%s) is what Kafka computes', (text, hash) => {
    expect(murmur2(utf8(text))).toBe(hash);
  });

  test('are in range for any tenant', () => {
    fc.assert(
      fc.property(fc.string({ unit: scalar }), fc.integer({ min: 1, max: 64 }), (tenant, lanes) => {
        expect(laneOf(tenant, lanes)).toBeGreaterThanOrEqual(0);
        expect(laneOf(tenant, lanes)).toBeLessThan(lanes);
      }),
    );
    expect(laneOf('foobar', 4)).toBe((-790332482 & 0x7fffffff) % 4);
    for (const lanes of [0, -1, 1.5, NaN]) expect(() => laneOf('a', lanes)).toThrow(RangeError);
  });
});

describe('times', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(0, 0, 1) - 1_000_000, max: Date.UTC(9999, 11, 31) }), (ms) => {
        expect(parseTime(formatTime(ms))).toBe(ms);
      }),
    );
    expect(formatTime(1769903999999)).toBe('2026-01-31T23:59:59.999Z');
  });

  test.each([
    '2026-01-31T23:59:59Z',
    '2026-01-31T23:59:59.99Z',
    '2026-01-31T23:59:59.999z',
    '2026-01-31T23:59:59.999+00:00',
    '2026-01-31 23:59:59.999Z',
    '2026-02-30T00:00:00.000Z',
    '2026-01-31T24:00:00.000Z',
    '2026-06-30T23:59:60.000Z',
    '+002026-01-31T23:59:59.999Z',
    ' 2026-01-31T23:59:59.999Z',
    '2026-01-31T23:59:59.999Z\n',
    '',
  ])('refuse %j', (text) => {
    expect(() => parseTime(text)).toThrow(TimeError);
  });

  test.each([NaN, 0.5, Infinity, 8.64e15, 253402300800000, -62167219200001])('refuse %d ms', (ms) => {
    expect(() => formatTime(ms)).toThrow(TimeError);
  });
});

test('identifiers are 1 to 128 characters of their alphabet', () => {
  for (const text of ['a', 'spiffe://acme/agent@1', 'A.b_c-d:9', 'x'.repeat(128)]) expect(isIdentifier(text)).toBe(true);
  for (const text of ['', 'a b', 'a\n', 'a+b', 'é', 'x'.repeat(129), 'a\0']) expect(isIdentifier(text)).toBe(false);
  expect([isTenantId('acme'), isTenantId('_system.0'), isTenantId('')]).toEqual([true, false, false]);
});

test('decimals have one spelling and 64 bits', () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => parseU64(value.toString()) === value));
  for (const text of ['', '00', '01', '+1', '-1', '1.0', '1e3', ' 1', '1\n', '0x1', '18446744073709551616', '٣']) {
    expect(parseU64(text)).toBeUndefined();
  }
});
