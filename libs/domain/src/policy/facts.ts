import type { Json } from '../formats/canonical-json.ts';
import { checkCiEvidence, type EvidenceKeyOf } from './evidence.ts';
import { atPointer } from './pointer.ts';
import { rollbackOf } from './rollback.ts';
import type { ClassRule, Contract, Fact, Operation, Resource } from './tables.ts';
import type { Proposal } from './types.ts';

export interface FactsQuestion {
  readonly proposal: Proposal;
  readonly rule: ClassRule;
  readonly called: { readonly contract: Contract; readonly operation: Operation } | undefined;
  readonly resource: Resource;
  readonly nowMs: number;
  readonly evidenceKey: EvidenceKeyOf;
}

/**
 * Cedar's context: exactly the facts that the class declares, each from the bundle's tables, from the parameters through the
 * contract, or from verified evidence. undefined when a required one is missing.
 */
export function collectFacts(question: FactsQuestion): Record<string, Json> | undefined {
  const shown = evidenceOf(question);
  if (question.rule.requires.some((evidence) => !shown(evidence))) return undefined;
  const context: [string, Json][] = [];
  for (const [name, fact] of Object.entries(question.rule.facts)) {
    const value = valueOf(fact, question, shown);
    if (value === undefined) return undefined;
    context.push([name, value]);
  }
  return Object.fromEntries(context);
}

type Shown = (evidence: 'ci' | 'rollback') => boolean;

function valueOf(fact: Fact, { proposal, resource }: FactsQuestion, shown: Shown): Json | undefined {
  if (fact.from === 'table') return resource[fact.attribute];
  if (fact.from === 'evidence') return shown(fact.evidence);
  const value = atPointer(proposal.parameters, fact.pointer);
  if (fact.type === 'long') return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === fact.type ? value : undefined; // scalars only: no object of the proposer's reaches Cedar
}

/** Verified at most once, and only when asked for: a signature costs as much as the rest of the judgement. */
function evidenceOf({ proposal, rule, called, nowMs, evidenceKey }: FactsQuestion): Shown {
  const known = new Map<string, boolean>();
  const look = (evidence: 'ci' | 'rollback'): boolean => {
    if (!called) return false;
    const { contract, operation } = called;
    if (evidence === 'rollback') return rollbackOf(proposal, contract, operation) !== undefined;
    const artifact = operation.artifact === undefined ? undefined : atPointer(proposal.parameters, operation.artifact);
    return checkCiEvidence({ proposal, artifact, executors: rule.executors, nowMs, evidenceKey });
  };
  return (evidence) => {
    const before = known.get(evidence);
    if (before !== undefined) return before;
    const now = look(evidence);
    known.set(evidence, now);
    return now;
  };
}
