import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { divisorOf, isMultipleOf } from './multiple-of.ts';

const is = (value: number, of: number): boolean => {
  const divisor = divisorOf(of);
  if (!divisor) throw new Error(`${of} divides nothing`);
  return isMultipleOf(value, divisor);
};

describe('a decimal', () => {
  it.each([
    [19.99, 0.01],
    [0.3, 0.1],
    [1.1, 0.1],
    [-4.35, 0.05],
    [0, 0.01],
    [100, 0.25],
    [2 ** 60, 4],
    [1e300, 10],
    [9_999_999_999_999.99, 0.01],
  ])('%d is a multiple of %d', (value, of) => {
    expect(is(value, of)).toBe(true);
  });
  it.each([
    [19.999, 0.01],
    [0.005, 0.01],
    [19.99, 0.02],
    [0.1 + 0.2, 0.1],
    [7, 2],
    [0.5, 1],
    [1e-7, 0.01],
  ])('%d is no multiple of %d', (value, of) => {
    expect(is(value, of)).toBe(false);
  });
  it('of more units than 15 digits count is no multiple', () => {
    expect([is(1e14, 0.01), is(1e300, 0.01)]).toEqual([false, false]);
  });
  it('of two places that is written as units and hundredths is a multiple of a hundredth, and of a cent more it is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: 1, max: 9 }), (cents, thousandth) => {
        const text = (scale: number): number => Number(`${cents}e-${scale}`);
        expect(is(text(2), 0.01)).toBe(true);
        expect(is(Number(`${cents * 10 + thousandth}e-3`), 0.01)).toBe(false);
      }),
    );
  });
});

it('a divisor of more digits than decimals are told apart by divides nothing', () => {
  expect([divisorOf(0.01), divisorOf(5)]).toEqual([
    { units: 1, places: 2 },
    { units: 5, places: 0 },
  ]);
  expect([divisorOf(1 / 3), divisorOf(1e-16), divisorOf(-1), divisorOf(0)]).toEqual([undefined, undefined, undefined, undefined]);
});
