import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { utf8 } from './bytes.ts';
import { canonicalize, parseCanonical } from './canonical-json.ts';
import { firstNumberFault, numberFault } from './exact-number.ts';
import { parseJson } from './strict-json.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

/** The value of a number of JSON as a fraction of two integers: exact, and by another way than the code under test. */
function fractionOf(token: string): [bigint, bigint] {
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const exponent = Number(power) - fraction.length;
  const digits = BigInt(sign + whole + fraction);
  return exponent >= 0 ? [digits * 10n ** BigInt(exponent), 1n] : [digits, 10n ** BigInt(-exponent)];
}
const isSameValue = (a: string, b: string): boolean => {
  const [aTop, aBelow] = fractionOf(a);
  const [bTop, bBelow] = fractionOf(b);
  return aTop * bBelow === bTop * aBelow;
};

const digits = (max: number) => fc.array(fc.nat(9), { minLength: 1, maxLength: max }).map((list) => list.join(''));
const token = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: digits(25).map((text) => text.replace(/^0+(?=\d)/, '')),
    fraction: fc.option(digits(25), { nil: undefined }),
    power: fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(330)), { nil: undefined }),
  })
  .map(({ sign, whole, fraction, power }) => sign + whole + (fraction === undefined ? '' : `.${fraction}`) + (power?.join('') ?? ''));

describe('a number of JSON', () => {
  it.each([
    ['9007199254740993', 'INTEGER_ROUNDED'],
    ['-9007199254740993', 'INTEGER_ROUNDED'],
    ['9007199254740993.0', 'INTEGER_ROUNDED'],
    ['90071992547409930e-1', 'INTEGER_ROUNDED'],
    ['123456789012345678', 'INTEGER_ROUNDED'],
    ['1e-400', 'TOO_SMALL'],
    ['0.0000001e-320', 'TOO_SMALL'],
    ['1e400', 'TOO_LARGE'],
    ['-1e309', 'TOO_LARGE'],
    ['0.1000000000000000055511151231257827', 'DIGITS_LOST'],
    ['333333333.33333329', 'DIGITS_LOST'],
    ['19.990000000000000001', 'DIGITS_LOST'],
  ])('%s is refused: %s', (text, fault) => {
    expect(numberFault(text)).toBe(fault);
    expect(() => parseJson(`{"a":[${text}]}`)).toThrow(expect.objectContaining({ fault }));
    expect(() => parseCanonical(utf8(`{"a":[${text}]}`), { maxDepth: 8 })).toThrow();
    expect(firstNumberFault(`{"1e400":"\\"9007199254740993","a":[0,${text}]}`)).toBe(fault);
  });

  it.each([
    '0',
    '-0',
    '0.0',
    '0e-999999999999',
    '19.99',
    '0.10',
    '1.0',
    '1E3',
    '1000e-3',
    '9007199254740991',
    '9007199254740992',
    '5e-324',
  ])('%s is taken: it keeps its value', (text) => {
    expect(numberFault(text)).toBeUndefined();
    expect(parseJson(text)).toBe(Number(text));
    expect(firstNumberFault(`["\\\\",${text}]`)).toBeUndefined();
  });

  it('is taken exactly when its value, compared as a fraction of integers, survives reading and writing', () => {
    fc.assert(
      fc.property(token, (text) => {
        const value = Number(text);
        const survives = Number.isFinite(value) && isSameValue(text, String(value));
        expect(numberFault(text) === undefined).toBe(survives);
      }),
      { numRuns: 3000 },
    );
  });

  it('that a program wrote from a double is taken, in every spelling of its digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(numberFault(canonicalize(value))).toBeUndefined();
        expect(numberFault(value.toExponential())).toBeUndefined();
        expect(parseJson(canonicalize(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('with a million digits costs no more than its length', () => {
    expect(numberFault(`0.${'0'.repeat(500_000)}1e500001`)).toBeUndefined();
    expect(numberFault(`1${'0'.repeat(1_000_000)}`)).toBe('TOO_LARGE');
    expect(numberFault(`0.${'1'.repeat(1_000_000)}`)).toBe('DIGITS_LOST');
  });
});

it('a reader of RFC 8785 examples rounds as the RFC does, and never to infinity', () => {
  expect(parseJson('333333333.33333329', { roundsNumbers: true })).toBe(333333333.3333333);
  expect(() => parseJson('1e400', { roundsNumbers: true })).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
});
