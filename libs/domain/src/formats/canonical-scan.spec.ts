import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { utf8 } from './bytes.ts';
import { canonicalize } from './canonical-json.ts';
import { isPlainlyCanonical } from './canonical-scan.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const DEPTH = 8;

/** What the value of a text that JSON.parse accepts is written as; undefined when canonical JSON cannot carry it. */
function rewritten(text: string): string | undefined {
  try {
    return canonicalize(JSON.parse(text), { maxDepth: DEPTH });
  } catch {
    return undefined;
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('a text that is plainly canonical', () => {
  test('is what canonicalize writes, whatever tokens it is made of', () => {
    const tokens = fc.constantFrom(
      ...Array.from('{}[],:  -019'),
      ...[
        '"a":',
        '"b":',
        '"ab":',
        '"":',
        '"a"',
        '"é"',
        '"é":',
        '"\\n"',
        '"\\u0061":',
        '1.5',
        '1e3',
        '-0',
        '12345678901234567',
        '999999999999999',
      ],
      ...['true', 'null', '{"a":1}', '{"b":0,"a":0}', '{"a":{"z":1},"b":[]}', '[]', '\n'],
    );
    let yes = 0;
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 9 }), (parts) => {
        const text = parts.join('');
        if (!isJson(text) || !isPlainlyCanonical(utf8(text), DEPTH)) return;
        yes += 1;
        expect(rewritten(text)).toBe(text);
      }),
      { numRuns: 20_000 },
    );
    expect(yes).toBeGreaterThan(100);
  });

  test('is every canonical text of ASCII keys and integers without escapes, and none of its other spellings', () => {
    const plain = fc.string({ unit: fc.constantFrom(...Array.from('abcxyzAZ019 _-')) });
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        tie('scalar'),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(plain, tie('value'), { maxKeys: 5 }),
      ),
      scalar: fc.oneof(
        plain,
        fc.constantFrom('ü', '\u{1f600}'),
        fc.integer({ min: -(10 ** 14), max: 10 ** 14 }),
        fc.boolean(),
        fc.constant(null),
      ),
    }));
    fc.assert(
      fc.property(value, (value) => {
        const text = canonicalize(value);
        expect(isPlainlyCanonical(utf8(text), DEPTH)).toBe(true);
        const spaced = JSON.stringify(JSON.parse(text), null, 1);
        if (spaced !== text) expect(isPlainlyCanonical(utf8(spaced), DEPTH)).toBe(false);
        const reversed = JSON.stringify(value, (_, member: unknown) =>
          typeof member === 'object' && member !== null && !Array.isArray(member)
            ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? 1 : -1)))
            : member,
        );
        if (reversed !== text) expect(isPlainlyCanonical(utf8(reversed), DEPTH)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['equal keys', '{"a":1,"a":1}'],
    ['keys out of order', '{"b":1,"a":1}'],
    ['a key before its own beginning', '{"ab":1,"a":1}'],
    ['keys out of order after a member with members', '{"b":{"c":1},"a":1}'],
    ['keys out of order in an object of an array', '[{"a":1},{"b":1,"a":1}]'],
    ['a key beyond ASCII', '{"é":1}'],
    ['an escape', String.raw`["\n"]`],
    ['an escaped lone surrogate', String.raw`["\ud800"]`],
    ['an escape in a key', String.raw`{"\u0061":1}`],
    ['a fraction', '[1.5]'],
    ['an exponent', '[1e5]'],
    ['negative zero', '[-0]'],
    ['more digits than are exact', '[9007199254740993]'],
    ['space', '[1, 2]'],
    ['space at the end', '1 '],
    ['too many levels', '[[[[[[[[[]]]]]]]]]'],
  ])('is not one with %s', (_, text) => {
    expect(isJson(text)).toBe(true);
    expect(isPlainlyCanonical(utf8(text), DEPTH)).toBe(false);
  });

  test('believes nothing deeper than it keeps levels for', () => {
    const nested = '['.repeat(70) + ']'.repeat(70);
    expect(isPlainlyCanonical(utf8(nested), 100)).toBe(false);
  });
});
