import { type CheckedReceipt, textOf } from '#adapters';

import type { Scenario } from './scenarios.ts';

/** One line of the tour's table. */
export interface Row {
  readonly name: string;
  readonly verdict: string;
  readonly reason: string;
  /** `<tree> <index>` of the verified receipt. */
  readonly receipt: string;
  /** undefined: exactly as expected. */
  readonly fault: string | undefined;
}

/** Whether this receipt is the answer to this scenario, in a ledger that holds nothing but the tour's actions. */
export function answers(scenario: Scenario, { kind, statement }: CheckedReceipt): boolean {
  const named = statement.subject[0].name === scenario.id;
  switch (scenario.kind) {
    case 'proposal':
      return kind === 'action.decided' && named && !isConflict(statement.predicate['reasons']);
    case 'conflict':
      return kind === 'action.decided' && named && isConflict(statement.predicate['reasons']);
    case 'repeat':
      return kind === 'action.repeated' && named;
    case 'unsigned':
    case 'garbage':
      return kind === 'input.refused' && statement.predicate['code'] === scenario.expect.reason;
  }
}

/** Verdict and reason exactly, no permit in shadow mode, and one decision for a repeated action. */
export function judge(scenario: Scenario, receipt: CheckedReceipt, all: readonly CheckedReceipt[]): Row {
  const { predicate } = receipt.statement;
  const { verdict, reason } = told(receipt);
  const expected = expectedOf(scenario, reason);
  const faults: string[] = [];
  if (verdict !== expected.verdict || reason !== expected.reason) {
    faults.push(`expected ${expected.verdict} ${expected.reason}, came ${verdict} ${reason}`);
  }
  const allowed = verdict === 'ALLOW';
  if ((predicate['permit'] !== undefined) !== allowed) faults.push(allowed ? 'no permit' : 'a permit without an ALLOW');
  if (scenario.kind === 'repeat') faults.push(...repeatFaults(scenario.id, receipt, all));
  const place = `${receipt.record.tenant} ${receipt.record.leafIndex}`;
  return { name: scenario.name, verdict, reason, receipt: place, fault: faults.length > 0 ? faults.join('; ') : undefined };
}

function told({ kind, statement: { predicate } }: CheckedReceipt): { verdict: string; reason: string } {
  if (kind === 'action.repeated') return { verdict: 'REPEATED', reason: `see index ${textOf(predicate, 'first')}` };
  if (kind === 'input.refused') return { verdict: 'REFUSED', reason: textOf(predicate, 'code') };
  return { verdict: textOf(predicate, 'verdict'), reason: (predicate['reasons'] as string[]).join(' ') };
}

/** What a repeat cites is checked apart. */
function expectedOf(scenario: Scenario, cited: string): { verdict: string; reason: string } {
  const { expect } = scenario;
  if ('verdict' in expect) return expect;
  return expect.entry === 'input.refused' ? { verdict: 'REFUSED', reason: expect.reason } : { verdict: 'REPEATED', reason: cited };
}

/** `see index N` is right when N is the one decision there is. */
function repeatFaults(id: string, { statement }: CheckedReceipt, all: readonly CheckedReceipt[]): string[] {
  const decisions = all.filter(
    (other) =>
      other.kind === 'action.decided' && other.statement.subject[0].name === id && !isConflict(other.statement.predicate['reasons']),
  );
  if (decisions.length !== 1) return [`expected one decision for ${id}, came ${decisions.length}`];
  const index = decisions[0]?.statement.predicate.index;
  return index === statement.predicate['first']
    ? []
    : [`cites index ${textOf(statement.predicate, 'first')}, the decision is ${index ?? ''}`];
}

const isConflict = (reasons: unknown): boolean => Array.isArray(reasons) && reasons.includes('DENY_CONFLICT');
