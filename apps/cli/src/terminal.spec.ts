import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { onOneLine, printable, printableJson } from './terminal.ts';

fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });
const ESCAPE = '\u001b[2K\u001b[31mgone';
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('what is printed', () => {
  it.each([ESCAPE, 'a\rb', 'a\u0000b', 'a\u009b2Jb', 'left\u202eright', 'a\u2028b', 'a\u200bb', '\u{e0041}'])(
    'shows nothing of %j but marks',
    (text) => {
      expect(printable(text)).not.toMatch(UNSEEN);
      expect(onOneLine(text)).toMatch(/\uFFFD/);
    },
  );

  it('keeps lines and tabs, but for a text from outside inside a line', () => {
    expect(printable('one\n\ttwo')).toBe('one\n\ttwo');
    expect(onOneLine('one\n\ttwo')).toBe('one\uFFFD\uFFFDtwo');
  });

  it('as JSON is the same value, without any such character', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u001b', '\u009b', '\u202e', '\u{e0041}', '😀') });
    fc.assert(
      fc.property(text, text, (name, value) => {
        const json = printableJson({ [name]: [value] });
        expect(json).not.toMatch(UNSEEN);
        expect(JSON.parse(json)).toEqual({ [name]: [value] });
      }),
    );
  });
});

it('no command writes to the terminal by itself, but for the exact bytes of a file and the protocol of conform', () => {
  const folder = import.meta.dirname;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'),
  );
  const writing = files.filter((name) => /process\.std(?:out|err)\.write|console\./.test(readFileSync(join(folder, name), 'utf8')));
  expect(writing.sort()).toEqual(['commands/conform.ts', 'output.ts', 'terminal.ts']);
});
