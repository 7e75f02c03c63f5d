/** After policy: what an action adds to cumulative limits. Only tightens: an ALLOW is asked of people or denied, an ESCALATE of more people or denied. */
import { approvalRule } from './approval-rule.ts';
import { type Case, denied } from './case.ts';
import { countsOf } from './counts.ts';
import type { Count, Spent } from './limit.ts';
import { own } from './pointer.ts';
import type { ApprovalRule, Judgement } from './types.ts';

export function withinLimits(question: Case, judgement: Judgement): Judgement {
  const { bundle, proposal, called, spent = nothing, asker } = question;
  const { tables } = bundle;
  if (judgement.verdict === 'DENY') return judgement;
  const counts = countsOf(tables, proposal, asker);
  if (counts.length === 0) return judgement;
  const over = counts.filter((count) => isOver(count, own(tables.limits ?? {}, count.limit)?.max ?? 0, spent(count)));
  const exceeded = over.map(({ limit }) => limit);
  const more = new Map<string, ApprovalRule & { expiresInSeconds: number }>();
  for (const { limit, amount } of over) {
    const then = own(tables.limits ?? {}, limit)?.over ?? 'deny';
    const rule = then === 'deny' || amount === null ? undefined : approvalRule(tables, then.approval);
    if (!rule) return { ...denied(called?.digest, 'DENY_CUMULATIVE'), exceeded };
    more.set(rule.id, rule);
  }
  return asked({ ...judgement, counts, ...(exceeded.length === 0 ? {} : { exceeded }) }, [...more.values()]);
}

const nothing: Spent = () => 0;

/** What cannot be measured is over. */
function isOver({ amount }: Count, max: number, spent: number | 'unknown'): boolean {
  return amount === null || spent === 'unknown' || spent + amount > max;
}

/** Of people as well, under rules that the permits have not named. */
function asked(judgement: Judgement, more: readonly (ApprovalRule & { expiresInSeconds: number })[]): Judgement {
  const added = more.filter(({ id }) => !judgement.rules.some((rule) => rule.id === id));
  if (added.length === 0) return judgement;
  const before = judgement.verdict === 'ESCALATE' ? judgement : { reasons: [], approveWithinMs: Infinity };
  return {
    ...judgement,
    verdict: 'ESCALATE',
    reasons: [...before.reasons, 'ESCALATE_CUMULATIVE'],
    rules: [...judgement.rules, ...added].sort((a, b) => (a.id < b.id ? -1 : 1)),
    executors: [],
    approveWithinMs: Math.min(before.approveWithinMs, ...added.map(({ expiresInSeconds }) => expiresInSeconds * 1000)),
  };
}
