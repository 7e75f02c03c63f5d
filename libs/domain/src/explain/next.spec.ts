import { describe, expect, it } from 'vitest';

import { makeStatement } from '../ledger/statement.ts';
import type { EntryKind, Predicate } from '../ledger/entry.ts';
import { nextAfterNo, nextOf } from './next.ts';
import { REASONS } from './reasons.ts';

const after = (kind: string, members: object) =>
  nextOf({ kind, statement: makeStatement(kind as EntryKind, 'a-1', members as unknown as Predicate) });

describe('after a no', () => {
  it.each([...REASONS].filter(([, { next }]) => next !== 'act once' && next !== 'wait'))(
    '%s: the word of the table',
    (code, { on, next }) => {
      const entries: Record<string, object> = {
        'action.decided': { verdict: 'DENY', reasons: [code] },
        'escalation.settled': { outcome: code },
        'claim.refused': { reasons: [code] },
        'input.refused': { code },
      };
      expect(nextAfterNo(code)).toBe(next);
      if (entries[on]) expect(after(on, entries[on])).toBe(next);
    },
  );

  it.each([
    ['a code of a later version', ['DENY_NEW'], 'stop'],
    ['no code at all', [], 'stop'],
    ['the reason of a yes', ['ALLOW_POLICY'], 'stop'],
    ['the reason of an escalation', ['ESCALATE_APPROVAL_REQUIRED'], 'stop'],
    ['a later code, told as one that is known', ['KAFKA_NEW', 'GATEWAY_UNAVAILABLE'], 'retry'],
  ])('%s', (_, codes, next) => {
    expect(nextAfterNo(...codes)).toBe(next);
  });
});

describe('what is no no', () => {
  it.each([
    ['an ALLOW', 'action.decided', { verdict: 'ALLOW', reasons: ['ALLOW_POLICY'] }],
    ['an escalation', 'action.decided', { verdict: 'ESCALATE', reasons: ['ESCALATE_APPROVAL_REQUIRED'] }],
    ['a shadow denial: nothing was asked for', 'action.decided', { verdict: 'WOULD_DENY', reasons: ['DENY_POLICY'] }],
    ['an approval', 'escalation.settled', { outcome: 'ALLOW_APPROVED' }],
    ['a repetition', 'action.repeated', {}],
    ['a grant', 'claim.granted', {}],
  ])('%s says nothing of what to do next', (_, kind, members) => {
    expect(after(kind, members)).toBeUndefined();
  });
});
