import type { Json } from '../formats/canonical-json.ts';
import type { EvidenceKeyOf } from './evidence.ts';
import type { ClassRule, Contract, Operation } from './tables.ts';
import type { Bundle, Judgement, PolicyEngine, Proposal } from './types.ts';
import type { Spent } from './limit.ts';

export interface JudgeInput {
  readonly bundle: Bundle;
  readonly proposal: Proposal;
  readonly nowMs: number;
  /** Unrevoked keys of the proposal's tenant. */
  readonly evidenceKey: EvidenceKeyOf;
  readonly engine: PolicyEngine;
  /** Absent: nothing was counted before. */
  readonly spent?: Spent;
  /** Whose limits it counts towards, where that is more than this one actor: all that one credential may say under a `*`. */
  readonly asker?: string | undefined;
}

/** What the steps look at. `context` is what the facts step found, and all that Cedar will see of the proposal's content. */
export interface Case extends JudgeInput {
  readonly rule: ClassRule;
  readonly called: { readonly contract: Contract; readonly operation: Operation; readonly digest: string } | undefined;
  /** See Judgement. */
  readonly incident?: string;
  context: Readonly<Record<string, Json>>;
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
