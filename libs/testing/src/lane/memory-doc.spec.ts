import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { schemasFolder } from '#adapters';
import {
  ASKED_WITHIN_MS,
  CLAIM_LIFETIME_MS_MAX,
  CONTROL_LIFETIME_MS_MAX,
  ISSUED_AHEAD_MS_MAX,
  OUTCOME_LIFETIME_MS_MAX,
  REVOKED_TOKEN_KNOWN_MS,
  timesOf,
} from '#domain';
import { describe, expect, it } from 'vitest';

import { testBundle, testDocument } from '../policy/test-bundle.ts';

const text = readFileSync(join(schemasFolder(), '..', 'docs', 'memory.md'), 'utf8');
const NOW = '2026-11-25T12:00:00.000Z';
const later = (ms: number): string => new Date(Date.parse(NOW) + ms).toISOString();

describe('docs/memory.md', () => {
  it('says how long each signature counts, as the code does', () => {
    const rows = [...text.matchAll(/^\| (?:`([a-z.]+)`|any control) +\| `(\w+)` +\| (\d+) +\|$/gm)];
    const said = new Map(rows.map(([, kind = 'any control', , seconds]) => [kind, Number(seconds) * 1000]));
    expect(said).toEqual(
      new Map([
        ['action.proposed', ASKED_WITHIN_MS],
        ['claim.requested', CLAIM_LIFETIME_MS_MAX],
        ['outcome.reported', OUTCOME_LIFETIME_MS_MAX],
        ['any control', CONTROL_LIFETIME_MS_MAX],
      ]),
    );
    expect(Number(/more than (\d+) seconds ahead/.exec(text)?.[1]) * 1000).toBe(ISSUED_AHEAD_MS_MAX);
  });

  it('says how long a revoked token is known, which is as long as any permit may be claimed', () => {
    const [, seconds] = /^\| a token that was revoked +\| its revocation \+ (\d+) s,.*: (?:\d+) s at most +\|$/m.exec(text) ?? [];
    expect(Number(seconds) * 1000).toBe(REVOKED_TOKEN_KNOWN_MS);
    const longest = (executeWithinSeconds: number) => {
      const { classes } = testDocument();
      return () => testBundle({ classes: { ...classes, note: { ...classes.note, executeWithinSeconds } } });
    };
    expect(longest(REVOKED_TOKEN_KNOWN_MS / 1000)).not.toThrow();
    expect(longest(REVOKED_TOKEN_KNOWN_MS / 1000 + 1)).toThrow(/executeWithinSeconds/);
  });

  it.each([
    ['action.proposed', ASKED_WITHIN_MS],
    ['claim.requested', CLAIM_LIFETIME_MS_MAX],
    ['outcome.reported', OUTCOME_LIFETIME_MS_MAX],
    ['freeze.raised', CONTROL_LIFETIME_MS_MAX],
  ] as const)('is in step with what is remembered: %s is known until nothing under its id can count', (kind, maxMs) => {
    const at = (expiresAtMs: number, issuedAt = NOW) => timesOf(kind, { id: 'x', askedAt: NOW, issuedAt, expiresAt: later(expiresAtMs) });
    expect(at(maxMs + 1)).toBe('lives-too-long');
    const last = at(maxMs);
    if (typeof last === 'string') throw new Error(last);
    expect(last.untilMs).toBeGreaterThanOrEqual(last.expiresAtMs);
    // However much later a copy is signed anew: one that is known for no longer counts for no longer.
    const copy = at(maxMs, later(60_000));
    if (typeof copy === 'string') throw new Error(copy);
    expect(copy.untilMs).toBeGreaterThanOrEqual(copy.expiresAtMs);
  });
});
