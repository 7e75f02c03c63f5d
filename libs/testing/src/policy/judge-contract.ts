/** The order of a judgement as cases over testBundle(): the same for every engine. */
import { ed25519PublicKey } from '#crypto';
import { type CiStatement, type Evidence, formatTime, type JudgeInput, type PolicyEngine, type Proposal, signStatement } from '#domain';

import { testBundle } from './test-bundle.ts';

/** A Wednesday, noon in UTC: inside testBundle's window. */
export const NOON_MS = Date.UTC(2026, 10, 25, 12);
export const CI_SEED = new Uint8Array(32).fill(7);
const DAY_MS = 86_400_000;

/** ALLOW_POLICY as it stands; each case breaks one thing. */
export function testProposal(change: Partial<Proposal> = {}): Proposal {
  const resource = change.resource ?? { type: 'thing', id: 'low' };
  return {
    tenant: 'acme',
    issuer: 'platform',
    id: 'a-1',
    actor: { kind: 'agent', id: 'bot' },
    class: 'change',
    connector: 'tool',
    operation: 'apply',
    parameters: testParameters(resource.id),
    resource,
    evidence: [testEvidence({ resource }), testWayBack({ resource })],
    mode: 'enforce',
    ...change,
  };
}

export const testParameters = (target: string) => ({
  tenant: 'acme',
  target,
  artifact: 'v2',
  amount: 1,
  back: { operation: 'undo', reference: 'v1' },
});

/** `version` 1: what bundles of format 1 count. */
export function testEvidence(change: Partial<CiStatement> = {}, seed: Uint8Array = CI_SEED, version: 1 | 2 = 2): Evidence {
  const statement: CiStatement = {
    tenant: 'acme',
    type: 'ci',
    resource: { type: 'thing', id: 'low' },
    operation: 'apply',
    artifactDigest: 'v2',
    conclusion: 'success',
    issuedAt: formatTime(NOON_MS - 1000),
    expiresAt: formatTime(NOON_MS + 1),
    ...(version === 1 ? {} : { blind: 'A'.repeat(43) }),
    ...change,
  };
  return signStatement(statement, seed);
}

/** The CI's word for the way back of testParameters. */
export const testWayBack = (change: Partial<CiStatement> = {}, seed: Uint8Array = CI_SEED): Evidence =>
  testEvidence({ operation: 'undo', artifactDigest: 'v1', ...change }, seed);

export function judgeInput(engine: PolicyEngine, change: Partial<Proposal> = {}, more: Partial<JudgeInput> = {}): JudgeInput {
  const ci = { issuer: 'ci', type: 'ci', publicKey: ed25519PublicKey(CI_SEED) };
  const keyid = testEvidence().keyid;
  const evidenceKey = (asked: string) => (asked === keyid ? ci : undefined);
  const evidence = more.bundle?.tables.format === 1 ? { evidence: [testEvidence({}, CI_SEED, 1)] } : {};
  return { bundle: testBundle(), proposal: testProposal({ ...evidence, ...change }), nowMs: NOON_MS, evidenceKey, engine, ...more };
}

export interface JudgeCase {
  readonly rule: string;
  readonly change?: Partial<Proposal>;
  readonly more?: Partial<JudgeInput>;
  readonly reason: string;
}

const on = (id: string): Partial<Proposal> => ({ resource: { type: 'thing', id } });
const ciKey = (change: object) => ({
  evidenceKey: () => ({ issuer: 'ci', type: 'ci', publicKey: ed25519PublicKey(CI_SEED), ...change }),
});
const parameters = (change: object): Partial<Proposal> => ({ parameters: { ...testParameters('low'), ...change } });
const without = (name: string): Partial<Proposal> => ({
  parameters: Object.fromEntries(Object.entries(testParameters('low')).filter(([member]) => member !== name)),
});
const evidence = (change: Partial<CiStatement>): Partial<Proposal> => ({ evidence: [testEvidence(change), testWayBack()] });
const withoutConnector = (change: Partial<Proposal>): Partial<JudgeInput> => {
  const proposal = testProposal(change);
  return { proposal: Object.fromEntries(Object.entries(proposal).filter(([name]) => name !== 'connector')) as unknown as Proposal };
};
const note = (change: Partial<Proposal> = {}) => withoutConnector({ class: 'note', operation: 'write', parameters: {}, ...change });

export const JUDGE_CASES: readonly JudgeCase[] = [
  { rule: 'a low-risk change with everything shown is allowed', reason: 'ALLOW_POLICY' },
  { rule: 'a permit with @approval escalates', change: on('high'), reason: 'ESCALATE_APPROVAL_REQUIRED' },
  { rule: 'a forbid denies', change: on('frozen'), reason: 'DENY_POLICY' },
  { rule: 'no permit denies', change: on('medium'), reason: 'DENY_NO_MATCH' },

  { rule: 'an unknown class is told first', change: { class: 'other', connector: 'nobody' }, reason: 'DENY_UNKNOWN_CLASS' },
  ...['__proto__', 'constructor', 'toString'].map((name) => ({
    rule: `a class named ${name} is unknown`,
    change: { class: name },
    reason: 'DENY_UNKNOWN_CLASS',
  })),

  { rule: 'an unknown connector has no contract', change: { connector: 'nobody' }, reason: 'DENY_CONTRACT' },
  { rule: 'a connector named constructor has no contract', change: { connector: 'constructor' }, reason: 'DENY_CONTRACT' },
  { rule: 'an unknown operation has no contract', change: { operation: 'destroy' }, reason: 'DENY_CONTRACT' },
  { rule: 'an operation named __proto__ has no contract', change: { operation: '__proto__' }, reason: 'DENY_CONTRACT' },
  { rule: 'another class than that of connector and operation', change: { class: 'note' }, reason: 'DENY_CONTRACT' },
  { rule: 'another contract than the pinned one', change: { contractDigest: '0'.repeat(64) }, reason: 'DENY_CONTRACT' },
  {
    rule: 'the pinned contract is the one in force',
    change: { contractDigest: testBundle().contractDigests.get('tool') ?? '' },
    reason: 'ALLOW_POLICY',
  },
  { rule: 'invalid parameters', change: parameters({ amount: 'much' }), reason: 'DENY_CONTRACT' },
  { rule: 'parameters beyond the contract', change: parameters({ force: true }), reason: 'DENY_CONTRACT' },
  { rule: 'parameters that name another target', change: parameters({ target: 'high' }), reason: 'DENY_CONTRACT' },
  { rule: 'parameters aimed at another tenant', change: parameters({ tenant: 'globex' }), reason: 'DENY_TENANT_SCOPE' },
  { rule: 'parameters that name no tenant', change: without('tenant'), reason: 'DENY_TENANT_SCOPE' },
  { rule: 'invalid parameters are told before the tenant', change: parameters({ tenant: 'globex', amount: '' }), reason: 'DENY_CONTRACT' },

  {
    rule: 'a tenant without envelope may do nothing',
    change: { tenant: 'globex', ...parameters({ tenant: 'globex' }) },
    reason: 'DENY_ENVELOPE',
  },
  {
    rule: 'a tenant named constructor has no envelope',
    change: { tenant: 'constructor', ...parameters({ tenant: 'constructor' }) },
    reason: 'DENY_ENVELOPE',
  },
  { rule: 'an operation outside the envelope', change: { operation: 'undo' }, reason: 'DENY_ENVELOPE' },
  { rule: 'a resource type outside the envelope', change: { resource: { type: 'agent', id: 'low' } }, reason: 'DENY_ENVELOPE' },
  {
    rule: 'the envelope is told before the window',
    change: { operation: 'undo' },
    more: { nowMs: NOON_MS + 3 * DAY_MS },
    reason: 'DENY_ENVELOPE',
  },

  { rule: 'a Saturday is outside the window', more: { nowMs: NOON_MS + 3 * DAY_MS }, reason: 'DENY_WINDOW' },
  { rule: 'the window ends at its end', more: { nowMs: Date.UTC(2026, 10, 25, 18) }, reason: 'DENY_WINDOW' },
  { rule: 'the window is told before evidence', change: { evidence: [] }, more: { nowMs: NOON_MS + 3 * DAY_MS }, reason: 'DENY_WINDOW' },

  { rule: 'an unlisted resource matches nothing', change: on('elsewhere'), reason: 'DENY_NO_MATCH' },
  ...['__proto__', 'constructor', 'hasOwnProperty'].map((name) => ({
    rule: `a resource named ${name} is unlisted`,
    change: on(name),
    reason: 'DENY_NO_MATCH',
  })),
  { rule: 'a type that the class has not matches nothing', change: { resource: { type: 'other', id: 'low' } }, reason: 'DENY_NO_MATCH' },
  { rule: "another tenant's resource matches nothing", change: on('private'), reason: 'DENY_NO_MATCH' },
  { rule: 'an unlisted resource is told before evidence', change: { ...on('elsewhere'), evidence: [] }, reason: 'DENY_NO_MATCH' },

  { rule: 'no evidence', change: { evidence: [] }, reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence that expires now', more: { nowMs: NOON_MS + 1 }, reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence from the future', change: evidence({ issuedAt: formatTime(NOON_MS + 60_001) }), reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence of another tenant', change: evidence({ tenant: 'globex' }), reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence for another resource', change: evidence({ resource: { type: 'thing', id: 'high' } }), reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence for another operation', change: evidence({ operation: 'undo' }), reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence for another artifact', change: evidence({ artifactDigest: 'v3' }), reason: 'DENY_MISSING_EVIDENCE' },
  {
    rule: 'evidence by an unregistered key',
    change: { evidence: [testEvidence({}, new Uint8Array(32)), testWayBack()] },
    reason: 'DENY_MISSING_EVIDENCE',
  },
  {
    rule: "evidence under another key's id",
    change: { evidence: [{ ...testEvidence({}, new Uint8Array(32)), keyid: testEvidence().keyid }, testWayBack()] },
    reason: 'DENY_MISSING_EVIDENCE',
  },
  { rule: 'evidence by the proposer', more: ciKey({ issuer: 'platform' }), reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence by an executor of the class', more: ciKey({ issuer: 'runner' }), reason: 'DENY_MISSING_EVIDENCE' },
  { rule: 'evidence by a party that is no CI', more: ciKey({ type: 'platform' }), reason: 'DENY_MISSING_EVIDENCE' },
  {
    rule: 'evidence of another payload type',
    change: { evidence: [{ ...testEvidence(), payloadType: 'application/json' }, testWayBack()] },
    reason: 'DENY_MISSING_EVIDENCE',
  },
  {
    rule: 'evidence that is not base64',
    change: { evidence: [{ ...testEvidence(), signature: '!' }, testWayBack()] },
    reason: 'DENY_MISSING_EVIDENCE',
  },
  {
    rule: 'one good statement among others suffices',
    change: { evidence: [testEvidence({ tenant: 'globex' }), testEvidence(), testWayBack()] },
    reason: 'ALLOW_POLICY',
  },

  { rule: 'no rollback path', change: without('back'), reason: 'DENY_MISSING_EVIDENCE' },
  ...[
    {},
    'undo',
    { operation: 'undo' },
    { operation: 'undo', reference: '' },
    { operation: 'destroy', reference: 'v1' },
    { operation: 'constructor', reference: 'v1' },
  ].map((back) => ({ rule: `no rollback path: ${JSON.stringify(back)}`, change: parameters({ back }), reason: 'DENY_MISSING_EVIDENCE' })),
  {
    rule: 'a rollback to what is being put in place is none',
    change: parameters({ back: { operation: 'undo', reference: 'v2' } }),
    reason: 'DENY_MISSING_EVIDENCE',
  },
  { rule: 'a fact of another type', change: parameters({ amount: 1.5 }), reason: 'DENY_MISSING_EVIDENCE' },

  { rule: 'a class without connector is judged by its tables', more: note(), reason: 'ALLOW_POLICY' },
  { rule: 'a class that needs a connector has none', more: withoutConnector({}), reason: 'DENY_CONTRACT' },
  { rule: 'a contract pinned without a connector', more: note({ contractDigest: '0'.repeat(64) }), reason: 'DENY_CONTRACT' },
  { rule: 'the class without connector has its envelope too', more: note({ operation: 'erase' }), reason: 'DENY_ENVELOPE' },
];
