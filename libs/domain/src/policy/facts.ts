import type { Json } from '../formats/canonical-json.ts';
import type { EvidenceType } from './class-rule.ts';
import { evidenceOf, type EvidenceKeyOf } from './evidence.ts';
import { atPointer, own } from './pointer.ts';
import { rollbackOf } from './rollback.ts';
import type { ActorRow, ClassRule, Contract, Fact, Operation, Resource } from './tables.ts';
import type { Proposal } from './types.ts';

export interface FactsQuestion {
  readonly proposal: Proposal;
  readonly rule: ClassRule;
  readonly called: { readonly contract: Contract; readonly operation: Operation } | undefined;
  readonly resource: Resource;
  readonly actor: ActorRow | undefined;
  /** See Judgement: verified before. */
  readonly incident?: string;
  readonly nowMs: number;
  readonly evidenceKey: EvidenceKeyOf;
}

/**
 * Cedar's context: exactly the facts that the class declares, each from the bundle's tables, from the parameters through the
 * contract, or from verified evidence. undefined when a required one is missing.
 */
export function collectFacts(question: FactsQuestion): Record<string, Json> | undefined {
  const shown = remembered(question);
  if (requiredEvidence(question.rule, question.called?.operation).some((evidence) => !shown(evidence))) return undefined;
  const context: [string, Json][] = [];
  for (const [name, fact] of Object.entries(question.rule.facts)) {
    const value = valueOf(fact, question, shown);
    if (value === undefined) return undefined;
    context.push([name, value]);
  }
  return Object.fromEntries(context);
}

/** The class's, and what the operation requires beyond it. */
export function requiredEvidence(rule: ClassRule, operation: Operation | undefined): readonly EvidenceType[] {
  return operation?.requires === undefined ? rule.requires : [...rule.requires, ...operation.requires];
}

type Shown = (evidence: EvidenceType) => boolean;

function valueOf(fact: Fact, { proposal, resource, actor }: FactsQuestion, shown: Shown): Json | undefined {
  if (fact.from === 'table') return scalar(tabled(resource, fact.attribute), fact.type ?? 'string');
  if (fact.from === 'evidence') return shown(fact.evidence);
  if (fact.from === 'operation') return proposal.operation;
  if (fact.from === 'actor-table') return scalar(own(actor?.attributes ?? {}, fact.attribute), fact.type ?? 'string');
  if (fact.from === 'actor') return proposal.actor.id;
  return scalar(atPointer(proposal.parameters, fact.pointer), fact.type);
}

/** What a resource's row says of it. */
export function tabled(resource: Resource, attribute: string): string | number | boolean | undefined {
  if (attribute === 'environment' || attribute === 'risk') return resource[attribute];
  return own(resource.attributes ?? {}, attribute);
}

/** Scalars only: no object of the proposer's reaches Cedar. */
function scalar(value: Json | undefined, type: 'string' | 'long' | 'boolean'): Json | undefined {
  if (type === 'long') return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === type ? value : undefined;
}

/** Verified at most once, and only when asked for: a signature costs as much as the rest of the judgement. */
function remembered(question: FactsQuestion): Shown {
  const known = new Map<EvidenceType, boolean>();
  return (evidence) => {
    const before = known.get(evidence);
    if (before !== undefined) return before;
    const now = isShown(evidence, question);
    known.set(evidence, now);
    return now;
  };
}

function isShown(evidence: EvidenceType, { proposal, rule, called, incident, nowMs, evidenceKey }: FactsQuestion): boolean {
  if (!called) return false;
  if (evidence === 'incident') return incident !== undefined;
  const { contract, operation } = called;
  if (evidence === 'rollback') return rollbackOf(proposal, contract, operation) !== undefined;
  const artifact = operation.artifact === undefined ? undefined : atPointer(proposal.parameters, operation.artifact);
  return evidenceOf(evidence, { proposal, artifact, executors: rule.executors, nowMs, evidenceKey }) !== undefined;
}
