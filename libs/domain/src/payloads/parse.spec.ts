import { ed25519PublicKey } from '#crypto';
import { describe, expect, it } from 'vitest';

import { base64, base64url } from '../formats/bytes.ts';
import { parseCanonical, type Json } from '../formats/canonical-json.ts';
import { keyIdOf } from '../formats/keys.ts';
import { originOf } from '../formats/log-key.ts';
import { formatVkey } from '../formats/vkey.ts';
import { sealEnvelope } from './envelope.ts';
import { kindOf, NESTING_MAX, PAYLOAD_KINDS, type PayloadKind, payloadTypeOf } from './kinds.ts';
import { isKindOf, parsePayload } from './parse.ts';

const seed = new Uint8Array(32).fill(1);
const key = { keyid: keyIdOf(ed25519PublicKey(seed)), publicKey: base64(ed25519PublicKey(seed)) };
const ledger = 'ledger.example';
const vkey = (logId: string) => formatVkey(originOf(ledger, logId), ed25519PublicKey(seed));
const rules1Head = {
  ledger,
  tenant: 'acme',
  issuer: 'platform',
  keyid: key.keyid,
  id: 'a-1',
  issuedAt: '2026-01-02T03:04:05.000Z',
  expiresAt: '2026-01-02T03:09:05.000Z',
  blind: base64url(new Uint8Array(32).fill(7)),
};
const birth = 'b'.repeat(64);
const head = { ...rules1Head, birth };
/** The birth itself is bound to nothing. */
const headOf = (kind: PayloadKind) => (kind === 'ledger.initialised' ? rules1Head : head);
const evidence = {
  type: 'ci',
  payloadType: 'application/json',
  payload: base64(new Uint8Array(9)),
  keyid: key.keyid,
  signature: base64(new Uint8Array(64)),
};

type Members = Record<string, Json>;
const bot = { kind: 'agent', id: 'bot', actingFor: ['ana', '*'] };
const people = (count: number) => ({ kind: 'agent', id: 'of-many', actingFor: Array.from({ length: count }, (_, n) => `q${n}`) });
const BODIES: Record<PayloadKind, Members> = {
  'action.proposed': {
    actor: { kind: 'agent', id: 'bot', actingFor: 'ana', model: { vendor: 'v', name: 'n' } },
    class: 'deployment',
    connector: 'k8s',
    contractDigest: 'a'.repeat(64),
    operation: 'apply',
    parameters: { ratio: 0.5 },
    resource: { type: 'target', id: 'prod-1' },
    evidence: [evidence],
    justification: 'because',
    impact: { users: 3 },
    mode: 'enforce',
    askedAt: '2026-01-02T03:04:05.000Z',
  },
  'approval.recorded': { decision: '7', bindingDigest: 'a'.repeat(64), vote: 'approve', by: 'ana' },
  'claim.requested': { decision: '7', receipt: 'c2sp.org/tlog-proof@v1\n' },
  'outcome.reported': {
    decision: '7',
    claim: 'c-1',
    kind: 'result',
    status: 'succeeded',
    before: 'a'.repeat(64),
    after: 'b'.repeat(64),
    evidence: [{ type: 'log', digest: 'c'.repeat(64) }],
  },
  'input.erased': { action: 'a-1', indexes: ['3', '10'], why: 'asked by the customer' },
  'ledger.initialised': {
    format: 1,
    rules: 1,
    name: ledger,
    lanes: 2,
    adminKey: key,
    gatewayKey: key,
    deciderKey: key,
    systemLogs: [
      { lane: 0, logId: 'aa', vkey: vkey('aa') },
      { lane: 1, logId: 'bb', vkey: vkey('bb') },
    ],
  },
  'tenant.registered': { registers: 'acme', lane: 1, logId: 'cc', vkey: vkey('cc') },
  'issuer.registered': { registers: 'platform', type: 'platform', keys: [key], actors: [bot, { kind: 'person', id: '*' }] },
  'issuer.revoked': { revokes: 'platform' },
  'key.added': { holder: 'platform', adds: key },
  'key.revoked': { holder: 'platform', revokes: key.keyid },
  'log.rotated': { rotates: '_system.1', lane: 1, logId: 'dd', vkey: vkey('dd') },
  'key.rotated': { role: 'decider', key, possession: base64(new Uint8Array(64)), handover: base64(new Uint8Array(64)) },
  'token.issued': { token: 't-1', tokenHash: 'b'.repeat(64), roles: ['propose', 'read'], actors: [bot], validUntil: head.expiresAt },
  'token.revoked': { revokes: 't-1' },
  'bundle.activated': { bundle: { format: 1, name: 'b' } },
  'freeze.raised': { level: 'stop', scope: { kind: 'class', value: 'deployment' }, why: 'w', by: 'ana', until: head.expiresAt },
  'freeze.lifted': { lifts: 'f-1', by: 'ben', why: 'w' },
  'effect.closed': { decision: '7', by: 'ana', why: 'looked at the database' },
  'input.gap': { topic: 'actions', lane: 0, from: '3', to: '9', epoch: 1 },
  'time.corrected': { lane: 0, laneTime: '2026-12-01T12:00:00.000Z' },
};
const kinds = Object.keys(PAYLOAD_KINDS) as PayloadKind[];
const detailOf = (kind: PayloadKind, change: Members): string => {
  const parsed = parsePayload(kind, { ...headOf(kind), ...BODIES[kind], ...change });
  return parsed.ok ? 'ok' : parsed.detail;
};

describe('parsePayload', () => {
  it.each(kinds)('%s: takes a whole payload and keeps it', (kind) => {
    const payload = { ...headOf(kind), ...BODIES[kind] };
    const parsed = parsePayload(kind, payload);
    expect(parsed).toStrictEqual({ ok: true, value: payload });
  });

  it.each(kinds.filter((kind) => isKindOf(1, kind)))('%s: is what it was under rules 1, without a birth', (kind) => {
    const { askedAt, actors, ...rest } = BODIES[kind];
    const body = actors === undefined ? rest : { ...rest, agents: ['bot'] };
    expect(parsePayload(kind, { ...rules1Head, ...body }, 1)).toStrictEqual({ ok: true, value: { ...rules1Head, ...body } });
    if (kind === 'ledger.initialised') return;
    expect(parsePayload(kind, { ...head, ...body }, 1)).toStrictEqual({ ok: false, detail: 'unknown-member' });
    expect(parsePayload(kind, { ...rules1Head, ...BODIES[kind] }, 2)).toStrictEqual({ ok: false, detail: 'birth' });
  });

  it.each(kinds)('%s: refuses an unknown member, a missing member, and what is no object', (kind) => {
    expect(detailOf(kind, { extra: 1 })).toBe('unknown-member');
    for (const member of Object.keys(headOf(kind))) {
      const payload: Members = { ...headOf(kind), ...BODIES[kind] };
      Reflect.deleteProperty(payload, member);
      expect(parsePayload(kind, payload).ok).toBe(false);
    }
    for (const json of [null, [], 'x', 1, true]) expect(parsePayload(kind, json).ok).toBe(false);
  });

  it('names the member that is wrong, never what the sender wrote', () => {
    expect(detailOf('action.proposed', { actor: { kind: 'robot', id: 'bot' } })).toBe('actor-kind');
    expect(detailOf('action.proposed', { actor: { kind: 'agent', id: 'bot', secret: 1 } })).toBe('actor-unknown-member');
    expect(detailOf('action.proposed', { evidence: [{ ...evidence, keyid: 'x' }] })).toBe('evidence-keyid');
    expect(detailOf('action.proposed', { contractDigest: 'x' })).toBe('contract-digest');
  });

  it.each([
    ['id', { id: 'a b' }],
    ['id', { id: '' }],
    ['id', { id: 'x'.repeat(129) }],
    ['id', { id: 'a\0' }],
    ['id', { id: 5 }],
    ['issued-at', { issuedAt: '2026-01-02T03:04:05Z' }],
    ['expires-at', { expiresAt: '2026-02-30T03:04:05.000Z' }],
    ['blind', { blind: 'A'.repeat(42) + 'B' }],
    ['blind', { blind: 'A'.repeat(44) }],
    ['keyid', { keyid: 'A'.repeat(32) }],
    ['parameters', { parameters: [] }],
    ['parameters', { parameters: null }],
    ['justification', { justification: 'x'.repeat(4097) }],
    ['evidence', { evidence: Array.from({ length: 9 }, () => evidence) }],
    ['evidence-payload', { evidence: [{ ...evidence, payload: 'AB==' }] }],
    ['impact', { impact: { ratio: 0.5 } }],
    ['impact', { impact: { deep: [{ n: 2 ** 53 }] } }],
    ['mode', { mode: 'test' }],
  ] as [string, Members][])('action.proposed: refuses a wrong %s', (detail, change) => {
    expect(detailOf('action.proposed', change)).toBe(detail);
  });

  it.each([
    ['registers', 'issuer.registered', { registers: 'admin' }],
    ['registers', 'issuer.registered', { registers: 'gateway' }],
    ['keys', 'issuer.registered', { keys: [] }],
    ['keys', 'issuer.registered', { keys: [key, key] }],
    ['keys', 'issuer.registered', { keys: [{ ...key, keyid: '0'.repeat(32) }] }],
    ['keys', 'issuer.registered', { keys: [{ keyid: key.keyid, publicKey: base64(Uint8Array.of(1, ...new Uint8Array(31))) }] }],
    ['actors', 'issuer.registered', { actors: Array.from({ length: 33 }, (_, n) => ({ kind: 'agent', id: `a${n}` })) }],
    ['actors', 'issuer.registered', { actors: [bot, { kind: 'agent', id: 'bot' }] }],
    ['actors', 'issuer.registered', { actors: [{ ...bot, actingFor: Array.from({ length: 16 }, (_, n) => `p${n}`) }, people(17)] }],
    ['actors', 'issuer.registered', { type: 'executor' }],
    ['actors-id', 'issuer.registered', { actors: [{ kind: 'agent', id: 'bot*' }] }],
    ['actors-kind', 'issuer.registered', { actors: [{ kind: '*', id: 'bot' }] }],
    ['actors-acting-for', 'issuer.registered', { actors: [{ ...bot, actingFor: [] }] }],
    ['actors-acting-for', 'token.issued', { actors: [{ ...bot, actingFor: ['ana', 'ana'] }] }],
    ['actors', 'token.issued', { roles: ['read'] }],
    ['unknown-member', 'token.issued', { agents: ['bot'] }],
    ['token', 'action.proposed', { token: 't-1' }],
    ['token', 'action.proposed', { issuer: 'gateway' }],
    ['roles', 'token.issued', { roles: ['propose', 'write'] }],
    ['roles', 'token.issued', { roles: ['propose', 'propose'] }],
    ['actors', 'token.issued', { roles: [] }],
    ['token-hash', 'token.issued', { tokenHash: 'B'.repeat(64) }],
    ['registers', 'tenant.registered', { registers: '_system' }],
    ['body', 'tenant.registered', { logId: 'dd' }],
    ['body', 'ledger.initialised', { lanes: 3 }],
    ['body', 'ledger.initialised', { ledger: 'other.example' }],
    ['bundle', 'bundle.activated', { bundle: { n: 0.5 } }],
    ['from', 'input.gap', { from: '03' }],
    ['indexes', 'input.erased', { indexes: [] }],
    ['indexes', 'input.erased', { indexes: ['10', '3'] }],
    ['indexes', 'input.erased', { indexes: ['3', '3'] }],
    ['indexes', 'input.erased', { indexes: Array.from({ length: 65 }, (_, at) => String(at)) }],
    ['why', 'input.erased', { why: '' }],
    ['epoch', 'input.gap', { epoch: -1 }],
  ] as [string, PayloadKind, Members][])('refuses a wrong %s in %s', (detail, kind, change) => {
    expect(detailOf(kind, change)).toBe(detail);
  });

  it('lets only parameters hold fractions', () => {
    expect(detailOf('action.proposed', { parameters: { ratio: 1e300, deep: [{ n: -0.25 }] } })).toBe('ok');
  });

  it('reads a proposal without a mode as enforce', () => {
    const payload: Members = { ...head, ...BODIES['action.proposed'] };
    Reflect.deleteProperty(payload, 'mode');
    expect(parsePayload('action.proposed', payload)).toMatchObject({ ok: true, value: { mode: 'enforce' } });
  });

  it('takes the token of a proposal that the gateway signs', () => {
    expect(detailOf('action.proposed', { issuer: 'gateway', token: 't-1' })).toBe('ok');
    expect(detailOf('issuer.registered', { actors: [{ ...bot, actingFor: ['a'] }, people(31)] })).toBe('ok');
  });

  it('keeps __proto__ out', () => {
    const hostile = JSON.parse('{"__proto__":{"kind":"agent","id":"bot"}}') as Members;
    expect(parsePayload('action.proposed', { ...head, ...BODIES['action.proposed'], actor: hostile }).ok).toBe(false);
  });
});

describe('kinds', () => {
  it.each(kinds)('%s and its payload type are inverse', (kind) => {
    expect(kindOf(payloadTypeOf(kind))).toBe(kind);
  });

  it('no other payload type is one', () => {
    for (const text of ['', 'action.proposed', 'application/vnd.countersign.constructor+json;v=1', `${payloadTypeOf('input.gap')} `]) {
      expect(kindOf(text)).toBeUndefined();
    }
  });
});

describe('sealEnvelope', () => {
  const times = { issuedAtMs: Date.parse(head.issuedAt), expiresAtMs: Date.parse(head.expiresAt), blind: new Uint8Array(32).fill(7) };
  const seal = (kind: PayloadKind, body: object = BODIES[kind]) =>
    sealEnvelope({ kind, body, head: { ...headFor(kind), ...times }, seed, lane: 1 });
  const headFor = (kind: PayloadKind) => ({
    ledger,
    tenant: 'acme',
    issuer: 'platform',
    id: 'a-1',
    ...(kind === 'ledger.initialised' ? {} : { birth }),
  });

  it.each(kinds)('%s: makes canonical bytes that parse to head and body', (kind) => {
    const json = parseCanonical(seal(kind).payload, { maxDepth: NESTING_MAX });
    expect(json).toStrictEqual({ ...headOf(kind), ...BODIES[kind] });
    expect(parsePayload(kind, json).ok).toBe(true);
  });

  it('takes the head from the caller, not from the body', () => {
    const json = parseCanonical(seal('issuer.revoked', { revokes: 'x', tenant: 'other', keyid: 'f' }).payload, { maxDepth: 2 });
    expect(json).toMatchObject({ tenant: 'acme', keyid: key.keyid });
  });

  it('refuses a payload that is too large or too deep, and a short blind', () => {
    expect(() => seal('issuer.revoked', { revokes: 'x'.repeat(128 * 1024) })).toThrow(RangeError);
    let deep: Json = {};
    for (let level = 0; level < NESTING_MAX; level++) deep = { deep };
    expect(() => seal('action.proposed', { parameters: deep })).toThrow(/nested/);
    const short = { ledger, tenant: 'acme', issuer: 'p', id: 'a', ...times, blind: new Uint8Array(31) };
    expect(() => sealEnvelope({ kind: 'issuer.revoked', body: {}, head: short, seed, lane: 0 })).toThrow(RangeError);
  });
});
