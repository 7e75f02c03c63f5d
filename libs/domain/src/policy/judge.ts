/** Policy's word on one proposal: total, in a fixed order, the first step that fails names the reason. */
import { type Case, denied, evidenceQuestion, type JudgeInput } from './case.ts';
import { consult } from './consult.ts';
import { admittedBy } from './envelope.ts';
import { evidenceOf, type Evident } from './evidence.ts';
import { collectFacts } from './facts.ts';
import { atPointer, isIdOf, own } from './pointer.ts';
import { actorOf, resourceOf } from './request.ts';
import type { IncidentStatement } from './statements.ts';
import type { ClassRule } from './tables.ts';
import { isOfOwnTenant } from './tenant-scope.ts';
import { twice } from './twice.ts';
import type { Judgement } from './types.ts';
import { isAnyOpen, windowsOf } from './window.ts';
import { withinLimits } from './within-limits.ts';

type Denial = `DENY_${string}`;
type Step = (question: Case) => Denial | undefined;
export type JudgeSteps = readonly (readonly [name: string, step: Step])[];

/** `steps` is for tests, which leave one out and see that it is missed. */
export function judge(input: JudgeInput, steps: JudgeSteps = JUDGE_STEPS): Judgement {
  const rule = own(input.bundle.tables.classes, input.proposal.class);
  const called = calledOf(input);
  if (!rule) return denied(called?.digest, 'DENY_UNKNOWN_CLASS');
  const incident = incidentOf(input, rule);
  const question: Case = { ...input, rule, called, context: {}, shown: [], windows: [], ...(incident === undefined ? {} : { incident }) };
  return { ...answered(question, steps), ...(incident === undefined ? {} : { incident: incident.statement.incident }) };
}

function answered(question: Case, steps: JudgeSteps): Judgement {
  for (const [, step] of steps) {
    const reason = step(question);
    if (reason !== undefined) return denied(question.called?.digest, reason);
  }
  const judgement = withinLimits(question, consult(question));
  if (judgement.verdict === 'DENY' || question.bundle.tables.format === 1) return judgement;
  const evidence = [...new Map(question.shown.map((shown) => [shown.digest, shown])).values()];
  return { ...judgement, conditions: { evidence, windows: question.windows } };
}

/** The incident about this very target that a registered desk vouches for: the entry names it, whatever is decided. */
function incidentOf(input: JudgeInput, rule: ClassRule): Evident<IncidentStatement> | undefined {
  const incident = evidenceOf('incident', evidenceQuestion(input, rule, 'incident'));
  return incident === 'used' ? undefined : incident;
}

/** After parsing, identity and class, before Cedar. The order is a promise: it decides which reason is told. */
export const JUDGE_STEPS: JudgeSteps = [
  ['contract', checkContract],
  ['envelope', checkEnvelope],
  ['window', checkWindow],
  ['resource', checkResource],
  ['facts', checkFacts],
];

function calledOf({ bundle: { tables, contractDigests }, proposal: { connector, operation: name } }: JudgeInput): Case['called'] {
  if (connector === undefined) return undefined;
  const contract = own(tables.contracts, connector);
  const operation = contract && own(contract.operations, name);
  const digest = contractDigests.get(connector);
  return contract && operation && digest !== undefined ? { contract, operation, digest } : undefined;
}

/** Connector and operation known, of this class, digest as pinned, parameters valid; then whose data it is. */
function checkContract({ bundle, engine, proposal, rule, called }: Case): Denial | undefined {
  if (!called) {
    const needed = rule.connectorRequired || proposal.connector !== undefined || proposal.contractDigest !== undefined;
    return needed ? 'DENY_CONTRACT' : undefined;
  }
  const { operation, digest } = called;
  const { connector = '', parameters } = proposal;
  if (operation.class !== proposal.class) return 'DENY_CONTRACT';
  if (proposal.contractDigest !== undefined && proposal.contractDigest !== digest) return 'DENY_CONTRACT';
  const valid = twice(() => engine.parametersValid(bundle, connector, proposal.operation, parameters));
  if (!valid.ok) return 'DENY_EVALUATION_ERROR';
  if (!valid.value) return 'DENY_CONTRACT';
  const { format } = bundle.tables;
  if (!isOfOwnTenant(called, proposal, format)) return 'DENY_TENANT_SCOPE';
  const { resource, resourceType } = operation;
  if (resource !== null && !isIdOf(atPointer(parameters, resource), proposal.resource.id, format)) return 'DENY_CONTRACT';
  return resourceType === undefined || resourceType === proposal.resource.type ? undefined : 'DENY_CONTRACT';
}

function checkEnvelope(question: Case): Denial | undefined {
  const { bundle, proposal, called, nowMs } = question;
  const admitted = admittedBy(bundle.tables, proposal, called?.operation, nowMs);
  if (!admitted) return 'DENY_ENVELOPE';
  if (admitted.window !== undefined) question.windows = [...question.windows, windowsOf(admitted.window)];
  return undefined;
}

/** An incident opens it where the class says so; that only lets the question be asked, and is no answer to it. */
function checkWindow(question: Case): Denial | undefined {
  const { bundle, rule, called, nowMs, incident } = question;
  if (rule.window === undefined) return undefined;
  if (isAnyOpen(bundle.tables.windows, rule.window, nowMs)) question.windows = [...question.windows, windowsOf(rule.window)];
  else if (rule.incidentOpensWindow === true && called && incident !== undefined) question.shown = [...question.shown, incident.shown];
  else return 'DENY_WINDOW';
  return undefined;
}

/** Tables are closed: who or what the bundle does not list for this class and tenant matches nothing. */
function checkResource({ bundle: { tables }, proposal, rule }: Case): Denial | undefined {
  if (tables.actors?.[proposal.actor.kind] && !actorOf(tables, proposal)) return 'DENY_NO_MATCH';
  const resource = rule.resourceTypes.includes(proposal.resource.type) ? resourceOf(tables, proposal.resource) : undefined;
  const listed = resource !== undefined && (resource.tenants?.includes(proposal.tenant) ?? true);
  return listed ? undefined : 'DENY_NO_MATCH';
}

function checkFacts(question: Case): Denial | undefined {
  const resource = resourceOf(question.bundle.tables, question.proposal.resource);
  if (!resource) return 'DENY_MISSING_EVIDENCE';
  const facts = collectFacts({ ...question, resource, actor: actorOf(question.bundle.tables, question.proposal) });
  if ('denial' in facts) return facts.denial;
  question.context = facts.context;
  question.shown = [...question.shown, ...facts.shown];
  return undefined;
}
