import type { Json } from '../formats/canonical-json.ts';
import type { EvidenceKeyOf, EvidenceQuestion, Evident } from './evidence.ts';
import type { ClassRule, Contract, Operation } from './tables.ts';
import { EVIDENCE_MAX_AGE_SECONDS } from './class-rule.ts';
import type { IncidentStatement, StatementType } from './statements.ts';
import type { Bundle, Judgement, PolicyEngine, Proposal, Shown } from './types.ts';
import type { Spent } from './limit.ts';

export interface JudgeInput {
  readonly bundle: Bundle;
  readonly proposal: Proposal;
  readonly nowMs: number;
  /** Unrevoked keys of the proposal's tenant. */
  readonly evidenceKey: EvidenceKeyOf;
  readonly engine: PolicyEngine;
  /** For how many decisions a statement has counted, by its digest. Absent: for none. */
  readonly timesUsed?: (digest: string) => number;
  /** Absent: nothing was counted before. */
  readonly spent?: Spent;
  /** Whose limits it counts towards, where that is more than this one actor: all that one credential may say under a `*`. */
  readonly asker?: string | undefined;
}

/** What the steps look at. `context` is what the facts step found, and all that Cedar will see of the proposal's content. */
export interface Case extends JudgeInput {
  readonly rule: ClassRule;
  readonly called: { readonly contract: Contract; readonly operation: Operation; readonly digest: string } | undefined;
  /** About this very target, as a registered desk vouches. */
  readonly incident?: Evident<IncidentStatement>;
  context: Readonly<Record<string, Json>>;
  /** Statements that counted so far. */
  shown: readonly Shown[];
  /** Of each list one window was open, and had to be. */
  windows: readonly (readonly string[])[];
}

/** What is asked of statements of a type: that they are about this proposal's operation and `artifact`, unless it says another one. */
export function evidenceQuestion(
  { bundle, proposal, nowMs, evidenceKey, timesUsed = () => 0 }: JudgeInput,
  { executors, evidenceMaxAgeSeconds = {} }: ClassRule,
  type: StatementType,
  about: { readonly operation?: string; readonly artifact?: Json | undefined } = {},
): EvidenceQuestion {
  const { operation = proposal.operation, artifact } = about;
  const maxAgeMs = (evidenceMaxAgeSeconds[type] ?? EVIDENCE_MAX_AGE_SECONDS) * 1000;
  return { proposal, operation, artifact, version: bundle.tables.format, executors, nowMs, maxAgeMs, evidenceKey, timesUsed };
}

/** Says only the reason, never what would have been allowed. */
export function denied(contractDigest: string | undefined, reason: string, policies: readonly string[] = []): Judgement {
  return {
    verdict: 'DENY',
    reasons: [reason],
    policies,
    rules: [],
    contractDigest: contractDigest ?? null,
    executors: [],
    obligations: [],
    resultWithinSeconds: null,
    rollback: null,
    revert: null,
    executeWithinMs: 0,
    approveWithinMs: 0,
  };
}
