import { FakeEngine, testBundle, testParameters } from '#testing';
import { describe, expect, it } from 'vitest';

import type { Json } from '../formats/canonical-json.ts';
import { parsePolicyTests, type PolicyTest, PolicyTestError, runPolicyTest } from './own-tests.ts';

const TEST: PolicyTest = {
  name: 'low is allowed',
  proposal: {
    tenant: 'acme',
    class: 'change',
    connector: 'tool',
    operation: 'apply',
    parameters: testParameters('low'),
    resource: { type: 'thing', id: 'low' },
    evidence: ['ci', 'back'],
  },
  expect: { verdict: 'ALLOW', reason: 'ALLOW_POLICY' },
};
const run = (change: Partial<PolicyTest> = {}) => runPolicyTest(testBundle(), new FakeEngine(), { ...TEST, ...change });
const withEvidence = (...evidence: NonNullable<PolicyTest['proposal']['evidence']>) => run({ proposal: { ...TEST.proposal, evidence } });

describe("a bundle's own test", () => {
  it('is judged as in earnest, with evidence for exactly its proposal', () => {
    expect(run()).toEqual({ name: TEST.name, ok: true, verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], policies: ['low-risk'] });
  });
  it('fails on another verdict, another reason, or other policies', () => {
    expect(run({ expect: { verdict: 'ESCALATE', reason: 'ALLOW_POLICY' } }).ok).toBe(false);
    expect(run({ expect: { verdict: 'ALLOW', reason: 'DENY_POLICY' } }).ok).toBe(false);
    expect(run({ expect: { ...TEST.expect, policies: [] } }).ok).toBe(false);
    expect(run({ expect: { ...TEST.expect, policies: ['low-risk'] } }).ok).toBe(true);
  });
  it.each([
    'ci-expired',
    'ci-other-artifact',
    'ci-other-resource',
    'ci-other-operation',
    'ci-other-tenant',
    'ci-unregistered',
    'ci-by-platform',
    'ci-too-old',
    'ci-other-action',
  ])('is missing its evidence when that is %s', (word) => {
    expect(withEvidence(word, 'back').reasons).toEqual(['DENY_MISSING_EVIDENCE']);
    expect(withEvidence(word, 'ci', 'back').reasons).toEqual(['ALLOW_POLICY']);
  });
  it('happens when it says', () => {
    expect(run({ now: '2026-11-28T12:00:00.000Z' }).reasons).toEqual(['DENY_WINDOW']);
  });
});

describe('a file of tests', () => {
  it('is a list of them', () => {
    expect(parsePolicyTests([TEST] as unknown as Json)).toEqual([TEST]);
  });
  it.each([
    ['an unknown member', [{ ...TEST, more: 1 }]],
    ['an unknown word for evidence', [{ ...TEST, proposal: { ...TEST.proposal, evidence: ['cj'] } }]],
    ['no expectation', [{ name: 'x', proposal: TEST.proposal }]],
    ['a time of another form', [{ ...TEST, now: 'noon' }]],
    ['the first time that there is', [{ ...TEST, now: '0000-01-01T00:00:00.000Z' }]],
    ['the last time that there is', [{ ...TEST, now: '9999-12-31T23:59:59.999Z' }]],
    ['no list', { ...TEST }],
  ])('is refused with %s', (_what, json) => {
    expect(() => parsePolicyTests(json as unknown as Json)).toThrow(PolicyTestError);
  });
});
