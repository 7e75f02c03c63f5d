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

describe("what a bundle's own test says is what the decider says", () => {
  /** Of so many permits that match, all for low risk. */
  class Wordy extends FakeEngine {
    constructor(private readonly permits: number) {
      super();
    }
    override guards(): ReturnType<FakeEngine['guards']> {
      return new Map(this.#ids().map((id) => [id, { unattended: 'low risk' }]));
    }
    override authorize(...asked: Parameters<FakeEngine['authorize']>): ReturnType<FakeEngine['authorize']> {
      const answer = super.authorize(...asked);
      return answer.decision === 'allow' ? { ...answer, reasons: this.#ids() } : answer;
    }
    #ids = (): string[] => Array.from({ length: this.permits }, (_, at) => `low-risk-${at}`).sort();
  }
  const told = (permits: number): string => runPolicyTest(testBundle(), new Wordy(permits), TEST).reasons.join();
  const of = (change: Partial<PolicyTest['proposal']>) => run({ proposal: { ...TEST.proposal, ...change } });

  it('of a decision that more policies determine than an entry lists', () => {
    expect([told(32), told(33)]).toEqual(['ALLOW_POLICY', 'DENY_LIMIT']);
  });
  it('of a proposal that is larger, or nested deeper, than a record may be', () => {
    const nested = JSON.parse('['.repeat(40) + ']'.repeat(40)) as Json;
    expect(of({ parameters: { ...testParameters('low'), back: 'x'.repeat(128 * 1024) } })).toMatchObject({
      verdict: 'REFUSED',
      reasons: ['REFUSED_SIZE'],
    });
    expect(of({ parameters: { ...testParameters('low'), back: nested } })).toMatchObject({ verdict: 'REFUSED', reasons: ['REFUSED_SIZE'] });
  });
  it('of a body that the decider would not read', () => {
    expect(of({ contractDigest: 'short' }).reasons).toEqual(['DENY_MALFORMED']);
  });
  it('of an actor that acts for somebody, and of one that does not', () => {
    expect(of({ actor: { kind: 'person', id: 'ana', actingFor: 'ben' } }).reasons).toEqual(['ALLOW_POLICY']);
    expect(of({ actor: { kind: 'pipeline', id: 'nightly' } }).reasons).toEqual(['ALLOW_POLICY']);
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
