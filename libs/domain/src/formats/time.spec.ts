import fc from 'fast-check';
import { expect, it } from 'vitest';

import { formatTime, parseTime, TimeError } from './time.ts';

/** Near each other, so that the remembered day is met, missed by one, and changed again. */
const near = fc.tuple(
  fc.integer({ min: 0, max: Date.UTC(9999, 11, 30) }),
  fc.array(fc.integer({ min: -90_000_000, max: 90_000_000 }), { maxLength: 20 }),
);

it('writes what Date writes and reads it back, in whatever order the times come', () => {
  fc.assert(
    fc.property(near, ([base, steps]) => {
      for (const step of steps) {
        const ms = Math.max(0, base + step);
        expect(formatTime(ms)).toBe(new Date(ms).toISOString());
        expect(parseTime(new Date(ms).toISOString())).toBe(ms);
        expect(() => formatTime(ms + 0.5)).toThrow(TimeError);
      }
    }),
  );
});

it('what was written or read last changes nothing for the second, the minute, the hour and the day beside it', () => {
  const base = Date.UTC(2026, 10, 25, 12, 34, 50);
  const around = [
    0, 999, 1000, 1999, -1, -1000, 9999, 10_000, 59_999, 60_000, 3_600_000, 43_200_000, 86_399_999, 86_400_000, -43_200_000, -86_400_000,
  ].map((step) => base + step);
  const spelled = around.map((ms) => new Date(ms).toISOString());
  for (const first of around) {
    for (const [at, ms] of around.entries()) {
      formatTime(first);
      expect(formatTime(ms)).toBe(spelled[at]);
      expect(parseTime(new Date(first).toISOString())).toBe(first);
      expect(parseTime(spelled[at] ?? '')).toBe(ms);
    }
  }
});

const digits = (max: number, length: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(length, '0'));
const spelling = fc
  .tuple(digits(9999, 4), digits(13, 2), digits(32, 2), digits(24, 2), digits(60, 2), digits(60, 2), digits(999, 3))
  .map(([year, month, day, h, m, s, ms]) => `${year}-${month}-${day}T${h}:${m}:${s}.${ms}Z`);

it('takes exactly the days and times that the calendar has', () => {
  fc.assert(
    fc.property(spelling, (text) => {
      const ms = Date.parse(text);
      const isOne = !Number.isNaN(ms) && new Date(ms).toISOString() === text;
      if (isOne) expect(parseTime(text)).toBe(ms);
      else expect(() => parseTime(text)).toThrow(TimeError);
    }),
    { numRuns: 5000 },
  );
});

it('knows each day of leap years and of those that are none', () => {
  for (const year of ['0000', '0001', '0004', '0100', '0400', '1600', '1900', '1970', '2000', '2024', '2026', '9999']) {
    for (let ms = Date.parse(`${year}-01-01T00:00:00.000Z`); ms <= Date.parse(`${year}-12-31T00:00:00.000Z`); ms += 86_400_000) {
      const text = new Date(ms).toISOString();
      expect([parseTime(text), formatTime(ms)]).toEqual([ms, text]);
    }
    const isLeap = new Date(`${year}-02-29T00:00:00.000Z`).getUTCDate() === 29;
    if (!isLeap) expect(() => parseTime(`${year}-02-29T00:00:00.000Z`)).toThrow(TimeError);
  }
});

it.each([-1, -999, -1000, -62_167_219_200_000])('writes %i ms, before 1970', (ms) => {
  expect(parseTime(formatTime(ms))).toBe(ms);
  expect(formatTime(ms)).toBe(new Date(ms).toISOString());
});

it.each([
  '2026-02-30T00:00:00.000Z',
  '2026-02-28T24:00:00.000Z',
  '2026-02-28T23:59:60.000Z',
  '2026-02-28T23:60:00.000Z',
  '2026-02-28T23:59:59.00Z',
  '2026-02-28T23:59:59.000+00:00',
  '2026-02-28T23:59:59.000z',
  '2026-02-28T23:59:59.0000Z',
  '',
])('refuses %s, also after its neighbour was read', (text) => {
  parseTime('2026-02-28T23:59:59.999Z');
  expect(() => parseTime(text)).toThrow(TimeError);
});

it.each([NaN, Infinity, 8.64e15 + 1, Date.UTC(10_000, 0)])('refuses to write %f', (ms) => {
  formatTime(1_790_000_000_000);
  expect(() => formatTime(ms)).toThrow(TimeError);
});
