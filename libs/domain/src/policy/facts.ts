import type { Json } from '../formats/canonical-json.ts';
import { type Case, evidenceQuestion } from './case.ts';
import type { EvidenceType } from './class-rule.ts';
import { evidenceOf, type Evident } from './evidence.ts';
import { atPointer, own } from './pointer.ts';
import { wayBack } from './rollback.ts';
import type { ActorRow, ClassRule, Fact, Operation, Resource } from './tables.ts';
import type { Shown } from './types.ts';

export interface FactsQuestion extends Case {
  readonly resource: Resource;
  readonly actor: ActorRow | undefined;
}
export type Facts =
  | { readonly context: Readonly<Record<string, Json>>; readonly shown: readonly Shown[] }
  | { readonly denial: 'DENY_MISSING_EVIDENCE' | 'DENY_EVIDENCE_USED' };

/**
 * Cedar's context: exactly the facts that the class declares, each from the bundle's tables, from the parameters through the
 * contract, or from verified evidence; and the statements that counted for it. A denial when a required one is missing.
 */
export function collectFacts(question: FactsQuestion): Facts {
  const answers = remembered(question);
  for (const evidence of requiredEvidence(question.rule, question.called?.operation)) {
    const answer = answers.of(evidence);
    if (answer === 'used') return { denial: 'DENY_EVIDENCE_USED' };
    if (answer === 'missing') return { denial: 'DENY_MISSING_EVIDENCE' };
  }
  const context: [string, Json][] = [];
  for (const [name, fact] of Object.entries(question.rule.facts)) {
    const value = valueOf(fact, question, answers.of);
    if (value === undefined) return { denial: 'DENY_MISSING_EVIDENCE' };
    context.push([name, value]);
  }
  return { context: Object.fromEntries(context), shown: answers.shown() };
}

/** The class's, and what the operation requires beyond it. */
export function requiredEvidence(rule: ClassRule, operation: Operation | undefined): readonly EvidenceType[] {
  return operation?.requires === undefined ? rule.requires : [...rule.requires, ...operation.requires];
}

/** What was shown of one type; undefined: it was, and no statement stands behind it. */
type Answer = Evident | 'used' | 'missing' | undefined;
type AnswerOf = (evidence: EvidenceType) => Answer;

function valueOf(fact: Fact, question: FactsQuestion, answerOf: AnswerOf): Json | undefined {
  const { proposal, resource, actor } = question;
  if (fact.from === 'table') return scalar(tabled(resource, fact.attribute), fact.type ?? 'string');
  if (fact.from === 'evidence') return typeof answerOf(fact.evidence) !== 'string';
  if (fact.from === 'statement') return scalar(stated(fact, question, answerOf), fact.type);
  if (fact.from === 'operation') return proposal.operation;
  if (fact.from === 'actor-table') return scalar(own(actor?.attributes ?? {}, fact.attribute), fact.type ?? 'string');
  if (fact.from === 'actor') return proposal.actor.id;
  return scalar(atPointer(proposal.parameters, fact.pointer), fact.type);
}

/** Which of the two it is follows from the operation alone. */
function stated(fact: Fact & { from: 'statement' }, { rule, called }: FactsQuestion, answerOf: AnswerOf): Json | undefined {
  if (!requiredEvidence(rule, called?.operation).includes(fact.evidence)) return fact.otherwise;
  const answer = answerOf(fact.evidence);
  const { facts = {} } = (typeof answer === 'object' ? answer.statement : {}) as { readonly facts?: Readonly<Record<string, Json>> };
  return own(facts, fact.member);
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
function remembered(question: FactsQuestion): { readonly of: AnswerOf; readonly shown: () => readonly Shown[] } {
  const known = new Map<EvidenceType, Answer>();
  const of: AnswerOf = (evidence) => {
    if (known.has(evidence)) return known.get(evidence);
    const answer = answerTo(evidence, question);
    known.set(evidence, answer);
    return answer;
  };
  return { of, shown: () => [...known.values()].flatMap((answer) => (typeof answer === 'object' ? [answer.shown] : [])) };
}

function answerTo(evidence: EvidenceType, question: FactsQuestion): Answer {
  const { proposal, rule, called, incident } = question;
  if (!called) return 'missing';
  if (evidence === 'incident') return incident ?? 'missing';
  const { contract, operation } = called;
  if (evidence === 'rollback') {
    const back = wayBack(proposal, contract, operation);
    if (!back) return 'missing';
    if (question.bundle.tables.format === 1) return undefined;
    // The way back is as good as what somebody vouches for: that its artifact passed, for going back on this target.
    return evidenceOf('ci', evidenceQuestion(question, rule, 'ci', { operation: back.operation, artifact: back.reference })) ?? 'missing';
  }
  const artifact = operation.artifact === undefined ? undefined : atPointer(proposal.parameters, operation.artifact);
  return evidenceOf(evidence, evidenceQuestion(question, rule, evidence, { artifact })) ?? 'missing';
}
