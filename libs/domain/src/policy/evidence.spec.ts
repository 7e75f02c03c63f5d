import { FakeEngine, judgeInput, NOON_MS, testBundle, testDocument, testProposal } from '#testing';
import { describe, expect, it } from 'vitest';

import { faultsOf } from './faults.ts';
import { judge } from './judge.ts';
import { EVIDENCE_WORDS, evidenceFor, testEvidenceKey } from './own-test-evidence.ts';
import type { StatementType } from './statements.ts';

const document = testDocument();
const actor = { kind: 'agent', id: 'agent', actingFor: 'ana' } as const;

/** The test bundle with an operation that requires this evidence, judged with evidence in a word. */
function reasonsWith(
  requires: StatementType | 'rollback',
  word: string,
  who: { kind: 'agent'; id: string; actingFor?: string } = actor,
): readonly string[] {
  const { apply, undo } = document.contracts.tool.operations;
  const { change, note } = document.classes;
  const bundle = testBundle({
    contracts: { tool: { version: '1', operations: { apply: { ...apply, requires: [requires] }, undo } } },
    classes: { change: { ...change, requires: [] }, note },
  });
  const proposal = testProposal({ actor: who, evidence: [] });
  const evidence = [evidenceFor(word, bundle, proposal, NOON_MS)];
  return judge(judgeInput(new FakeEngine(), { actor: who, evidence }, { bundle, evidenceKey: testEvidenceKey })).reasons;
}

describe('evidence of each type', () => {
  it.each(['ci', 'review', 'delegation', 'incident'] as const)('%s counts when it is sound', (type) => {
    expect(reasonsWith(type, type)).toEqual(['ALLOW_POLICY']);
  });
  it.each(EVIDENCE_WORDS.filter((word) => word.includes('-')))('counts for nothing when it is %s', (word) => {
    const [kind = ''] = word.split('-');
    expect(reasonsWith(kind === 'back' ? 'rollback' : (kind as StatementType), word)).toEqual(['DENY_MISSING_EVIDENCE']);
  });
  it.each(['ci', 'review', 'delegation', 'incident'] as const)('%s is not another type', (type) => {
    for (const other of ['ci', 'review', 'delegation', 'incident']) {
      if (other !== type) expect(reasonsWith(type, other)).toEqual(['DENY_MISSING_EVIDENCE']);
    }
  });
  it('a delegation is from the person that the actor says it acts for', () => {
    expect(reasonsWith('delegation', 'delegation', { kind: 'agent', id: 'agent' })).toEqual(['DENY_MISSING_EVIDENCE']);
  });
  it('nobody reviews what is asked for in their own name', () => {
    expect(reasonsWith('review', 'review', { kind: 'agent', id: 'agent', actingFor: 'reviewer' })).toEqual(['DENY_MISSING_EVIDENCE']);
  });
});

describe('an incident', () => {
  const SATURDAY_MS = NOON_MS + 3 * 86_400_000;
  const reasons = (...of: Parameters<typeof judgementOf>) => judgementOf(...of).reasons;
  function judgementOf(isOpened: boolean, id: 'low' | 'high', words: readonly string[]) {
    const { change, note } = document.classes;
    const bundle = testBundle({
      classes: { change: { ...change, requires: ['ci'], ...(isOpened ? { incidentOpensWindow: true } : {}) }, note },
    });
    const resource = { type: 'thing', id };
    const proposal = testProposal({ resource });
    const evidence = words.map((word) => evidenceFor(word, bundle, proposal, SATURDAY_MS));
    return judge(judgeInput(new FakeEngine(), { resource, evidence }, { bundle, evidenceKey: testEvidenceKey, nowMs: SATURDAY_MS }));
  }
  it('opens the window of a class that says so', () => {
    expect(reasons(true, 'low', ['ci'])).toEqual(['DENY_WINDOW']);
    expect(reasons(true, 'low', ['ci', 'incident'])).toEqual(['ALLOW_POLICY']);
    expect(reasons(false, 'low', ['ci', 'incident'])).toEqual(['DENY_WINDOW']);
  });
  it('never stands for an approval, or for other evidence', () => {
    expect(reasons(true, 'high', ['ci', 'incident'])).toEqual(['ESCALATE_APPROVAL_REQUIRED']);
    expect(reasons(true, 'low', ['incident'])).toEqual(['DENY_MISSING_EVIDENCE']);
  });
  it('is named, whatever is decided, and only when it is sound', () => {
    for (const words of [['ci', 'incident'], ['incident'], ['incident-expired', 'incident']]) {
      for (const isOpened of [true, false]) expect(judgementOf(isOpened, 'high', words).incident).toBe('incident-1');
    }
    const wrong = EVIDENCE_WORDS.filter((word) => word.startsWith('incident-'));
    expect(wrong.length).toBeGreaterThan(3);
    for (const word of ['ci', ...wrong]) expect(judgementOf(true, 'high', [word])).not.toHaveProperty('incident');
  });
  it('opens no window of what calls no contract', () => {
    const { note } = document.classes;
    const { connector: _, contractDigest: __, ...proposal } = testProposal({ class: 'note', operation: 'write' });
    const bundle = testBundle({
      classes: { change: document.classes.change, note: { ...note, window: 'weekdays', incidentOpensWindow: true } },
    });
    const evidence = [evidenceFor('incident', bundle, proposal, SATURDAY_MS)];
    const input = judgeInput(new FakeEngine(), {}, { bundle, evidenceKey: testEvidenceKey, nowMs: SATURDAY_MS });
    expect(judge({ ...input, proposal: { ...proposal, evidence } }).reasons).toEqual(['DENY_WINDOW']);
    expect(judge({ ...input, nowMs: NOON_MS, proposal: { ...proposal, evidence } }).reasons).not.toEqual(['DENY_WINDOW']);
  });
  it('about something else opens nothing', () => {
    expect(reasons(true, 'low', ['ci', 'incident-other-resource'])).toEqual(['DENY_WINDOW']);
  });
  it('that opens a window which is not there is refused', () => {
    const { note } = document.classes;
    const bundle = testBundle({ classes: { change: document.classes.change, note: { ...note, incidentOpensWindow: true } } });
    expect(faultsOf(bundle.tables).join()).toContain('an incident opens its window, and it has none');
  });
});
