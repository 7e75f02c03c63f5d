import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ed25519PublicKey, ed25519Verify } from '#crypto';
import {
  type Json,
  kindOf,
  laneOf,
  NESTING_MAX,
  originOf,
  pae,
  parseCanonical,
  parsePayload,
  payloadDigest,
  tenantSeed,
  formatVkey,
} from '#domain';

import { publicKeyOf } from '../home/create-ledger.ts';
import { Home } from '../home/home.ts';
import { wire } from '../wire/codec.ts';
import * as controls from './controls.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-controls-'));
let home: Home;
beforeAll(() => {
  home = Home.create(join(folder, 'data'), { name: 'ledger.example', lanes: 3, topicPrefix: '', nowMs: Date.now() });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Everything the decider checks before the body. */
function open(record: controls.ControlRecord): Record<string, Json> {
  const envelope = wire.decodeEnvelope(record.value);
  if (envelope === undefined) throw new Error('not an envelope');
  const payload = parseCanonical(envelope.payload, { maxDepth: NESTING_MAX }) as Record<string, Json>;
  const kind = kindOf(envelope.payloadType);
  if (kind === undefined) throw new Error('unknown kind');
  expect(parsePayload(kind, payload)).toMatchObject({ ok: true });
  expect(ed25519Verify(home.birth().admin.publicKey, pae(envelope.payloadType, envelope.payload), envelope.signature)).toBe(true);
  expect(envelope).toMatchObject({ lane: record.lane, tenant: payload['tenant'], keyid: payload['keyid'] });
  expect(Buffer.from(record.key).toString()).toBe(envelope.tenant);
  expect(payload).toMatchObject({ ledger: 'ledger.example', issuer: 'admin', id: record.id });
  return payload;
}
const lane = () => laneOf('acme', 3);

describe('a control', () => {
  it('ledger.initialised is the pinned payload on every lane, the same bytes each time', () => {
    const records = controls.initialisedEnvelopes(home);
    expect(records.map((record) => record.lane)).toStrictEqual([0, 1, 2]);
    for (const record of records) {
      expect(payloadDigest(wire.decodeEnvelope(record.value)?.payload ?? new Uint8Array())).toBe(home.config.initialised.sha256);
      expect(open(record)).toMatchObject({ tenant: '_system', lanes: 3 });
    }
    expect(controls.initialisedEnvelopes(home)).toStrictEqual(records);
  });

  it('tenant.registered is on the tenant’s lane, with a vkey from the ledger seed under a random log id', () => {
    const record = controls.registerTenant(home, 'acme');
    const payload = open(record);
    expect(record.lane).toBe(lane());
    expect(payload).toMatchObject({ tenant: '_system', registers: 'acme', lane: lane() });
    const origin = originOf('ledger.example', payload['logId'] as string);
    expect(payload['vkey']).toBe(formatVkey(origin, ed25519PublicKey(tenantSeed(home.key('ledger'), origin))));
    expect(open(controls.registerTenant(home, 'acme'))['logId']).not.toBe(payload['logId']);
  });

  it('issuer.registered names the keys of a party, and of a platform what it may say of actors', () => {
    const bot = { kind: 'agent', id: 'bot', actingFor: ['ana'] } as const;
    const party = { tenant: 'acme', issuer: 'platform', type: 'platform' as const, publicKeys: [publicKeyOf(home.key('gateway'))] };
    const record = controls.registerIssuer(home, { ...party, actors: [bot] });
    expect(open(record)).toMatchObject({ tenant: 'acme', registers: 'platform', keys: party.publicKeys, actors: [bot] });
    expect(record.lane).toBe(lane());
    expect(open(controls.registerIssuer(home, party))).not.toHaveProperty('actors');
  });

  it('token.issued holds the hash of the bearer string, never the string', () => {
    const { envelope, bearer, tokenId } = controls.issueToken(home, { tenant: 'acme', roles: ['propose'], validUntilMs: Date.now() });
    expect(bearer).toMatch(/^cs_[A-Za-z0-9_-]{43}$/);
    expect(open(envelope)).toMatchObject({ tenant: 'acme', token: tokenId, tokenHash: controls.tokenHashOf(bearer), roles: ['propose'] });
    expect(Buffer.from(envelope.value).includes(bearer)).toBe(false);
  });

  it('bundle.activated is one payload, on every lane', () => {
    const records = controls.activateBundle(home, { format: 1, name: 'standard' });
    expect(records.map((record) => record.lane)).toStrictEqual([0, 1, 2]);
    const payloads = records.map(open);
    for (const payload of payloads) expect(payload).toStrictEqual(payloads[0]);
  });

  it('freeze.raised and freeze.lifted are one payload each, on every lane; the id names the freeze', () => {
    const scope = { kind: 'class', value: 'deployment' } as const;
    const raised = controls.raiseFreeze(home, { level: 'stop', scope, why: 'incident 7', by: 'ana', untilMs: Date.UTC(2030, 0) });
    const lifted = controls.liftFreeze(home, raised[0]?.id ?? '', { by: 'ben', why: 'over' });
    for (const records of [raised, lifted]) {
      expect(records.map((record) => record.lane)).toStrictEqual([0, 1, 2]);
      const payloads = records.map(open);
      for (const payload of payloads) expect(payload).toStrictEqual(payloads[0]);
    }
    const [first] = raised.map(open);
    expect(first).toMatchObject({ level: 'stop', scope, by: 'ana', until: '2030-01-01T00:00:00.000Z' });
    expect(lifted.map(open)[0]).toMatchObject({ lifts: first?.['id'], by: 'ben', why: 'over' });
    for (const record of controls.raiseFreeze(home, { level: 'freeze', scope: { kind: 'all' }, why: 'w', by: 'ana' })) {
      expect(open(record)).not.toHaveProperty('until');
    }
  });

  it('revocations and gaps say what they mean', () => {
    expect(open(controls.revokeIssuer(home, 'acme', 'platform'))).toMatchObject({ tenant: 'acme', revokes: 'platform' });
    expect(open(controls.revokeToken(home, 'acme', 'token-1'))).toMatchObject({ tenant: 'acme', revokes: 'token-1' });
    const gap = controls.declareGap(home, { topic: 'actions', lane: 2, from: 5n, to: 9n, epoch: 1 });
    expect(gap.lane).toBe(2);
    expect(open(gap)).toMatchObject({ tenant: '_system', topic: 'actions', lane: 2, from: '5', to: '9', epoch: 1 });
  });

  it('input.erased names the entries in the order of the tree', () => {
    const record = controls.eraseInput(home, { tenant: 'acme', action: 'a-1', indexes: [10, 9], why: 'asked' });
    expect(record.lane).toBe(lane());
    expect(open(record)).toMatchObject({ tenant: 'acme', action: 'a-1', indexes: ['9', '10'], why: 'asked' });
  });

  it('has an id and a blind of its own each time', () => {
    const [a, b] = [controls.revokeToken(home, 'acme', 't'), controls.revokeToken(home, 'acme', 't')];
    expect(a.id).not.toBe(b.id);
    expect(open(a)['blind']).not.toBe(open(b)['blind']);
  });
});
