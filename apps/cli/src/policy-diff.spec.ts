import { testBundle, testDocument } from '#testing';
import { describe, expect, it } from 'vitest';

import { differences, linesOf } from './policy-diff.ts';

describe('the difference of two bundles', () => {
  const { cedar, resources, contracts } = testDocument();

  it('is nothing for the same', () => {
    expect(differences(testBundle(), testBundle())).toEqual([]);
  });
  it('names each rule that was added, removed or changed', () => {
    const kept = Object.fromEntries(Object.entries(cedar.policies).filter(([id]) => id !== 'no-frozen'));
    const policies = { ...kept, 'low-risk': `${kept['low-risk'] ?? ''} // reviewed`, extra: 'forbid (principal, action, resource);' };
    const found = differences(testBundle(), testBundle({ cedar: { ...cedar, policies } }));
    expect(found.map(({ part, name, change }) => `${change} ${part} ${name}`)).toEqual([
      'added policies extra',
      'changed policies low-risk',
      'removed policies no-frozen',
    ]);
    expect(found.flatMap(linesOf)).toContain('    + forbid (principal, action, resource);');
  });
  it('says which members of a row differ, and nothing of the others', () => {
    const thing = { ...resources.thing, low: { environment: 'production', risk: 'low' } };
    const [row, ...more] = differences(testBundle(), testBundle({ resources: { ...resources, thing } }));
    expect(more).toEqual([]);
    expect(row && linesOf(row)).toEqual(['~ resources thing low', '    environment: "sandbox" -> "production"']);
  });
  it('has every part of a document', () => {
    const more = { name: 'other', windows: {}, envelopes: {}, approvalRules: {}, actors: { agent: {} } };
    const parts = new Set(differences(testBundle(), testBundle(more)).map(({ part }) => part));
    expect([...parts].sort()).toEqual(['actors', 'approval-rules', 'bundle', 'envelopes', 'windows']);
  });
  it('names operations one by one', () => {
    const { apply } = contracts.tool.operations;
    const found = differences(testBundle(), testBundle({ contracts: { tool: { version: '1', operations: { apply } } } }));
    expect(found.map(({ part, name, change }) => `${change} ${part} ${name}`)).toEqual(['removed contracts tool undo']);
  });
});
