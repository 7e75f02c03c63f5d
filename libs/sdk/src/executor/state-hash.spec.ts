import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { rowsHash, stateHash } from './state-hash.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('stateHash', () => {
  it('is SHA-256 of the canonical JSON, whatever the order of members', () => {
    expect(stateHash({ b: [1, null], a: 'ä' })).toBe(sha('{"a":"ä","b":[1,null]}'));
    expect(stateHash({ a: 'ä', b: [1, null] })).toBe(stateHash({ b: [1, null], a: 'ä' }));
  });

  it.each([[undefined], [NaN], [new Date(0)], [{ a: undefined }], [1n]])('refuses %s: JSON cannot carry it', (state) => {
    expect(() => stateHash(state as never)).toThrow();
  });
});

describe('rowsHash', () => {
  const rows =
    (...texts: unknown[]) =>
    () =>
      Promise.resolve({ rows: texts.map((text) => ({ countersign_row: text })) });

  it('does not depend on the order of rows, and no row is a state too', async () => {
    expect(await rowsHash(rows('{"a": 2}', '{"a": 1}'), 'select')).toBe(sha(String.raw`["{\"a\": 1}","{\"a\": 2}"]`));
    expect(await rowsHash(rows('{"a": 1}', '{"a": 2}'), 'select')).toBe(await rowsHash(rows('{"a": 2}', '{"a": 1}'), 'select'));
    expect(await rowsHash(rows(), 'select')).toBe(sha('[]'));
  });

  it('hands the select and its values on, and refuses an answer of another form', async () => {
    const asked: unknown[] = [];
    await rowsHash(
      (text, values) => {
        asked.push(text, values);
        return Promise.resolve({ rows: [] });
      },
      'select * from t where id = $1',
      [7],
    );
    expect(asked).toEqual([
      'select to_jsonb(countersign_row)::text as countersign_row from (select * from t where id = $1) as countersign_row',
      [7],
    ]);
    await expect(rowsHash(rows(7), 'select')).rejects.toThrow(TypeError);
  });
});
