import { Problem } from './problem.ts';

/** Unit ms. Longer waits are cut by proxies anyway; a caller asks again. */
export const WAIT_MAX_MS = 60_000;

/** `10s` or `1500ms`, as in ?wait=10s; 0 without. Throws Problem 400. */
export function parseWait(text: unknown): number {
  if (text === undefined) return 0;
  const [, digits, unit] = typeof text === 'string' ? (/^(0|[1-9][0-9]{0,5})(s|ms)$/.exec(text) ?? []) : [];
  const waitMs = Number(digits) * (unit === 's' ? 1000 : 1);
  if (unit === undefined || waitMs > WAIT_MAX_MS)
    throw new Problem(400, 'QUERY_MALFORMED', 'wait: expected such as 10s or 1500ms, at most 60s');
  return waitMs;
}
