import { describe, expect, it } from 'vitest';

import type { EntryKind } from '../ledger/entry.ts';
import { NO_PREVIOUS } from '../ledger/heads.ts';
import { makeStatement } from '../ledger/statement.ts';
import { EffectList } from './effects.ts';
import type { ToldEntry } from './members.ts';
import { formatEffects } from './text.ts';

const entryOf = (kind: string, members: object, action: string): ToldEntry => ({
  kind,
  statement: makeStatement(kind as EntryKind, action, {
    ...{ origin: 'ledger.example/t/1', index: '4', previous: NO_PREVIOUS, decidedAt: '2026-11-25T12:00:00.000Z' },
    ...{ rules: 1, engine: 'fake@1', bundle: null, source: { kind: 'tick', part: 0, parts: 1 }, ...members },
  }),
});
const claim = { decision: '4', claim: 'c-1', executor: 'runner' };
const granted = (members: object = {}, action = 'a-1') =>
  entryOf('claim.granted', { index: '5', ...claim, operation: 'deploy', resultBy: '2026-11-25T12:15:00.000Z', ...members }, action);
const outcome = (members: object = {}) => entryOf('outcome.recorded', { index: '7', ...claim, outcome: 'result', ...members }, 'a-1');
const uncertain = entryOf('effect.uncertain', { index: '6', ...claim, decidedAt: '2026-11-25T12:15:00.000Z' }, 'a-1');

function openAfter(...entries: ReturnType<typeof entryOf>[]) {
  const list = new EffectList();
  for (const entry of entries) list.add({ tenant: 'acme', ...entry });
  return list.list();
}

describe('open effects', () => {
  it('are none before the first claim, and an empty list says so', () => {
    const refused = entryOf('claim.refused', { ...claim, reasons: ['CLAIM_EXPIRED'] }, 'a-1');
    expect(openAfter(entryOf('action.decided', { verdict: 'ALLOW', reasons: [] }, 'a-1'), refused)).toEqual([]);
    expect(formatEffects([])).toBe('No open effects: whatever was claimed is over.');
  });

  it('open with the granted claim: who, since when, due when, and what proves it', () => {
    const [effect, ...more] = openAfter(granted());
    expect(more).toEqual([]);
    expect(effect).toEqual({
      ...{ tenant: 'acme', origin: 'ledger.example/t/1', action: 'a-1', ...claim, operation: 'deploy' },
      ...{ since: '2026-11-25T12:00:00.000Z', awaits: 'result', due: '2026-11-25T12:15:00.000Z', uncertainSince: null, provedAt: '5' },
    });
  });

  it('are over with the outcome that leaves nothing owed', () => {
    expect(openAfter(granted(), outcome({ status: 'succeeded' }))).toEqual([]);
    expect(openAfter(granted(), outcome({ status: 'failed' }))).toEqual([]);
  });

  it.each(['healthcheck', 'rollback'])('stay open after a report that leaves a %s owed, which is then due', (awaits) => {
    const until = '2026-11-25T12:30:00.000Z';
    expect(openAfter(granted(), outcome({ awaits, until }))).toMatchObject([{ awaits, due: until, provedAt: '7' }]);
    const granting = entryOf('rollback.granted', { ...claim, index: '8', resultBy: until }, 'a-1');
    expect(openAfter(granted(), outcome({ awaits, until }), granting)).toMatchObject([{ awaits, due: until }]);
  });

  it('stay open while uncertain, and a late outcome settles them', () => {
    expect(openAfter(granted(), uncertain)).toMatchObject([{ uncertainSince: '2026-11-25T12:15:00.000Z', provedAt: '6' }]);
    expect(openAfter(granted(), uncertain, outcome({ late: true }))).toEqual([]);
    const [late] = openAfter(granted(), uncertain, outcome({ late: true, awaits: 'healthcheck', until: '2026-11-25T13:00:00.000Z' }));
    expect(late).toMatchObject({ awaits: 'healthcheck', uncertainSince: null });
  });

  it('of other decisions and other tenants are left alone, and the first due comes first', () => {
    const list = new EffectList();
    list.add({ tenant: 'acme', ...granted() });
    list.add({ tenant: 'globex', ...granted() });
    list.add({ tenant: 'acme', ...granted({ decision: '9', resultBy: '2026-11-25T12:01:00.000Z' }, 'a-2') });
    list.add({ tenant: 'acme', ...outcome() });
    expect(list.list().map(({ tenant, action }) => [tenant, action])).toEqual([
      ['acme', 'a-2'],
      ['globex', 'a-1'],
    ]);
  });

  it('are told with claim, executor, times and receipt', () => {
    const text = formatEffects(openAfter(granted(), uncertain));
    for (const said of [
      'c-1',
      'runner',
      'since 2026-11-25T12:00',
      'UNCERTAIN since 2026-11-25T12:15',
      'was due',
      'ledger.example/t/1 index 6',
    ])
      expect(text).toContain(said);
  });
});
