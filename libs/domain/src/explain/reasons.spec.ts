import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { REASONS } from './reasons.ts';

const page = readFileSync(new URL('../../../../docs/reasons.md', import.meta.url), 'utf8');

/** Rows of the page's tables, by code. The kind stands in each heading; without one the codes are local to the SDK. */
function documented(): [code: string, row: object][] {
  return page.split(/^## /m).flatMap((section) => {
    const on = /^[^\n]*\(`([a-z.]+)`\)/.exec(section)?.[1] ?? 'sdk';
    const rows = section.split('\n').flatMap((line) => (line.startsWith('|') ? [line.split('|').map((cell) => cell.trim())] : []));
    const column = (name: string): number => rows[0]?.indexOf(name) ?? -1;
    return rows.slice(2).map((cells): [string, object] => {
      const cell = (name: string): string => (cells[column(name)] ?? '').replaceAll('`', '');
      return [cell('code'), { on, means: cell('means'), next: cell('then') }];
    });
  });
}

describe('reasons', () => {
  it('are those of docs/reasons.md, word for word', () => {
    expect(Object.fromEntries(REASONS)).toEqual(Object.fromEntries(documented()));
  });

  it('are there for every end of an escalation that an entry may have', () => {
    const file = new URL('../../../../schemas/entries/escalation.settled.schema.json', import.meta.url);
    const schema = JSON.parse(readFileSync(file, 'utf8')) as { properties: { predicate: { properties: { outcome: { enum: string[] } } } } };
    expect([...REASONS.keys()]).toEqual(expect.arrayContaining(schema.properties.predicate.properties.outcome.enum));
  });

  it('stand once each on the page', () => {
    const codes = documented().map(([code]) => code);
    expect(codes.length).toBeGreaterThan(20);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
