import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { REASONS } from '#domain';

import { ENTRIES_MAX } from '../index/entry-table.ts';
import { IN_FLIGHT_MAX } from '../kafka/publisher.ts';
import { READS_MAX } from '../kafka/receipt-reader.ts';
import { WAITERS_MAX } from '../kafka/receipt-waiters.ts';
import { EXPIRES_IN_DEFAULT_S, EXPIRES_IN_MAX_S } from './body.ts';
import { Problem, PROBLEM_CODES } from './problem.ts';
import { problemBody } from './problem-filter.ts';
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

describe('a problem', () => {
  it.each(PROBLEM_CODES)('%s says what to do next, as docs/reasons.md does', (code) => {
    const next = REASONS.get(code)?.next;
    expect(next).toBeDefined();
    expect(JSON.parse(problemBody(new Problem(400, code, 'd'), 'r'))).toMatchObject({ code, next });
  });
  it('of a fault of Kafka whose code is not ours is worth a retry', () => {
    expect(JSON.parse(problemBody(new Problem(503, 'TOPIC_AUTHORIZATION_FAILED', 'd'), 'r'))).toMatchObject({ next: 'retry' });
  });
  it('is all that the table of reasons has for a gateway', () => {
    const listed = [...REASONS].flatMap(([code, { on }]) => (on === 'gateway' ? [code] : []));
    expect(PROBLEM_CODES).toEqual(expect.arrayContaining(listed));
  });
});
