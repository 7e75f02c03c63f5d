import { describe, expect, it } from 'vitest';

import { EVIDENCE_WORDS } from '../../libs/domain/src/policy/own-test-evidence.ts';
import type { Row } from './decision-table.ts';
import { questions, rows, run, standard } from './table-judge.ts';

describe('the decision table', () => {
  it.each(questions)('line $row.line: $row.cls $row.operation on $row.resource is $row.verdict $row.reason', (question) => {
    const { verdict, reason } = question.row;
    expect(run(question)).toEqual({ verdict, reasons: reason.split(',') });
  });
  it('has 500 rows, no two for one question, more than 60 of them with freezes', () => {
    expect(rows.length).toBeGreaterThanOrEqual(500);
    expect(rows.filter(({ freezes }) => freezes.length > 0).length).toBeGreaterThan(60);
    const question = (row: Row): string => JSON.stringify({ ...row, line: 0, verdict: 'DENY', reason: '' });
    expect(new Set(rows.map(question)).size).toBe(rows.length);
  });
  it('has every verdict that a class can have, and every reason that policy can give', () => {
    const seen = (cls: string) => [...new Set(rows.filter((row) => row.cls === cls).map(({ verdict }) => verdict))].sort();
    const all = Object.keys(standard.plain.tables.classes).map((cls) => [cls, seen(cls)]);
    expect(Object.fromEntries(all)).toEqual({
      ...Object.fromEntries(
        ['deployment.change', 'code.change', 'refund.issue', 'customer.message', 'tool.call'].map((cls) => [
          cls,
          ['ALLOW', 'DENY', 'ESCALATE'],
        ]),
      ),
      'record.write': ['ALLOW', 'DENY'],
      ...Object.fromEntries(['data.export', 'access.change', 'control'].map((cls) => [cls, ['DENY', 'ESCALATE']])),
    });
    expect([...new Set(rows.map(({ reason }) => reason))].sort()).toEqual([
      'ALLOW_POLICY',
      ...[
        ...['ACTOR', 'CONTRACT', 'CUMULATIVE', 'ENVELOPE', 'EVIDENCE_USED', 'FROZEN', 'MISSING_EVIDENCE', 'NO_MATCH', 'POLICY', 'STOPPED'],
        ...['TENANT_SCOPE', 'UNKNOWN_CLASS', 'WINDOW'],
      ].map((code) => `DENY_${code}`),
      'ESCALATE_APPROVAL_REQUIRED',
      'ESCALATE_CUMULATIVE',
    ]);
  });
  it('has each way in which an actor may not be said, and each way in which it may', () => {
    const said = (reason: (row: Row) => boolean) =>
      new Set(rows.filter(reason).map(({ actor, id, actingFor }) => `${actor}:${id} ${actingFor ?? 'alone'}`));
    const denied = said(({ reason }) => reason === 'DENY_ACTOR');
    for (const way of [
      'agent:agent alone',
      'agent:agent ben',
      'agent:Agent ana',
      'agent:stranger ana',
      'person:other ana',
      'pipeline:agent alone',
    ]) {
      expect(denied).toContain(way);
    }
    const allowed = said(({ verdict }) => verdict === 'ALLOW');
    for (const way of ['agent:agent ana', 'agent:other ana', 'agent:desk eve', 'pipeline:nightly alone']) expect(allowed).toContain(way);
  });
  it('has each way in which a statement may be wrong, and each statement used up', () => {
    const denied = rows.filter(({ reason }) => reason === 'DENY_MISSING_EVIDENCE' || reason === 'DENY_WINDOW');
    const seen = new Set(denied.flatMap(({ evidence }) => evidence));
    expect(EVIDENCE_WORDS.filter((word) => word.includes('-') && !seen.has(word))).toEqual([]);
    const used = rows.filter(({ before, verdict }) => before?.reused === true && verdict === 'DENY');
    expect([...new Set(used.flatMap(({ evidence }) => evidence))]).toEqual(
      expect.arrayContaining(['back', 'ci', 'delegation', 'incident', 'review']),
    );
  });
  it('has each class frozen', () => {
    const frozen = rows.filter(({ reason }) => reason === 'DENY_FROZEN' || reason === 'DENY_STOPPED').map(({ cls }) => cls);
    expect([...new Set(frozen)].sort()).toEqual(Object.keys(standard.plain.tables.classes).sort());
  });
});
