import { expect, it } from 'vitest';

import { formatTime, type Predicate } from '#domain';

import { stillAllows } from './permit.ts';

const UNTIL_MS = Date.UTC(2030, 0, 1);
const permit = { executors: ['executor'], executeBy: formatTime(UNTIL_MS) };

it.each([
  ['ALLOW before its executeBy', { verdict: 'ALLOW', permit }, UNTIL_MS - 1, true],
  ['ALLOW at its executeBy', { verdict: 'ALLOW', permit }, UNTIL_MS, false],
  ['ALLOW without a permit', { verdict: 'ALLOW' }, 0, false],
  ['WOULD_ALLOW', { verdict: 'WOULD_ALLOW', permit }, 0, false],
  ['DENY', { verdict: 'DENY' }, 0, false],
])('%s', (_, predicate, nowMs, allows) => {
  expect(stillAllows(predicate as unknown as Predicate, nowMs)).toBe(allows);
});
