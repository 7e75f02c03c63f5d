import { Ajv2020 } from 'ajv/dist/2020.js';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import {
  base64url,
  decide,
  emptyLane,
  type Entry,
  evolve,
  formatTime,
  type Input,
  type InputTopic,
  sealEnvelope,
  signStatement,
} from '#domain';

import { loadBundleFolder } from '../bundle/load-folder.ts';
import { CedarEngine } from '../cedar/engine.ts';
import { publicKeyOf } from '../home/create-ledger.ts';
import { Home } from '../home/home.ts';
import { codecs, wire } from '../wire/codec.ts';
import { schemasFolder } from '../wire/schemas.ts';
import * as controls from './controls.ts';
import * as rotations from './rotations.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-decided-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const START_MS = Date.now();
const home = Home.create(join(folder, 'data'), { name: 'ledger.example', lanes: 1, topicPrefix: '', nowMs: START_MS });
const state = emptyLane(home.birth(), 0);
const engine = new CedarEngine();
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
const schemas = new Map<string, ReturnType<typeof ajv.compile>>();
const offsets: Record<InputTopic, bigint> = { actions: 0n, outcomes: 0n, controls: 0n };

/** Through the decider's own core; each entry is checked against its schema. */
function run(input: Input, nowMs = Date.now()): Entry[] {
  const { entries, facts } = decide(state, input, { nowMs, engine, wire, birth: home.birth() });
  for (const entry of entries) {
    const validate =
      schemas.get(entry.kind) ??
      ajv.compile(JSON.parse(readFileSync(join(schemasFolder(), 'entries', `${entry.kind}.schema.json`), 'utf8')) as object);
    schemas.set(entry.kind, validate);
    const text = Buffer.from(entry.bytes).toString();
    expect(validate(JSON.parse(text)), `${text}\n${ajv.errorsText(validate.errors)}`).toBe(true);
    evolve(state, entry, facts);
  }
  return [...entries];
}
const give = (topic: InputTopic, value: Uint8Array | null): Entry[] =>
  run({ kind: 'record', topic, offset: offsets[topic]++, value, inputKey: new Uint8Array(32).fill(1) });
const control = (record: controls.ControlRecord) => give('controls', record.value).map((entry) => entry.kind);

const action = {
  actor: { kind: 'agent', id: 'bot' },
  class: 'record.write',
  connector: 'crm',
  operation: 'update-record',
  parameters: { tenantId: 'acme', recordType: 'customer', recordId: '7', fields: { note: 'x', ratio: 0.5 } },
  resource: { type: 'record', id: 'customer' },
};
function propose(id: string, body: object): string[] {
  const issuedAtMs = Date.now();
  const head = {
    ...home.bound(),
    tenant: 'acme',
    issuer: 'platform',
    id,
    issuedAtMs,
    expiresAtMs: issuedAtMs + 60_000,
    blind: new Uint8Array(32),
  };
  const envelope = sealEnvelope({ kind: 'action.proposed', body, head, seed: home.key('platform-acme'), lane: 0 });
  const [entry] = give('actions', codecs.signedEnvelope.encode(envelope));
  return [
    entry?.kind ?? '',
    ...((entry?.statement.predicate['reasons'] ?? []) as string[]),
    (entry?.statement.predicate['detail'] ?? '') as string,
  ];
}

const bot = { kind: 'agent', id: 'bot' } as const;

/** A party whose key this home holds. */
function ownIssuer(party: Omit<controls.IssuerOptions, 'publicKeys'>): controls.ControlRecord {
  const seed = home.createKey(`${party.issuer}-${party.tenant}`);
  return controls.registerIssuer(home, { ...party, publicKeys: [publicKeyOf(seed)] });
}

describe('what this home signs', () => {
  it('is accepted from the birth on, and every entry fits its schema', () => {
    expect(controls.initialisedEnvelopes(home).flatMap(control)).toStrictEqual(['genesis']);
    expect(control(controls.registerTenant(home, 'acme'))).toStrictEqual(['tenant.registered', 'genesis']);
    expect(control(ownIssuer({ tenant: 'acme', issuer: 'platform', type: 'platform', actors: [bot] }))).toStrictEqual([
      'issuer.registered',
    ]);
    expect(control(ownIssuer({ tenant: 'acme', issuer: 'ci', type: 'ci' }))).toStrictEqual(['issuer.registered']);
    const [further, old] = [publicKeyOf(home.createKey('ci-acme.next')), publicKeyOf(home.createKey('ci-acme'))];
    expect(control(controls.addIssuerKey(home, 'acme', 'ci', further))).toStrictEqual(['key.added']);
    expect(control(controls.revokeIssuerKey(home, 'acme', 'ci', old.keyid))).toStrictEqual(['key.revoked']);
    const token = controls.issueToken(home, { tenant: 'acme', roles: ['propose', 'read'], actors: [bot], validUntilMs: START_MS + 1e9 });
    expect(control(token.envelope)).toStrictEqual(['token.issued']);
    const bundle = loadBundleFolder(join(schemasFolder(), '..', 'policies', 'standard'));
    expect(controls.activateBundle(home, bundle).flatMap(control)).toStrictEqual(['bundle.activated', 'bundle.activated']);
    const scope = { kind: 'agent', value: 'bot-9' } as const;
    const raised = controls.raiseFreeze(home, { level: 'stop', scope, why: 'incident 7', by: 'ana', untilMs: START_MS + 1e9 });
    expect(raised.flatMap(control)).toStrictEqual(['freeze.raised', 'freeze.raised']);
    const lifts = raised[0]?.id ?? '';
    expect(controls.liftFreeze(home, lifts, { by: 'ana', why: 'over' }).flatMap(control)).toStrictEqual(['input.refused']);
    expect(controls.liftFreeze(home, lifts, { by: 'ben', why: 'over' }).flatMap(control)).toStrictEqual(['freeze.lifted', 'freeze.lifted']);
    expect(control(controls.revokeToken(home, 'acme', token.tokenId))).toStrictEqual(['token.revoked']);
    expect(control(controls.revokeIssuer(home, 'acme', 'ci'))).toStrictEqual(['issuer.revoked']);
    expect(control(controls.revokeIssuer(home, 'acme', 'nobody'))).toStrictEqual(['input.refused']);
    for (const role of ['decider', 'gateway', 'admin'] as const) {
      expect(rotations.rotateKey(home, rotations.offerOf(home, role)).flatMap(control)).toStrictEqual(['key.rotated', 'key.rotated']);
      expect(home.promoteKey(role)).toBe(true);
    }
    expect(control(rotations.rotateLog(home, 'acme'))).toStrictEqual(['log.rotated', 'log.closed', 'genesis']);
    expect(control(rotations.rotateLog(home, '_system.0'))).toStrictEqual(['log.rotated', 'log.closed', 'genesis']);
    offsets.actions = 5n;
    expect(control(controls.declareGap(home, { topic: 'actions', lane: 0, from: 0n, to: 5n, epoch: 0 }))).toStrictEqual(['input.gap']);
  }, 60_000); // checking a bundle runs its Cedar analysis: seconds on a busy machine

  it('proposals and what is wrong with them are decided or refused, and every entry fits its schema', () => {
    expect(propose('a-1', action)[0]).toBe('action.decided');
    expect(propose('a-1', action)).toStrictEqual(['action.repeated', '']);
    expect(propose('a-1', { ...action, justification: 'other' })).toStrictEqual(['action.decided', 'DENY_CONFLICT', 'conflict']);
    expect(propose('a-2', { ...action, class: 'nothing' })).toContain('DENY_UNKNOWN_CLASS');
    expect(propose('a-3', { ...action, mode: 'shadow' })[0]).toBe('action.decided');
    expect(propose('a-4', { ...action, actor: { kind: 'robot', id: 'bot' } })).toStrictEqual([
      'action.decided',
      'DENY_MALFORMED',
      'actor-kind',
    ]);
    expect(propose('a b', action)).toStrictEqual(['action.decided', 'DENY_MALFORMED', 'id']);
    for (const hostile of [
      null,
      new Uint8Array(),
      Buffer.from('hello'),
      codecs.inputKey.encode({ origin: 'o', leafIndex: 1, key: new Uint8Array(32) }),
    ]) {
      expect(give('actions', hostile).map((entry) => entry.kind)).toStrictEqual(['input.refused']);
    }
    expect(give('outcomes', Buffer.from('x')).map((entry) => entry.kind)).toStrictEqual(['input.refused']);
  });

  it('a production deploy waits for people, the sandbox goes, and time settles what nobody answers', () => {
    control(ownIssuer({ tenant: 'acme', issuer: 'builds', type: 'ci' }));
    expect(propose('d-1', deploy('checkout'))).toContain('ESCALATE_APPROVAL_REQUIRED');
    expect(propose('d-2', deploy('checkout-sandbox'))[1]).toMatch(/^ALLOW/);
    expect(propose('d-3', { ...deploy('checkout'), mode: 'shadow' })).toContain('ESCALATE_APPROVAL_REQUIRED');
    const [open] = state.due.open;
    expect(run({ kind: 'tick' }, open?.deadlineMs).map((entry) => entry.kind)).toStrictEqual(['escalation.settled']);
  });
});

function deploy(service: string): object {
  const artifactDigest = `sha256:${'a'.repeat(64)}`;
  const resource = { type: 'service', id: service };
  const times = { issuedAt: formatTime(START_MS), expiresAt: formatTime(START_MS + 3_600_000) };
  const back = { operation: 'rollback', reference: `sha256:${'b'.repeat(64)}` };
  const stated = (operation: string, of: string) => {
    const passed = { tenant: 'acme', type: 'ci', resource, operation, artifactDigest: of, conclusion: 'success' } as const;
    return signStatement({ ...passed, ...times, blind: base64url(randomBytes(32)), birth: home.bound().birth }, home.key('builds-acme'));
  };
  return {
    actor: { kind: 'agent', id: 'bot' },
    class: 'deployment.change',
    connector: 'deploy',
    operation: 'deploy',
    resource,
    parameters: { service, artifactDigest, rollback: back },
    evidence: [stated('deploy', artifactDigest), stated(back.operation, back.reference)],
  };
}
