import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { ENTRIES_MAX } from '../index/entry-table.ts';
import { IN_FLIGHT_MAX } from '../kafka/publisher.ts';
import { READS_MAX } from '../kafka/receipt-reader.ts';
import { WAITERS_MAX } from '../kafka/receipt-waiters.ts';
import { EXPIRES_IN_DEFAULT_S, EXPIRES_IN_MAX_S } from './body.ts';
import { PROBLEM_CODES } from './problem.ts';
import { WAIT_MAX_MS } from './wait.ts';

const page = readFileSync(new URL('../../../../docs/http-api.md', import.meta.url), 'utf8');

describe('docs/http-api.md', () => {
  it('lists every code, and no other', () => {
    const refusals = page.slice(page.indexOf('## Refusals'), page.indexOf('## Limits'));
    const listed = [...refusals.matchAll(/`([A-Z][A-Z_0-9]+)`/g)].map(([, code]) => code);
    expect([...new Set(listed)].sort()).toEqual([...PROBLEM_CODES].sort());
  });
  it('says the limits that the code keeps', () => {
    const said = (pattern: RegExp): number => Number(pattern.exec(page)?.[1]?.replaceAll(',', ''));
    expect(said(/`wait` +\| ([\d,]+) s/) * 1000).toBe(WAIT_MAX_MS);
    expect(said(/waiting at once +\| ([\d,]+)/)).toBe(WAITERS_MAX);
    expect(said(/on their way to Kafka +\| ([\d,]+)/)).toBe(IN_FLIGHT_MAX);
    expect(said(/being read from Kafka +\| ([\d,]+)/)).toBe(READS_MAX);
    expect(said(/entries in the index +\| ([\d,]+)/)).toBe(ENTRIES_MAX);
    expect(said(/default ([\d,]+),/)).toBe(EXPIRES_IN_DEFAULT_S);
    expect(said(/at most (\d+)\): not decided/)).toBe(EXPIRES_IN_MAX_S);
  });
});
