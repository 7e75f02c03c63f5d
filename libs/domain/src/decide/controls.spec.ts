import { describe, expect, it } from 'vitest';

import { FakeEngine, laneBundle, MemoryLane } from '#testing';

import { utf8 } from '../formats/bytes.ts';
import { formatTime } from '../formats/time.ts';
import type { Entry } from '../ledger/entry.ts';
import { NOT_JUDGED } from '../policy/types.ts';
import { LaneHalted } from './types.ts';

const SYSTEM = '_system';
const kinds = (entries: readonly Entry[]) => entries.map(({ tenant, kind }) => `${tenant} ${kind}`);
const detail = ([entry]: readonly Entry[]) => entry?.statement.predicate['detail'];
const HOUR_MS = 3_600_000;

describe('the birth of a lane', () => {
  it('is its first record, and the genesis of its system tree', () => {
    const lane = new MemoryLane();
    const [entry] = lane.initialise();
    expect(entry).toMatchObject({ tenant: '_system.0', kind: 'genesis', inputForm: 'plain' });
    expect(entry?.statement.predicate).toMatchObject({ index: '0', previous: '0'.repeat(64), lane: 0, lanes: 1, format: 1 });
  });

  it.each<[string, (lane: MemoryLane) => unknown]>([
    ['bytes', (lane) => lane.when('controls', utf8('x'))],
    ['a tombstone', (lane) => lane.when('controls', null)],
    ['another control of the admin', (lane) => lane.registerTenant('acme')],
    ["another ledger's birth, signed by this admin", (lane) => lane.control('ledger.initialised', SYSTEM, { format: 1 })],
  ])('that is %s halts the lane', (_, give) => {
    const lane = new MemoryLane();
    expect(() => give(lane)).toThrow(LaneHalted);
    expect(lane.ledger).toEqual([]);
  });

  it('comes once: its copy is refused', () => {
    const lane = new MemoryLane();
    lane.initialise();
    expect(detail(lane.initialise())).toBe('repeated');
  });
});

describe('a control', () => {
  it('that registers a tenant is part 0 in the system tree, and the genesis of the tenant is part 1', () => {
    const lane = new MemoryLane();
    lane.initialise();
    const entries = lane.registerTenant('acme');
    expect(kinds(entries)).toEqual(['_system.0 tenant.registered', 'acme genesis']);
    expect(entries.map(({ source }) => source)).toMatchObject([
      { offset: '1', part: 0, parts: 2 },
      { offset: '1', part: 1, parts: 2 },
    ]);
    expect(entries.map(({ inputForm }) => inputForm)).toEqual(['plain', 'none']);
  });

  it('that registers a tenant is refused twice, for another lane, with a log or key that is not its own', () => {
    const lane = MemoryLane.ready(['acme']);
    const own = lane.parties.logOf('acme');
    expect(detail(lane.registerTenant('acme'))).toBe('exists');
    expect(detail(lane.registerTenant('globex', { lane: 1 }))).toBe('lane');
    expect(detail(lane.registerTenant('globex', own))).toBe('log-id-in-use');
    expect(lane.registerTenant('globex', { vkey: own.vkey })[0]?.kind).toBe('input.refused');
    expect(lane.registerTenant('_globex')[0]?.kind).toBe('input.refused');
    expect(kinds(lane.registerTenant('globex'))).toEqual(['_system.0 tenant.registered', 'globex genesis']);
  });

  it('that registers a tenant is taken on one lane only, the one that follows from its id', () => {
    const lanes = [0, 1].map((lane) => MemoryLane.ready([], { lane, lanes: 2 }));
    for (const tenant of ['acme', 'globex', 'initech']) {
      expect(lanes.map((lane) => lane.registerTenant(tenant)[0]?.kind).sort()).toEqual(['input.refused', 'tenant.registered']);
    }
  });

  it('that activates a bundle reaches the tree of each tenant, and is in force from the next entry', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    const next = laneBundle({ name: 'next' });
    const entries = lane.activate(next);
    expect(kinds(entries)).toEqual(['_system.0 bundle.activated', 'acme bundle.activated', 'globex bundle.activated']);
    for (const { statement } of entries) expect(statement.predicate).toMatchObject({ activated: next.digest, bundle: laneBundle().digest });
    expect(lane.propose('a-1')[0]?.statement.predicate.bundle).toBe(next.digest);
    for (const entry of entries) expect(entry.bytes.length).toBeLessThanOrEqual(2048);
  });

  it('whose bundle the engine refuses, or whose check throws, is refused', () => {
    class Strict extends FakeEngine {
      strict = false;
      override refusals(): readonly string[] {
        if (this.strict) throw new Error('out of memory');
        return [];
      }
    }
    const engine = new Strict();
    const lane = MemoryLane.ready(['acme'], { engine });
    engine.strict = true;
    expect(detail(lane.activate(laneBundle({ name: 'next' })))).toBe('bundle-refused');
    expect(detail(lane.control('bundle.activated', SYSTEM, { bundle: { format: 1 } }))).toBe('bundle-shape');
  });

  it('whose bundle nobody has judged yet is refused with a word of its own from rules 2 on, so that it is sent again', () => {
    class Asked extends FakeEngine {
      isJudged = true;
      override refusals(): readonly string[] {
        return this.isJudged ? [] : [NOT_JUDGED];
      }
    }
    const told = ([1, 2] as const).map((rules) => {
      const engine = new Asked();
      const lane = MemoryLane.ready(['acme'], { engine, rules });
      engine.isJudged = false;
      const refused = detail(lane.activate(laneBundle({ name: 'next', format: rules })));
      engine.isJudged = true;
      return [refused, lane.activate(laneBundle({ name: 'next', format: rules }))[0]?.kind];
    });
    expect(told).toEqual([
      ['bundle-refused', 'bundle.activated'],
      ['bundle-not-judged', 'bundle.activated'],
    ]);
  });

  it('of a bundle of format 1 is refused on a ledger of rules 2, and accepted on one of rules 1', () => {
    const old = (lane: MemoryLane) => lane.activate(laneBundle({ format: 1, name: 'old' }));
    expect(detail(old(MemoryLane.ready()))).toBe('bundle-format');
    expect(old(MemoryLane.ready(['acme'], { rules: 1 })).map(({ kind }) => kind)).toContain('bundle.activated');
  });

  it('repeated, expired, or decidable for more than a day, is refused in its tree, its bytes sealed', () => {
    const lane = MemoryLane.ready();
    const body = { token: 't-1', tokenHash: 'ab'.repeat(32), roles: ['read'], validUntil: formatTime(lane.nowMs) };
    const value = lane.sign({ kind: 'token.issued', tenant: 'acme', body });
    expect(kinds(lane.when('controls', value))).toEqual(['acme token.issued']);
    expect(detail(lane.when('controls', value))).toBe('repeated');
    const late = { expiresAtMs: lane.nowMs + 24 * HOUR_MS + 1 };
    const [refused] = lane.control('token.issued', 'acme', { ...body, token: 't-2' }, late);
    expect(refused).toMatchObject({ tenant: 'acme', kind: 'input.refused', inputForm: 'sealed' });
    expect(refused?.statement.predicate).toMatchObject({ code: 'REFUSED_BODY', detail: 'lives-too-long', issuer: 'admin' });
    lane.nowMs += HOUR_MS;
    expect(detail(lane.when('controls', value))).toBe('expired');
  });

  it('about tokens: an id is issued once and revoked once', () => {
    const lane = MemoryLane.ready();
    const body = { token: '__proto__', tokenHash: 'ab'.repeat(32), roles: ['read'], validUntil: formatTime(lane.nowMs + HOUR_MS) };
    expect(detail(lane.control('token.revoked', 'acme', { revokes: '__proto__' }))).toBe('unknown-token');
    expect(kinds(lane.control('token.issued', 'acme', body))).toEqual(['acme token.issued']);
    expect(detail(lane.control('token.issued', 'acme', body))).toBe('exists');
    expect(kinds(lane.control('token.revoked', 'acme', { revokes: '__proto__' }))).toEqual(['acme token.revoked']);
    expect(detail(lane.control('token.revoked', 'acme', { revokes: '__proto__' }))).toBe('unknown-token');
    expect(detail(lane.control('token.issued', 'acme', body))).toBe('exists');
  });

  it('about issuers: no id twice, no reserved id, no key of another party, no key that is not sound', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    const keys = (name: string) => ({ keys: [lane.parties.publicKeyOf(name)] });
    expect(detail(lane.registerIssuer('acme', 'platform', 'platform'))).toBe('exists');
    expect(lane.registerIssuer('acme', 'admin', 'platform')[0]?.kind).toBe('input.refused');
    expect(detail(lane.registerIssuer('acme', 'ci', 'ci', keys('platform of acme')))).toBe('key-in-use');
    for (const wide of ['admin', 'gateway', 'decider'])
      expect(detail(lane.registerIssuer('acme', 'ci', 'ci', keys(wide)))).toBe('key-in-use');
    const weak = { keyid: 'ab'.repeat(16), publicKey: Buffer.alloc(32, 0).toString('base64') };
    expect(lane.registerIssuer('acme', 'ci', 'ci', { keys: [weak] })[0]?.kind).toBe('input.refused');
    expect(kinds(lane.registerIssuer('acme', 'ci', 'ci', keys('platform of globex')))).toEqual(['acme issuer.registered']);
    expect(detail(lane.control('issuer.revoked', 'acme', { revokes: 'constructor' }))).toBe('unknown-issuer');
  });
});

describe('the entry of a control', () => {
  it('stays below 16 KiB at its largest: 8 keys, 32 actors and 32 people, all of 128 characters', () => {
    const lane = MemoryLane.ready();
    const keys = Array.from({ length: 8 }, (_, at) => lane.parties.publicKeyOf(`key ${at}`));
    const actors = Array.from({ length: 32 }, (_, at) => {
      const id = `${at}`.padStart(128, 'x');
      return { kind: 'pipeline', id, actingFor: [id] };
    });
    const [entry] = lane.registerIssuer('acme', 'x'.repeat(128), 'platform', { keys, actors });
    expect(entry?.kind).toBe('issuer.registered');
    expect(entry?.bytes.length).toBeLessThan(16 * 1024);
  });

  it('stays below 2 KiB at its largest when it goes into every tree', () => {
    const lane = MemoryLane.ready();
    const entries = lane.activate(laneBundle({ name: 'x'.repeat(128) }));
    expect(entries.map(({ kind }) => kind)).toEqual(['bundle.activated', 'bundle.activated']);
    for (const { bytes } of entries) expect(bytes.length).toBeLessThan(2 * 1024);
    expect(lane.activate(laneBundle({ name: 'next' })).length).toBe(2);
  });
});

describe('input.gap', () => {
  const gap = (lane: MemoryLane, body: object) =>
    lane.control('input.gap', SYSTEM, { topic: 'actions', lane: 0, from: '1', to: '5', epoch: 0, ...body });
  const ready = () => {
    const lane = MemoryLane.ready();
    lane.propose('a-1');
    return lane;
  };

  it('moves the position to where the operator says', () => {
    const lane = ready();
    expect(kinds(gap(lane, {}))).toEqual(['_system.0 input.gap']);
    expect(lane.state.positions.actions).toEqual({ epoch: 0, next: 5n });
    expect(lane.propose('a-2')[0]?.source).toMatchObject({ offset: '5', epoch: 0 });
  });

  it('of a topic made anew begins the next epoch, where any offset may come', () => {
    const lane = ready();
    expect(kinds(gap(lane, { to: '0', epoch: 1 }))).toEqual(['_system.0 input.gap']);
    expect(lane.propose('a-2')[0]?.source).toMatchObject({ offset: '0', epoch: 1 });
  });

  it.each<[string, string, object]>([
    ['from elsewhere', 'stale', { from: '0' }],
    ['for another lane', 'stale', { lane: 1 }],
    ['that goes back', 'stale', { to: '1' }],
    ['of an epoch that was or is not next', 'stale', { epoch: 2 }],
    ['on controls, where it would skip other controls', 'topic', { topic: 'controls', from: '4', to: '9' }],
    ['beyond the offsets of Kafka', 'to', { to: '9223372036854775808' }],
  ])('%s is refused', (_, word, body) => {
    expect(detail(gap(ready(), body))).toBe(word);
  });
});
