/** The last step: Cedar. Any error denies, a matching forbid denies, no permit denies, any permit that needs approval escalates. */
import { approvalRule } from './approval-rule.ts';
import { type Case, denied } from './case.ts';
import { requiredEvidence } from './facts.ts';
import { engineRequest } from './request.ts';
import { wayBack } from './rollback.ts';
import { EXECUTE_WITHIN_SECONDS, type PolicyTables } from './tables.ts';
import { twice } from './twice.ts';
import type { ApprovalRule, EngineAnswer, Judgement, PermitGuard } from './types.ts';

export function consult(question: Case): Judgement {
  const { bundle, proposal, engine, rule, called } = question;
  const request = engineRequest(bundle.tables, proposal, question.context);
  const asked = twice(() => ({ answer: engine.authorize(bundle, request), guards: engine.guards(bundle) }));
  if (!asked.ok || asked.value.answer.errors.length > 0) return denied(called?.digest, 'DENY_EVALUATION_ERROR');
  const { answer, guards } = asked.value;
  const policies = [...answer.reasons].sort();
  if (answer.decision === 'deny') {
    return policies.length > 0 ? denied(called?.digest, 'DENY_POLICY', policies) : denied(called?.digest, 'DENY_NO_MATCH');
  }
  const rules = rulesNamed(bundle.tables, answer, guards);
  if (!rules) return denied(called?.digest, 'DENY_EVALUATION_ERROR');
  const common = {
    policies,
    rules,
    contractDigest: called?.digest ?? null,
    ...afterwards(question),
    executeWithinMs: (rule.executeWithinSeconds ?? EXECUTE_WITHIN_SECONDS) * 1000,
  };
  if (rules.length > 0) {
    const approveWithinMs = Math.min(...rules.map((named) => named.expiresInSeconds)) * 1000;
    return { ...common, verdict: 'ESCALATE', reasons: ['ESCALATE_APPROVAL_REQUIRED'], executors: [], approveWithinMs };
  }
  return { ...common, verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], executors: [...rule.executors].sort(), approveWithinMs: 0 };
}

/** What is owed after the effect, and the ways back; nothing where the class asks for nothing. */
function afterwards({ proposal, rule, called }: Case): Pick<Judgement, 'obligations' | 'resultWithinSeconds' | 'rollback' | 'revert'> {
  const obligations = [...(rule.after ?? [])].sort();
  const resultWithinSeconds = rule.resultWithinSeconds ?? null;
  const needsWayBack = called && requiredEvidence(rule, called.operation).includes('rollback');
  const rollback = needsWayBack ? (wayBack(proposal, called.contract, called.operation)?.operation ?? null) : null;
  const isAsked = obligations.length > 0 || resultWithinSeconds !== null || rollback !== null;
  return { obligations, resultWithinSeconds, rollback, revert: called && isAsked ? called.operation.rollback : null };
}

/** The approval rules of the permits that matched, sorted by id. undefined when the answer does not add up: then nothing is allowed. */
function rulesNamed(
  tables: PolicyTables,
  { reasons }: EngineAnswer,
  guards: ReadonlyMap<string, PermitGuard>,
): (ApprovalRule & { expiresInSeconds: number })[] | undefined {
  if (reasons.length === 0) return undefined;
  const named = new Map<string, ApprovalRule & { expiresInSeconds: number }>();
  for (const policy of reasons) {
    const guard = guards.get(policy);
    if (!guard) return undefined;
    if ('unattended' in guard) continue;
    const rule = approvalRule(tables, guard.approval);
    if (!rule) return undefined;
    named.set(rule.id, rule);
  }
  return [...named.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
