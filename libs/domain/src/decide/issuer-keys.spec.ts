import { describe, expect, it } from 'vitest';

import { laneBundle, MemoryLane, NOTE } from '#testing';

import type { Entry } from '../ledger/entry.ts';
import { base64url } from '../formats/bytes.ts';
import { formatTime } from '../formats/time.ts';
import { signStatement } from '../policy/evidence.ts';
import { ISSUER_KEYS_EVER_MAX } from './issuer-keys.ts';

const FIRST = 'platform of acme';
const SECOND = 'platform of acme, second';
const detail = ([entry]: readonly Entry[]) => entry?.statement.predicate['detail'];
const said = ([entry]: readonly Entry[]) => [entry?.kind, ...((entry?.statement.predicate['reasons'] ?? []) as string[])].join(' ');
const add = (lane: MemoryLane, name: string, holder = 'platform') =>
  lane.control('key.added', 'acme', { holder, adds: lane.parties.publicKeyOf(name) });
const revoke = (lane: MemoryLane, name: string, holder = 'platform') =>
  lane.control('key.revoked', 'acme', { holder, revokes: lane.parties.publicKeyOf(name).keyid });

function withTwoKeys(): MemoryLane {
  const lane = MemoryLane.ready();
  add(lane, SECOND);
  return lane;
}

describe('a key of a party', () => {
  it('that was added admits what it signs from its entry on, and the first key goes on', () => {
    const lane = MemoryLane.ready();
    expect(lane.propose('a-0', {}, { signer: SECOND })[0]?.statement.predicate).toMatchObject({ code: 'REFUSED_ISSUER' });
    expect(said(add(lane, SECOND))).toBe('key.added');
    expect(said(lane.propose('a-1', {}, { signer: SECOND }))).toBe('action.decided ALLOW_POLICY');
    expect(said(lane.propose('a-2', {}, { signer: FIRST }))).toBe('action.decided ALLOW_POLICY');
  });

  it('that was revoked admits nothing from its entry on, and the other key goes on', () => {
    const lane = withTwoKeys();
    expect(said(revoke(lane, FIRST))).toBe('key.revoked');
    expect(lane.propose('a-1', {}, { signer: FIRST })[0]?.statement.predicate).toMatchObject({
      code: 'REFUSED_ISSUER',
      detail: 'key-not-admitted',
    });
    expect(said(lane.propose('a-1', {}, { signer: SECOND }))).toBe('action.decided ALLOW_POLICY');
  });

  it('that was revoked never counts again, for its own party or another', () => {
    const lane = withTwoKeys();
    revoke(lane, FIRST);
    expect(detail(revoke(lane, FIRST))).toBe('unknown-key');
    expect(detail(add(lane, FIRST))).toBe('key-in-use');
    expect(detail(lane.registerIssuer('acme', 'ci', 'ci', { keys: [lane.parties.publicKeyOf(FIRST)] }))).toBe('key-in-use');
  });

  it('that was the only one leaves its party waiting for another', () => {
    const lane = MemoryLane.ready();
    revoke(lane, FIRST);
    expect(said(add(lane, SECOND))).toBe('key.added');
    expect(said(lane.propose('a-1', {}, { signer: SECOND }))).toBe('action.decided ALLOW_POLICY');
  });

  it('is refused when it is of the ledger or of another party, when its holder is unknown or revoked, and beyond the limits', () => {
    const lane = MemoryLane.ready();
    for (const wide of ['admin', 'gateway', 'decider', FIRST]) expect(detail(add(lane, wide))).toBe('key-in-use');
    expect(detail(add(lane, SECOND, 'nobody'))).toBe('unknown-issuer');
    expect(detail(revoke(lane, FIRST, 'nobody'))).toBe('unknown-issuer');
    for (let at = 1; at < 8; at++) expect(said(add(lane, `key ${at}`))).toBe('key.added');
    expect(detail(add(lane, 'key 8'))).toBe('limit');
    for (let at = 8; at < ISSUER_KEYS_EVER_MAX; at++) {
      revoke(lane, `key ${at - 1}`);
      expect(said(add(lane, `key ${at}`))).toBe('key.added');
    }
    revoke(lane, 'key 1');
    expect(detail(add(lane, 'one too many'))).toBe('limit');
    lane.control('issuer.revoked', 'acme', { revokes: 'platform' });
    expect(detail(add(lane, SECOND))).toBe('unknown-issuer');
  });

  it('and its revocation outlive a snapshot and a replay', () => {
    const lane = withTwoKeys();
    revoke(lane, FIRST);
    for (const start of [lane.snapshot(), undefined]) {
      lane.restart(start);
      expect(lane.propose('a-1', {}, { signer: FIRST })[0]?.kind).toBe('input.refused');
      expect(detail(add(lane, FIRST))).toBe('key-in-use');
    }
    expect(said(lane.propose('a-1', {}, { signer: SECOND }))).toBe('action.decided ALLOW_POLICY');
  });

  it('is nothing that a ledger of rules 1 knows', () => {
    const lane = MemoryLane.ready(['acme'], { rules: 1 });
    expect(add(lane, SECOND)[0]?.statement.predicate).toMatchObject({ code: 'REFUSED_ENCODING', detail: 'payload-type' });
  });
});

describe('what a revoked key has signed before', () => {
  it('ends at once, when it waited for people', () => {
    const lane = MemoryLane.ready();
    add(lane, SECOND);
    const asked = [FIRST, SECOND].map((signer, at) => lane.propose(`a-${at}`, { resource: { type: 'thing', id: 'high' } }, { signer })[0]);
    const [, settled, ...more] = revoke(lane, FIRST);
    expect(settled?.statement.predicate).toMatchObject({ settles: asked[0]?.statement.predicate.index, outcome: 'CANCELLED_REVOKED' });
    expect(more).toEqual([]);
    const outcomes = asked.map((entry) => {
      const decision = entry?.statement.predicate.index;
      const bindingDigest = entry?.statement.predicate['bindingDigest'];
      const votes = ['ana', 'ben'].flatMap((by) =>
        lane.control('approval.recorded', 'acme', { decision, bindingDigest, vote: 'approve', by }),
      );
      return votes.map(({ statement }) => statement.predicate['outcome']).find((outcome) => outcome !== undefined);
    });
    expect(outcomes).toEqual([undefined, 'ALLOW_APPROVED']);
  });

  it('cannot be claimed any more, when it was allowed', () => {
    const lane = MemoryLane.ready();
    lane.registerIssuer('acme', 'runner', 'executor');
    add(lane, SECOND);
    const allowed = [FIRST, SECOND].map((signer, at) => lane.propose(`a-${at}`, NOTE, { signer })[0]);
    revoke(lane, FIRST);
    const claims = allowed.map((entry, at) => {
      if (!entry) throw new Error('no decision');
      const body = { decision: entry.statement.predicate.index, receipt: lane.receiptOf(entry) };
      return said(lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id: `c-${at}`, body })));
    });
    expect(claims).toEqual(['claim.refused CLAIM_REVOKED', 'claim.granted']);
  });

  it('is no evidence any more, while a statement of the other key is', () => {
    const lane = MemoryLane.ready();
    lane.activate(laneBundle());
    lane.registerIssuer('acme', 'builds', 'ci');
    add(lane, 'builds of acme, second', 'builds');
    revoke(lane, 'builds of acme', 'builds');
    const change = (id: string, name: string) => {
      const about = { operation: 'apply', artifactDigest: 'v2', conclusion: 'success' as const, tenant: 'acme' };
      const times = { issuedAt: formatTime(lane.nowMs), expiresAt: formatTime(lane.nowMs + 3_600_000) };
      const resource = { type: 'thing', id: 'low' };
      const signed = (more: object) => {
        const blind = base64url(lane.parties.draw());
        return signStatement(
          { type: 'ci', ...about, ...times, resource, blind, birth: lane.birth.initialisedDigest, ...more },
          lane.parties.seedOf(name),
        );
      };
      const evidence = [signed({}), signed({ operation: 'undo', artifactDigest: 'v1' })];
      const parameters = { tenant: 'acme', target: 'low', artifact: 'v2', amount: 1, back: { operation: 'undo', reference: 'v1' } };
      return said(lane.propose(id, { class: 'change', connector: 'tool', operation: 'apply', resource, parameters, evidence }));
    };
    expect(change('a-1', 'builds of acme')).toBe('action.decided DENY_MISSING_EVIDENCE');
    expect(change('a-2', 'builds of acme, second')).toBe('action.decided ALLOW_POLICY');
  });
});
