import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CELLS_MAX } from './automaton.ts';
import { Pattern } from './pattern.ts';
import { PatternError } from './pattern-syntax.ts';

const parameters = { numRuns: 2000, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) };
const matches = (pattern: string, text: string): boolean => new Pattern(pattern).test(text);

/** What contracts are full of. */
const ORDINARY: readonly (readonly [what: string, pattern: string, holds: string, not: string])[] = [
  ['a digest', '^sha256:[0-9a-f]{64}$', `sha256:${'0f'.repeat(32)}`, `sha256:${'0f'.repeat(31)}0`],
  ['a Kubernetes name', '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'web-7f9c', 'web-'],
  ['a Kubernetes subdomain', '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', 'a.b-c.example', 'a..b'],
  [
    'a semantic version',
    '^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-((?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$',
    '1.2.3-rc.1+build.5',
    '1.02.3',
  ],
  [
    'a time of RFC 3339',
    '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$',
    '2026-11-30T12:00:00.5+01:00',
    '2026-13-30T12:00:00Z',
  ],
  ['an owner and a repository', '^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$', 'octo/hello.world', 'octo/hello/world'],
  ['an amount', '^-?(0|[1-9][0-9]*)(\\.[0-9]{1,2})?$', '19.99', '19.999'],
  ['an e-mail address', '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$', 'ana@example.org', 'ana@example'],
  ['a currency anywhere in the text', '[A-Z]{3}', 'in EUR please', 'in eur please'],
  ['a UUID', '^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$', '0190f3c2-7b1a-7cde-8f00-0123456789ab', '0190f3c2'],
];

describe('a pattern', () => {
  it.each(ORDINARY)('of %s is accepted, and holds for what it describes only', (_what, pattern, holds, not) => {
    expect([matches(pattern, holds), matches(pattern, not)]).toEqual([true, false]);
    expect([new RegExp(pattern, 'u').test(holds), new RegExp(pattern, 'u').test(not)]).toEqual([true, false]);
  });

  it.each([
    ['^a*a{0,30}a{0,30}X$', 'a'],
    ['^(a+)+$', 'a'],
    ['^(a|a)*b$', 'a'],
    ['a+b', 'a'],
    ['(x+x+)+y', 'x'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'],
  ])('%s reads each character of a hostile text at most once', (pattern, char) => {
    const hostile = `${char.repeat(131_072)}!`;
    const { matches: holds, read } = new Pattern(pattern).read(hostile);
    expect([holds, read <= hostile.length]).toEqual([false, true]);
  });
  it('that is anchored stops at the first character that it cannot have', () => {
    expect(new Pattern('^sha256:[0-9a-f]{64}$').read('x'.repeat(1000)).read).toBe(1);
    expect(new Pattern('[0-9]').read(`a1${'x'.repeat(1000)}`).read).toBe(2);
  });

  it.each([
    ['looks ahead', '^(?=a)b'],
    ['looks behind', '(?<!a)b'],
    ['refers back', '^(a)\\1$'],
    ['refers back by name', '^(?<x>a)\\k<x>$'],
    ['asks for the end of a word', '\\bword\\b'],
    ['names a property of Unicode', '^\\p{L}+$'],
    ['is no pattern', '('],
    ['needs too many states', '^(a|b)*a(a|b){16}$'],
    ['takes too much work to prepare', '^a*a{0,1000}a{0,1000}X$'],
    ['repeats too often', '^(a{100}){100}$'],
    ['repeats nothing for ever', '^((((){1000}){1000}){1000}){1000}$'],
    ['is nested too deeply', `${'('.repeat(40)}a${')'.repeat(40)}`],
  ])('that %s is refused', (_what, pattern) => {
    expect(() => new Pattern(pattern)).toThrow(PatternError);
  });

  it('holds a table of bounded size', () => {
    for (const [, pattern] of ORDINARY) expect(new Pattern(pattern).cells).toBeLessThanOrEqual(CELLS_MAX);
  });
});

/** Patterns of a small alphabet, and texts that come close to them. */
const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\W', '\\u00e9', 'é', '😀', '[a-é]', '[\\w-]', '\\.', '^', '$', '()');
const pattern = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc.array(tie('pattern'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,}', '{0,3}', '*?', '{0}')).map(([a, count]) => `(?:${a})${count}`),
  ),
})).pattern;
const text = fc.array(fc.constantFrom('a', 'b', '1', '-', 'é', '😀', '\n', ' ', '.'), { maxLength: 8 }).map((chars) => chars.join(''));

it('answers as the engine of the language does, whatever the pattern and whatever the text', () => {
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 12 }), (drawn, texts) => {
      const ours = new Pattern(drawn);
      const theirs = new RegExp(drawn, 'u');
      for (const one of texts) expect([one, ours.test(one)]).toEqual([one, theirs.test(one)]);
    }),
    parameters,
  );
});

it.each([
  '\\s',
  '\\S',
  '\\w',
  '\\W',
  '\\d',
  '\\D',
  '.',
  '[^\\s]',
  '[\\x41-\\u{5a}]',
  '\\cJ',
  '[\\b]',
  '\\ud83d\\ude00',
  '[\\ud83d\\ude00-\\ud83d\\ude05]',
])('%s is the same set of characters as in the language', (set) => {
  const [ours, theirs] = [new Pattern(`^${set}$`), new RegExp(`^${set}$`, 'u')];
  const points = [...Array.from({ length: 0x3100 }, (_, code) => code), 0xfeff, 0xffff, 0x1f5ff, 0x1f600, 0x1f605, 0x1f606, 0x10ffff];
  const differs = points.map((code) => String.fromCodePoint(code)).filter((char) => ours.test(char) !== theirs.test(char));
  expect(differs).toEqual([]);
});
