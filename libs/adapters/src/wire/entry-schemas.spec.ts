import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { ENTRY_KINDS, type EntryKind } from '#domain';

import { schemasFolder } from './schemas.ts';

const folder = join(schemasFolder(), 'entries');
// strictTypes and strictRequired would forbid the conditional parts, which add to what stands beside them.
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
const validators = new Map<EntryKind, ValidateFunction>();
for (const kind of ENTRY_KINDS) {
  validators.set(kind, ajv.compile(JSON.parse(readFileSync(join(folder, `${kind}.schema.json`), 'utf8')) as object));
}

type Members = Record<string, unknown>;
const digest = 'a'.repeat(64);
const keyid = 'b'.repeat(32);
const time = '2026-01-02T03:04:05.006Z';
const key = { keyid, publicKey: `${'A'.repeat(43)}=` };
const vkey = `ledger.example/t/aa+0123abcd+${'A'.repeat(44)}`;
const control = { controlId: 'c-1', expiresAt: time };
const common = {
  origin: 'ledger.example/t/aa',
  index: '7',
  previous: digest,
  decidedAt: time,
  rules: 1,
  engine: 'cedar@4.13.0',
  bundle: digest,
  source: { kind: 'record', topic: 'controls', epoch: 0, partition: 1, offset: '12', part: 0, parts: 1 },
};
const judged = {
  issuer: 'platform',
  keyid,
  mode: 'enforce',
  actor: { kind: 'agent', id: 'bot' },
  class: 'deployment',
  connector: 'k8s',
  operation: 'apply',
  resource: { type: 'target', id: 'prod-1' },
  expiresAt: time,
  policies: ['p0'],
  ruleSet: ['two'],
  ruleSetDigest: digest,
  contractDigest: null,
};
const CONDITIONS = {
  evidence: [{ type: 'ci', issuer: 'builds', keyid, digest, usableUntil: time }],
  until: time,
  windows: [['office', 'night'], ['envelope']],
};
const UNKEYED = { decision: '3', claim: 'c-1', executor: 'deployer' };
const CLAIM = { ...UNKEYED, keyid };
const GRANT = {
  actor: { kind: 'agent', id: 'bot' },
  bindingDigest: digest,
  class: 'deployment',
  operation: 'apply',
  executeBy: time,
  resultBy: time,
  expiresAt: time,
};
const GENESIS = {
  ledger: 'ledger.example',
  vkey,
  lane: 0,
  lanes: 2,
  format: 1,
  deciderKeys: [key],
  index: '0',
  previous: '0'.repeat(64),
  bundle: null,
};

const actors = [
  { kind: 'agent', id: 'bot', actingFor: ['ana', '*'] },
  { kind: 'person', id: '*' },
];

/** Members beyond the common ones; every kind has at least one example. */
const EXAMPLES: Record<EntryKind, Members[]> = {
  genesis: [
    GENESIS,
    { ...GENESIS, adminKey: key, gatewayKey: key, ...control },
    { ...GENESIS, adminKey: key, gatewayKey: key, recoveryKey: key, ...control },
    { ...GENESIS, continues: { origin: 'ledger.example/t/aa', checkpoint: `ledger.example/t/aa\n7\n${'A'.repeat(43)}=\n` } },
  ],
  'tenant.registered': [{ registers: 'acme', lane: 1, logId: 'cc', vkey, ...control }],
  'issuer.registered': [
    { issuer: 'platform', type: 'platform', keys: [key], ...control },
    { issuer: 'ci', type: 'ci', keys: [key], agents: ['bot'], ...control },
    { issuer: 'platform', type: 'platform', keys: [key], actors, ...control },
  ],
  'issuer.revoked': [{ issuer: 'platform', ...control }],
  'key.added': [{ issuer: 'platform', key, ...control }],
  'key.revoked': [{ issuer: 'platform', revokes: keyid, ...control }],
  'key.rotated': [
    { role: 'admin', key, replaces: keyid, signedBy: 'recovery' },
    { role: 'decider', key, replaces: keyid, signedBy: 'admin', ...control },
  ],
  'log.rotated': [{ rotates: 'acme', lane: 1, logId: 'cc', vkey, ...control }],
  'log.closed': [{ successor: 'ledger.example/t/cc' }],
  'token.issued': [
    { token: 't-1', tokenHash: digest, roles: ['propose', 'read'], agents: ['bot'], validUntil: time, ...control },
    { token: 't-1', tokenHash: digest, roles: ['propose'], actors, validUntil: time, ...control },
  ],
  'token.revoked': [{ token: 't-1', ...control }],
  'bundle.activated': [
    { activated: digest, bundleName: 'standard', ...control },
    { activated: digest, bundleName: 'standard', bundle: null },
  ],
  'freeze.raised': [
    { freeze: 'f-1', level: 'freeze', scope: { kind: 'all' }, by: 'ana', ...control },
    { freeze: 'f-1', level: 'stop', scope: { kind: 'tenant', value: 'acme' }, by: 'ana', until: time },
  ],
  'freeze.lifted': [
    { lifts: 'f-1', by: 'ben', ...control },
    { lifts: 'f-1', by: 'ben' },
  ],
  'action.decided': [
    { ...judged, verdict: 'ALLOW', reasons: ['ALLOW_POLICY'], bindingDigest: digest, permit: { executors: ['deployer'], executeBy: time } },
    {
      ...judged,
      verdict: 'ESCALATE',
      reasons: ['ESCALATE_CUMULATIVE'],
      exceeded: ['refunds'],
      counted: ['refunds'],
      bindingDigest: digest,
      approvalDeadline: time,
    },
    { ...judged, verdict: 'DENY', reasons: ['DENY_CONTRACT'] },
    { ...judged, verdict: 'DENY', reasons: ['DENY_FROZEN'], freeze: 'f-1' },
    { ...judged, verdict: 'DENY', reasons: ['DENY_CUMULATIVE'], exceeded: ['refunds'] },
    { ...judged, mode: 'shadow', verdict: 'WOULD_ESCALATE', reasons: ['ESCALATE_APPROVAL_REQUIRED'] },
    { ...judged, issuer: 'gateway', token: 't-1', verdict: 'DENY', reasons: ['DENY_ACTOR'], detail: 'actor' },
    { ...judged, actor: { kind: 'agent', id: 'bot', listedAs: '*' }, verdict: 'DENY', reasons: ['DENY_NO_MATCH'] },
    { issuer: 'platform', keyid, verdict: 'DENY', reasons: ['DENY_MALFORMED'], detail: 'actor-kind' },
    { issuer: 'platform', keyid, verdict: 'DENY', reasons: ['DENY_CONFLICT'], detail: 'conflict', first: '3' },
    { issuer: 'platform', keyid, verdict: 'DENY', reasons: ['DENY_LIMIT'], detail: 'ids', issuedAt: time },
    { ...judged, verdict: 'DENY', reasons: ['DENY_CONTRACT'], askedAt: time },
    {
      ...judged,
      verdict: 'ALLOW',
      reasons: ['ALLOW_POLICY'],
      conditions: CONDITIONS,
      bindingDigest: digest,
      permit: { executors: ['deployer'], executeBy: time },
    },
  ],
  'action.repeated': [
    { first: '3', issuer: 'platform', keyid },
    { first: '3', issuer: 'platform', keyid, askedAt: time },
    { first: '3', issuer: 'gateway', token: 't-1', keyid },
  ],
  'escalation.settled': [
    { settles: '3', outcome: 'EXPIRED_NO_DECISION', deadline: time, issuer: 'platform', source: { kind: 'tick', part: 0, parts: 1 } },
    { settles: '3', outcome: 'CANCELLED_ERASED', deadline: time, issuer: 'platform' },
    { settles: '3', outcome: 'DENY_MISSING_EVIDENCE', deadline: time, issuer: 'platform' },
    { settles: '3', outcome: 'DENY_WINDOW', deadline: time, issuer: 'platform' },
    { settles: '3', outcome: 'CANCELLED_REVOKED', deadline: time, issuer: 'gateway', keyid, token: 't-1' },
  ],
  'approval.recorded': [{ decision: '3', bindingDigest: digest, vote: 'approve', by: 'ana', ...control }],
  'claim.granted': [
    { ...CLAIM, ...GRANT },
    { ...CLAIM, ...GRANT, obligations: ['healthcheck', 'state-hash'], rollback: 'rollback', revert: 'inverse' },
  ],
  'claim.refused': [
    { ...CLAIM, reasons: ['CLAIM_TAKEN'], first: '9', expiresAt: time },
    { ...CLAIM, reasons: ['CLAIM_LIMIT'] },
    { ...CLAIM, reasons: ['CLAIM_EVIDENCE'], expiresAt: time },
    { ...CLAIM, reasons: ['CLAIM_WINDOW'], expiresAt: time },
    { ...CLAIM, reasons: ['CLAIM_LIMIT'], issuedAt: time },
  ],
  'outcome.recorded': [
    {
      ...CLAIM,
      outcome: 'result',
      status: 'succeeded',
      late: false,
      before: digest,
      after: digest,
      revert: 'none',
      evidence: [{ type: 'log', digest }],
    },
    { ...CLAIM, outcome: 'healthcheck', status: 'failed', late: true, awaits: 'rollback', until: time },
  ],
  'effect.closed': [{ ...UNKEYED, by: 'ana', ...control, rules: 2 }],
  'effect.uncertain': [
    { ...UNKEYED, awaited: 'result', deadline: time, source: { kind: 'tick', part: 0, parts: 1 } },
    { ...UNKEYED, awaited: 'result', deadline: time, cause: 'EXECUTOR_REVOKED' },
  ],
  'rollback.granted': [{ ...UNKEYED, operation: 'rollback', resultBy: time }],
  'input.refused': [
    { code: 'REFUSED_ENCODING', detail: 'not-an-envelope', length: 3, bytesMac: digest },
    { code: 'REFUSED_BODY', detail: 'unknown-issuer', length: 300, issuer: 'admin', keyid },
    { code: 'REFUSED_BODY', detail: 'repeated', length: 300, issuer: 'admin', keyid, recordId: 'c-1', expiresAt: time },
    { code: 'REFUSED_BODY', detail: 'not-awaited', length: 300, issuer: 'runner', keyid, issuedAt: time },
  ],
  'input.erased': [{ erases: ['3', '10'], ...control }],
  'input.gap': [{ topic: 'actions', from: '3', to: '9', newEpoch: 1, ...control }],
  'time.corrected': [
    { lane: 0, laneTime: '2026-12-01T12:00:00.000Z', ...control },
    { lane: 0, laneTime: '2026-12-01T12:00:00.000Z' },
  ],
};
const statementOf = (kind: EntryKind, members: Members, name: string = kind) => ({
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: `urn:countersign:${kind}:v1`,
  predicate: { ...common, ...members },
  subject: [{ name, digest: { sha256: digest } }],
});
const valid = (kind: EntryKind, statement: object) => {
  const validate = validators.get(kind);
  const ok = validate?.(statement) === true;
  return ok ? 'valid' : ajv.errorsText(validate?.errors);
};
const cases = ENTRY_KINDS.flatMap((kind) => EXAMPLES[kind].map((members, at) => ({ kind, members, at })));

describe('schemas/entries', () => {
  it('has one schema for each kind that is written, and no other', () => {
    expect(readdirSync(folder).sort()).toStrictEqual(ENTRY_KINDS.map((kind) => `${kind}.schema.json`).sort());
  });

  it.each(cases)('$kind: example $at is valid', ({ kind, members }) => {
    expect(valid(kind, statementOf(kind, members))).toBe('valid');
  });

  it.each(cases)('$kind: example $at with one member too many, anywhere, is not', ({ kind, members }) => {
    const statement = statementOf(kind, members);
    expect(valid(kind, { ...statement, extra: 1 })).not.toBe('valid');
    expect(valid(kind, statementOf(kind, { ...members, extra: 1 }))).not.toBe('valid');
    expect(
      valid(kind, statementOf(kind, { ...members, source: { ...common.source, ...(members['source'] as object), extra: 1 } })),
    ).not.toBe('valid');
    expect(valid(kind, { ...statement, subject: [...statement.subject, ...statement.subject] })).not.toBe('valid');
  });

  it.each(cases)('$kind: example $at without a common member is not', ({ kind, members }) => {
    for (const member of Object.keys(common)) {
      const statement = statementOf(kind, members);
      Reflect.deleteProperty(statement.predicate, member);
      expect(valid(kind, statement), member).not.toBe('valid');
    }
  });

  it('is not valid under another kind’s schema', () => {
    for (const { kind, members } of cases) {
      for (const other of ENTRY_KINDS) if (other !== kind) expect(valid(other, statementOf(kind, members))).not.toBe('valid');
    }
  });

  it('only an enforced ALLOW has a permit, and always', () => {
    const [allow, escalate, deny, , shadow] = EXAMPLES['action.decided'];
    const permit = allow?.['permit'];
    expect(valid('action.decided', statementOf('action.decided', { ...allow, permit: undefined }))).not.toBe('valid');
    for (const other of [escalate, deny, shadow, { ...shadow, verdict: 'WOULD_ALLOW' }]) {
      expect(valid('action.decided', statementOf('action.decided', { ...other, permit }))).not.toBe('valid');
    }
    expect(valid('action.decided', statementOf('action.decided', { ...shadow, verdict: 'ALLOW' }))).not.toBe('valid');
  });

  it('names an action by its id', () => {
    const [decided = {}] = EXAMPLES['action.decided'];
    expect(valid('action.decided', statementOf('action.decided', decided, 'deploy/7'))).toBe('valid');
    expect(valid('action.decided', statementOf('action.decided', decided, 'a b'))).not.toBe('valid');
    expect(valid('input.gap', statementOf('input.gap', EXAMPLES['input.gap'][0] ?? {}, 'deploy/7'))).not.toBe('valid');
  });
});
