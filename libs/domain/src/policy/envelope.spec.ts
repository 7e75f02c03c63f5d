import { FakeEngine, judgeInput, NOON_MS, testBundle, testDocument, testParameters } from '#testing';
import { describe, expect, it } from 'vitest';

import type { Json } from '../formats/canonical-json.ts';
import { faultsOf } from './faults.ts';
import { judge } from './judge.ts';

const document = testDocument();

/** The test bundle with pointers in its contract, and limits in its envelope. */
function limited(limits: Record<string, Json>, pointers: Record<string, Json> = { fields: '/back', rows: '/amount', amount: '/amount' }) {
  const { apply, undo } = document.contracts.tool.operations;
  const contracts = { tool: { version: '1', operations: { apply: { ...apply, ...pointers }, undo } } };
  const acme = { operations: [{ connector: 'tool', operation: 'apply', ...limits }], resourceTypes: ['thing', 'other'] };
  return testBundle({ contracts, envelopes: { acme } });
}
const reasons = (limits: Record<string, Json>, parameters: Record<string, Json> = {}, pointers?: Record<string, Json>) =>
  judge(judgeInput(new FakeEngine(), { parameters: { ...testParameters('low'), ...parameters } }, { bundle: limited(limits, pointers) }))
    .reasons;

describe('an envelope limits', () => {
  it.each<[string, Record<string, Json>, Record<string, Json>, string]>([
    ['an amount that it allows', { amountMax: 5 }, { amount: 5 }, 'ALLOW_POLICY'],
    ['an amount beyond it', { amountMax: 5 }, { amount: 6 }, 'DENY_ENVELOPE'],
    ['an amount below zero', { amountMax: 5 }, { amount: -1 }, 'DENY_ENVELOPE'],
    ['rows that it allows', { rowsMax: 1 }, { amount: 1 }, 'ALLOW_POLICY'],
    ['rows beyond it', { rowsMax: 1 }, { amount: 2 }, 'DENY_ENVELOPE'],
    ['fields that it lists', { fields: ['operation', 'reference'] }, {}, 'ALLOW_POLICY'],
    ['a field that it does not list', { fields: ['operation'] }, {}, 'DENY_ENVELOPE'],
    [
      'a field named like a prototype',
      { fields: ['operation', 'reference'] },
      { back: { constructor: 1, operation: 'undo', reference: 'v1' } },
      'DENY_ENVELOPE',
    ],
    ['names in a list', { fields: ['a'] }, { back: ['a', 'b'] }, 'DENY_ENVELOPE'],
    ['what is no list of names', { fields: ['a'] }, { back: [1] }, 'DENY_ENVELOPE'],
    ['nothing when it says nothing', {}, { amount: 100 }, 'ALLOW_POLICY'],
  ])('%s', (_what, limits, parameters, reason) => {
    expect(reasons(limits, parameters)).toEqual([reason]);
  });
  it('what cannot be measured', () => {
    expect(reasons({ amountMax: 5 }, {}, { amount: '/nowhere' })).toEqual(['DENY_ENVELOPE']);
    expect(reasons({ fields: [] }, {}, { fields: '/nowhere' })).toEqual(['DENY_ENVELOPE']);
  });
  it('the rows of a list by its length', () => {
    const back = ['a', 'b'];
    expect(reasons({ rowsMax: 1 }, { back }, { rows: '/back' })).toEqual(['DENY_ENVELOPE']);
  });
  it('the hours', () => {
    const bundle = limited({ window: 'weekdays' });
    const on = (nowMs: number) => judge(judgeInput(new FakeEngine(), {}, { bundle, nowMs })).reasons;
    expect(on(NOON_MS)).toEqual(['ALLOW_POLICY']);
    expect(on(NOON_MS + 3 * 86_400_000)).toEqual(['DENY_ENVELOPE']);
  });
  it('nothing that its contract cannot show, or an unknown window: refused before it is in force', () => {
    const found = faultsOf(limited({ fields: [], rowsMax: 1, amountMax: 1, window: 'nights' }, {}).tables).filter((fault) =>
      fault.startsWith('envelope'),
    );
    expect(found).toEqual([
      'envelope acme: tool apply: unknown window nights',
      ...['fields', 'rows', 'amount'].map(
        (what) => `envelope acme: tool apply: limits ${what}, and its contract does not say where they are`,
      ),
    ]);
  });
});
