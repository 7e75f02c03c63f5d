import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, MemoryLane, readBatches } from '#testing';

import { base64 } from '../formats/bytes.ts';
import { buildBatch } from '../ledger/build-batch.ts';
import type { Entry } from '../ledger/entry.ts';
import { formatOffer, KEY_ROLES, type KeyOffer, offerKey, parseOffer } from '../payloads/key-offer.ts';
import { wire } from '#adapters';
import { emptyLane } from './state.ts';
import { admitEntry } from '../ledger/heads.ts';

const SYSTEM = '_system';
const detail = ([entry]: readonly Entry[]) => entry?.statement.predicate['detail'];
const kinds = (entries: readonly Entry[]) => entries.map(({ tenant, kind }) => `${tenant} ${kind}`);
const rotate = (lane: MemoryLane, offer: object, more: object = {}) => lane.control('key.rotated', SYSTEM, offer, more);

async function expectSound(lane: MemoryLane): Promise<void> {
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
}

describe('a rotation of a ledger key', () => {
  it.each(['admin', 'gateway', 'decider'] as const)('of the %s stands in the tree of the lane and of every tenant', (role) => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    const entries = lane.rotateKey(role);
    expect(kinds(entries)).toEqual(['_system.0 key.rotated', 'acme key.rotated', 'globex key.rotated']);
    const replaces = lane.parties.publicKeyOf(role).keyid;
    for (const { statement, bytes } of entries) {
      expect(statement.predicate).toMatchObject({ role, replaces, signedBy: 'admin' });
      expect(bytes.length).toBeLessThanOrEqual(2048);
    }
  });

  it('of the admin admits the new key at once, and nothing more of the old one', () => {
    const lane = MemoryLane.ready();
    lane.rotateKey('admin');
    expect(lane.registerIssuer('acme', 'ci', 'ci')[0]?.kind).toBe('issuer.registered');
    const body = { revokes: 'ci' };
    const [refused] = lane.control('issuer.revoked', 'acme', body, { signer: 'admin' });
    expect(refused?.statement.predicate).toMatchObject({ code: 'REFUSED_ISSUER', detail: 'key-not-admitted' });
    expect(lane.control('issuer.revoked', 'acme', body)[0]?.kind).toBe('issuer.revoked');
  });

  it('of the gateway admits what the new key stamps, and nothing more of the old one', () => {
    const lane = MemoryLane.ready();
    lane.rotateKey('gateway');
    expect(lane.propose('a-1', {}, { issuer: 'gateway' })[0]?.kind).toBe('action.decided');
    expect(lane.propose('a-2', {}, { issuer: 'gateway', signer: 'gateway' })[0]?.kind).toBe('input.refused');
  });

  it('of the decider lets the new key seal from the next batch on, and no reader takes a batch of the old one', () => {
    const lane = MemoryLane.ready();
    lane.rotateKey('decider');
    lane.propose('a-1');
    expect(readBatches(lane).at(-1)?.entries).toHaveLength(1);
    const [next] = lane.decide({
      kind: 'record',
      topic: 'actions',
      offset: 1n,
      value: lane.proposal('a-2'),
      inputKey: new Uint8Array(32),
    }).entries;
    if (!next) throw new Error('no entry');
    admitEntry(lane.state.heads, next.tenant, next.kind, next.statement, next.bytes);
    const entry = { entry: next, inputForm: 'none' as const, input: new Uint8Array() };
    const forged = buildBatch(lane.state.heads, [entry], lane.parties.seedOf('decider'), wire).values;
    lane.ledger.push(...forged);
    expect(() => readBatches(lane)).toThrow('not sealed by the decider key');
  });

  it('is made by the recovery key when the admin key is lost, and its own by it alone', () => {
    const lane = MemoryLane.ready();
    for (const role of ['admin', 'gateway', 'decider'] as const) {
      expect(lane.rotateKey(role, { issuer: 'recovery' })[0]?.statement.predicate).toMatchObject({ role, signedBy: 'recovery' });
    }
    expect(detail(lane.rotateKey('recovery', { issuer: 'admin' }))).toBe('recovery-alone');
    expect(lane.rotateKey('recovery')[0]?.kind).toBe('key.rotated');
    expect(lane.rotateKey('admin', { issuer: 'recovery', signer: 'recovery' })[0]?.kind).toBe('input.refused');
    expect(lane.rotateKey('admin', { issuer: 'recovery' })[0]?.kind).toBe('key.rotated');
    expect(lane.control('issuer.revoked', 'acme', { revokes: 'platform' }, { issuer: 'recovery' })[0]?.kind).toBe('input.refused');
  });

  it('is refused without a good offer of this ledger and role, for a key that is or was one of the ledger, and from anybody else', () => {
    const lane = MemoryLane.ready();
    const { offer } = lane.parties.offer('admin');
    const { offer: decider } = lane.parties.offer('decider');
    const zeros = base64(new Uint8Array(64));
    const bad: [object, string][] = [
      [{ ...offer, possession: zeros }, 'not-offered'],
      [{ ...offer, role: 'gateway' }, 'not-offered'],
      [offerKey('ab'.repeat(32), 'admin', lane.parties.seedOf('next')), 'not-offered'],
      [{ ...decider, handover: zeros }, 'not-offered'],
      [{ ...decider, handover: undefined }, 'not-offered'],
      [{ ...offer, handover: decider.handover }, 'not-offered'],
      [offerKey(lane.state.birth, 'admin', lane.parties.seedOf('gateway')), 'key-in-use'],
    ];
    for (const [body, word] of bad) expect(detail(rotate(lane, body))).toBe(word);
    lane.rotateKey('admin');
    expect(detail(rotate(lane, offerKey(lane.state.birth, 'admin', lane.parties.seedOf('admin'))))).toBe('key-in-use');
    expect(rotate(lane, lane.parties.offer('admin').offer, { issuer: 'gateway' })[0]?.kind).toBe('input.refused');
  });

  it('keeps an old key from becoming a party of a tenant', () => {
    const lane = MemoryLane.ready();
    for (const role of ['admin', 'gateway', 'decider'] as const) lane.rotateKey(role);
    for (const name of ['admin', 'gateway', 'decider', 'admin, next', 'recovery']) {
      expect(detail(lane.registerIssuer('acme', 'ci', 'ci', { keys: [lane.parties.publicKeyOf(name)] }))).toBe('key-in-use');
    }
  });

  it('outlives a snapshot and a replay, and the ledger stays sound', async () => {
    const lane = MemoryLane.ready();
    for (const role of ['decider', 'admin', 'gateway', 'decider', 'recovery'] as const) lane.rotateKey(role);
    lane.propose('a-1', {}, { issuer: 'gateway' });
    for (const start of [lane.snapshot(), undefined]) {
      lane.restart(start);
      expect(lane.propose(start ? 'a-2' : 'a-3', {}, { issuer: 'gateway' })[0]?.kind).toBe('action.decided');
      expect(lane.rotateKey('admin', { issuer: 'recovery' })[0]?.kind).toBe('key.rotated');
    }
    lane.registerTenant('late');
    await expectSound(lane);
    const genesis = lane.entries.findLast(({ kind }) => kind === 'genesis');
    const sealer = lane.parties.publicKeyOf(lane.parties.holderOf('decider'));
    expect(genesis?.statement.predicate['deciderKeys']).toEqual([sealer]);
  });

  it('is nothing that a ledger of rules 1 knows, and neither is a recovery key', () => {
    const lane = MemoryLane.ready(['acme'], { rules: 1 });
    expect(rotate(lane, lane.parties.offer('admin').offer)[0]?.statement.predicate).toMatchObject({ detail: 'payload-type' });
    expect(emptyLane(lane.birth, 0).recovery).toBeUndefined();
    expect(lane.registerIssuer('acme', 'recovery', 'platform')[0]?.kind).toBe('issuer.registered');
    expect(MemoryLane.ready().registerIssuer('acme', 'recovery', 'platform')[0]?.kind).toBe('input.refused');
  });
});

describe('the offer of a key', () => {
  it('is one line, read back to the same', () => {
    for (const role of KEY_ROLES) {
      const offer: KeyOffer = offerKey(
        'ab'.repeat(32),
        role,
        new Uint8Array(32).fill(1),
        role === 'decider' ? new Uint8Array(32) : undefined,
      );
      expect(parseOffer(formatOffer(offer))).toEqual(offer);
    }
    for (const text of ['', 'admin', 'admin:x', 'owner:a:b', 'admin:a:b:c:d']) expect(parseOffer(text)).toBeUndefined();
  });
});
