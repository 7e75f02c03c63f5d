import { describe, expect, it } from 'vitest';

import { FakeEngine, laneBundle, MemoryLane } from '#testing';

import { base64url, utf8 } from '../formats/bytes.ts';
import { canonicalBytes } from '../formats/canonical-json.ts';
import { formatTime } from '../formats/time.ts';
import type { Entry } from '../ledger/entry.ts';
import { signStatement } from '../policy/evidence.ts';
import { ASKED_WITHIN_MS } from './memory/lifetimes.ts';
import { OPEN_ESCALATIONS_PER_ACTOR_MAX, OPEN_ESCALATIONS_PER_TENANT_MAX } from './proposal.ts';

const ESCALATES = { resource: { type: 'thing', id: 'high' } };
const predicateOf = ([entry]: readonly Entry[]) => entry?.statement.predicate;
function said(entries: readonly Entry[]): unknown {
  const predicate = predicateOf(entries);
  return [entries[0]?.kind, predicate?.verdict, ...((predicate?.['reasons'] as string[] | undefined) ?? [])].filter(
    (word) => word !== undefined,
  );
}
const denied = (reason: string) => ['action.decided', 'DENY', reason];

describe('a proposal', () => {
  it('that policy allows gets a permit for the class executors, until its deadline', () => {
    const lane = MemoryLane.ready();
    const entries = lane.propose('a-1');
    expect(said(entries)).toEqual(['action.decided', 'ALLOW', 'ALLOW_POLICY']);
    expect(predicateOf(entries)?.['permit']).toMatchObject({ executors: ['runner'] });
    expect(entries[0]?.statement.subject[0].name).toBe('a-1');
  });

  it('during an incident names it, however it ends, when a registered desk signed it for this target', () => {
    const lane = MemoryLane.ready();
    lane.registerIssuer('acme', 'desk', 'incident-desk');
    const during = (incident: string, id: string, signer = 'desk') => {
      const resource = { type: 'thing', id };
      const times = { issuedAt: formatTime(lane.nowMs), expiresAt: formatTime(lane.nowMs + 1000) };
      const blind = base64url(lane.parties.draw());
      const statement = {
        ...times,
        blind,
        birth: lane.birth.initialisedDigest,
        tenant: 'acme',
        type: 'incident' as const,
        resource,
        incident,
      };
      return { resource, evidence: [signStatement(statement, lane.parties.seedOf(lane.parties.signerOf(signer, 'acme')))] };
    };
    expect(predicateOf(lane.propose('a-1', during('inc-1', 'low')))).toMatchObject({ verdict: 'ALLOW', incident: 'inc-1' });
    expect(predicateOf(lane.propose('a-2', during('inc-2', 'high')))).toMatchObject({ verdict: 'ESCALATE', incident: 'inc-2' });
    expect(predicateOf(lane.propose('a-3', during('inc-3', 'frozen')))).toMatchObject({ verdict: 'DENY', incident: 'inc-3' });
    expect(predicateOf(lane.propose('a-4', during('inc-4', 'low', 'platform')))).not.toHaveProperty('incident');
    const elsewhere = { ...during('inc-5', 'low'), resource: { type: 'thing', id: 'high' } };
    expect(predicateOf(lane.propose('a-5', elsewhere))).not.toHaveProperty('incident');
    expect(predicateOf(lane.propose('a-6', during('in words, of people', 'low')))).not.toHaveProperty('incident');
  });

  it('before any bundle is denied', () => {
    const lane = new MemoryLane();
    lane.initialise();
    lane.registerTenant('acme');
    lane.registerIssuer('acme', 'platform', 'platform');
    expect(said(lane.propose('a-1'))).toEqual(denied('DENY_NO_MATCH'));
    expect(predicateOf(lane.propose('a-2'))?.bundle).toBeNull();
  });

  it('cites the bundle in force by its digest', () => {
    expect(predicateOf(MemoryLane.ready().propose('a-1'))?.bundle).toBe(laneBundle().digest);
  });

  const malformed: [string, object][] = [
    ['actor-kind', { actor: { kind: 'robot', id: 'bot' } }],
    ['class', { class: 'not an identifier' }],
    ['unknown-member', { surprise: 1 }],
    ['unknown-member', JSON.parse('{"__proto__":{"mode":"shadow"}}') as object],
    ['parameters', { parameters: [] }],
    ['mode', { mode: 'rehearsal' }],
  ];
  it.each(malformed)('with a bad body is DENY_MALFORMED (%s), constant in size and words', (detail, body) => {
    const lane = MemoryLane.ready();
    const entries = lane.propose('a-1', body);
    expect(said(entries)).toEqual(denied('DENY_MALFORMED'));
    expect(predicateOf(entries)?.['detail']).toBe(detail);
  });

  it('without a usable id is DENY_MALFORMED and concerns no action', () => {
    const lane = MemoryLane.ready();
    for (const id of ['', 'a b', 'a\0b', '😀', 'x'.repeat(129)]) {
      const entries = lane.propose(id);
      expect(said(entries)).toEqual(denied('DENY_MALFORMED'));
      expect(entries[0]?.actionId).toBe('');
    }
  });

  it('that may be decided for longer than its id is known is DENY_MALFORMED; for exactly as long it is decided', () => {
    const lane = MemoryLane.ready();
    const untilMs = lane.nowMs + ASKED_WITHIN_MS;
    expect(predicateOf(lane.propose('a-1', {}, { expiresAtMs: untilMs + 1 }))?.['detail']).toBe('lives-too-long');
    expect(said(lane.propose('a-1', {}, { expiresAtMs: untilMs }))).toContain('ALLOW');
    expect(predicateOf(lane.propose('a-2', {}, { askedAtMs: lane.nowMs + 1 }))?.['detail']).toBe('head');
  });

  it('at its expiry is DENY_EXPIRED, one millisecond before it is not', () => {
    const lane = MemoryLane.ready();
    const value = lane.proposal('a-1', {}, { expiresAtMs: lane.nowMs + 10 });
    const other = lane.proposal('a-2', {}, { expiresAtMs: lane.nowMs + 10 });
    lane.nowMs += 9;
    expect(said(lane.when('actions', value))).toContain('ALLOW');
    lane.nowMs += 1;
    expect(said(lane.when('actions', other))).toEqual(denied('DENY_EXPIRED'));
  });

  it('is judged in the promised order: body, expiry, id, limits, policy', () => {
    const lane = MemoryLane.ready();
    const over = { expiresAtMs: lane.nowMs };
    expect(said(lane.propose('a-1', { surprise: 1, class: 'none' }, over))).toEqual(denied('DENY_MALFORMED'));
    expect(said(lane.propose('a-1', { class: 'none' }, over))).toEqual(denied('DENY_EXPIRED'));
    expect(said(lane.propose('a-1', {}))).toContain('ALLOW');
    expect(said(lane.propose('a-1', { class: 'none' }))).toEqual(denied('DENY_CONFLICT'));
    expect(said(lane.propose('a-2', { class: 'none' }))).toEqual(denied('DENY_UNKNOWN_CLASS'));
  });

  it('of 4-byte characters, NUL and prototype names in its parameters is decided', () => {
    const lane = MemoryLane.ready();
    const parameters = JSON.parse('{"__proto__":{"x":1},"constructor":"\\u0000","face":"😀"}') as object;
    expect(said(lane.propose('constructor', { parameters }))).toContain('ALLOW');
    expect(said(lane.propose('__proto__', { parameters }))).toContain('ALLOW');
    expect(said(lane.propose('constructor', { parameters }))).toEqual(['action.repeated']);
  });

  it('under rules 1, for an actor that its issuer may not speak for, is DENY_UNKNOWN_ISSUER', () => {
    const lane = MemoryLane.ready(['acme'], { rules: 1 });
    lane.registerIssuer('acme', 'narrow', 'platform', { agents: ['bot-2'] });
    expect(said(lane.propose('a-1', {}, { issuer: 'narrow' }))).toEqual(denied('DENY_UNKNOWN_ISSUER'));
    expect(said(lane.propose('a-2', { actor: { kind: 'agent', id: 'bot-2' } }, { issuer: 'narrow' }))).toContain('ALLOW');
  });

  it('judged by an engine that throws twice is DENY_EVALUATION_ERROR; once, it is asked again', () => {
    let throws = 2;
    class Broken extends FakeEngine {
      override authorize(...args: Parameters<FakeEngine['authorize']>) {
        if (throws-- > 0) throw new Error('out of memory');
        return super.authorize(...args);
      }
    }
    const lane = MemoryLane.ready(['acme'], { engine: new Broken() });
    expect(said(lane.propose('a-1'))).toEqual(denied('DENY_EVALUATION_ERROR'));
    throws = 1;
    expect(said(lane.propose('a-2'))).toContain('ALLOW');
  });

  it('whose entry would pass 16 KiB is a constant-size DENY_LIMIT, and its id counts', () => {
    class Wordy extends FakeEngine {
      override authorize() {
        return { decision: 'deny' as const, reasons: Array.from({ length: 32 }, (_, at) => `${at}-${'x'.repeat(600)}`), errors: [] };
      }
    }
    const lane = MemoryLane.ready(['acme'], { engine: new Wordy() });
    const entries = lane.propose('a-1');
    expect(said(entries)).toEqual(denied('DENY_LIMIT'));
    expect(predicateOf(entries)?.['detail']).toBe('entry-bytes');
    expect(entries[0]?.bytes.length).toBeLessThan(1500);
    expect(said(lane.propose('a-1'))).toEqual(['action.repeated']);
  });

  it('with more determining policies than an entry may list is DENY_LIMIT', () => {
    class Many extends FakeEngine {
      override authorize() {
        return { decision: 'deny' as const, reasons: Array.from({ length: 33 }, (_, at) => `p-${at}`), errors: [] };
      }
    }
    expect(said(MemoryLane.ready(['acme'], { engine: new Many() }).propose('a-1'))).toEqual(denied('DENY_LIMIT'));
  });

  it('holds neither parameters nor free text in its entry', () => {
    const lane = MemoryLane.ready();
    const [entry] = lane.propose('a-1', { parameters: { name: 'Ada Lovelace' }, justification: 'because of Ada' });
    expect(Buffer.from(entry?.bytes ?? []).toString()).not.toContain('Ada');
  });
});

describe('the id of an action', () => {
  it('with the same content again is action.repeated and cites the first, whoever signed when', () => {
    const lane = MemoryLane.ready();
    const [first] = lane.propose('a-1');
    lane.nowMs += 1000;
    const again = lane.propose('a-1', {}, { expiresAtMs: lane.nowMs + 60_000 });
    expect(said(again)).toEqual(['action.repeated']);
    expect(predicateOf(again)?.['first']).toBe(first?.statement.predicate.index);
  });

  it('with other content is DENY_CONFLICT, cites the first, and the first stands', () => {
    const lane = MemoryLane.ready();
    const [first] = lane.propose('a-1');
    const conflict = lane.propose('a-1', { justification: 'other' });
    expect(said(conflict)).toEqual(denied('DENY_CONFLICT'));
    expect(predicateOf(conflict)?.['first']).toBe(first?.statement.predicate.index);
    expect(said(lane.propose('a-1'))).toEqual(['action.repeated']);
    expect(said(lane.propose('a-1', { surprise: 1 }))).toEqual(denied('DENY_MALFORMED'));
    expect(said(lane.propose('a-1'))).toEqual(['action.repeated']);
  });

  it('belongs to its issuer and tenant: another one may use it', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    lane.registerIssuer('acme', 'other', 'platform');
    lane.propose('a-1');
    expect(said(lane.propose('a-1', { justification: 'x' }, { issuer: 'other' }))).toContain('ALLOW');
    expect(said(lane.propose('a-1', { justification: 'x' }, { tenant: 'globex' }))).toContain('ALLOW');
  });

  it('whose first payload was erased conflicts with everything', () => {
    const lane = MemoryLane.ready();
    const [first] = lane.propose('a-1');
    lane.inputKeys.delete(`${first?.statement.predicate.origin ?? ''}\0${first?.statement.predicate.index ?? ''}`);
    lane.restart();
    expect(said(lane.propose('a-1'))).toEqual(denied('DENY_CONFLICT'));
  });

  it('is forgotten when each copy is late by itself, however it is signed anew', () => {
    const lane = MemoryLane.ready();
    const askedAtMs = lane.nowMs;
    const value = lane.proposal('a-1');
    lane.when('actions', value);
    lane.nowMs += ASKED_WITHIN_MS - 1;
    expect(said(lane.when('actions', value))).toEqual(denied('DENY_EXPIRED'));
    expect(said(lane.propose('a-1', {}, { askedAtMs, expiresAtMs: askedAtMs + ASKED_WITHIN_MS }))).toEqual(['action.repeated']);
    lane.nowMs += 2000;
    lane.propose('another');
    expect(lane.state.ids.find({ tenant: 'acme', issuer: 'platform', id: 'a-1' }, lane.nowMs)).toBeUndefined();
    expect(lane.state.ids.size).toBe(1); // the controls that made the tenant are over as well
    expect(said(lane.propose('a-1', {}, { askedAtMs, expiresAtMs: askedAtMs + ASKED_WITHIN_MS }))).toEqual(denied('DENY_EXPIRED'));
    expect(predicateOf(lane.propose('a-1', {}, { askedAtMs }))?.['detail']).toBe('lives-too-long');
  });

  it('of an open escalation is kept beyond the expiry, until it is settled', () => {
    const lane = MemoryLane.ready();
    lane.propose('a-1', ESCALATES);
    const deadlineMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    lane.nowMs += 400_000;
    expect(lane.nowMs).toBeLessThan(deadlineMs);
    expect(said(lane.propose('a-1', ESCALATES))).toEqual(['action.repeated']);
    lane.nowMs = deadlineMs;
    lane.tick();
    expect(said(lane.propose('a-1', ESCALATES))).toContain('ESCALATE');
  });

  it('is claimed by a malformed proposal when it was free', () => {
    const lane = MemoryLane.ready();
    lane.propose('a-1', { surprise: 1 });
    expect(said(lane.propose('a-1', { surprise: 1 }))).toEqual(['action.repeated']);
    expect(said(lane.propose('a-1'))).toEqual(denied('DENY_CONFLICT'));
  });
});

describe('an escalation', () => {
  it('beyond the open ones an actor may have is DENY_LIMIT; other actors go on; a settled one makes room', () => {
    const lane = MemoryLane.ready();
    for (let at = 0; at < OPEN_ESCALATIONS_PER_ACTOR_MAX; at++) {
      expect(said(lane.propose(`a-${at}`, ESCALATES))).toContain('ESCALATE');
      lane.nowMs += 1;
    }
    expect(said(lane.propose('a-x', ESCALATES))).toEqual(denied('DENY_LIMIT'));
    expect(said(lane.propose('a-y', { ...ESCALATES, mode: 'shadow' }))).toContain('WOULD_ESCALATE');
    expect(said(lane.propose('a-z', { ...ESCALATES, actor: { kind: 'agent', id: 'bot-2' } }))).toContain('ESCALATE');
    lane.nowMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    expect(lane.tick().map((entry) => entry.actionId)).toEqual(['a-0']);
    expect(said(lane.propose('a-w', ESCALATES))).toContain('ESCALATE');
  });

  it('beyond the open ones a tenant may have is DENY_LIMIT whoever asks; other tenants go on; a settled one makes room', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    lane.propose('a-0', ESCALATES);
    lane.state.tenants.get('acme')?.openByActor.set('agent:many', OPEN_ESCALATIONS_PER_TENANT_MAX - 2);
    const as = (id: string) => ({ ...ESCALATES, actor: { kind: 'person', id } });
    expect(said(lane.propose('a-1', as('bot-2')))).toContain('ESCALATE');
    expect(said(lane.propose('a-2', as('bot-3')))).toEqual(denied('DENY_LIMIT'));
    expect(said(lane.propose('a-3', { ...as('bot-3'), mode: 'shadow' }))).toContain('WOULD_ESCALATE');
    expect(said(lane.propose('a-4', as('bot-3'), { tenant: 'globex' }))).toContain('ESCALATE');
    lane.nowMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    lane.tick();
    expect(said(lane.propose('a-5', as('bot-3')))).toContain('ESCALATE');
  });

  it('in shadow mode is WOULD_ESCALATE with the same reasons, never open, never with a permit or a binding', () => {
    const lane = MemoryLane.ready();
    for (const [resource, verdict] of [
      ['high', 'WOULD_ESCALATE'],
      ['low', 'WOULD_ALLOW'],
      ['frozen', 'WOULD_DENY'],
    ] as const) {
      const entries = lane.propose(`s-${resource}`, { mode: 'shadow', resource: { type: 'thing', id: resource } });
      expect(predicateOf(entries)?.verdict).toBe(verdict);
      for (const member of ['permit', 'bindingDigest', 'approvalDeadline']) expect(predicateOf(entries)).not.toHaveProperty(member);
    }
    expect(lane.state.due.open).toEqual([]);
    expect(lane.state.tenants.get('acme')?.openByActor.size).toBe(0);
    expect(said(lane.propose('s-bad', { mode: 'shadow', surprise: 1 }))).toEqual(['action.decided', 'WOULD_DENY', 'DENY_MALFORMED']);
  });

  it('ends without a decision at its deadline, settled by a tick that cites it, before any input of that time', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    const [first] = lane.propose('b', ESCALATES);
    lane.propose('a', ESCALATES);
    lane.propose('c', ESCALATES, { tenant: 'globex' });
    lane.nowMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    const from = lane.entries.length;
    lane.propose('d', {}, {});
    const after = lane.entries.slice(from);
    expect(after.map(({ kind, actionId }) => `${kind} ${actionId}`)).toEqual([
      'escalation.settled a',
      'escalation.settled b',
      'escalation.settled c',
      'action.decided d',
    ]);
    expect(after[1]?.statement.predicate).toMatchObject({
      settles: first?.statement.predicate.index,
      outcome: 'EXPIRED_NO_DECISION',
      deadline: formatTime(lane.nowMs),
      source: { kind: 'tick', part: 0, parts: 1 },
    });
  });

  it('that is due halts any input that comes before its tick', () => {
    const lane = MemoryLane.ready();
    lane.propose('a', ESCALATES);
    lane.nowMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    const input = { kind: 'record' as const, topic: 'actions' as const, offset: 9n, value: utf8('x'), inputKey: new Uint8Array(32) };
    expect(() => lane.decide(input)).toThrow(expect.objectContaining({ code: 'DUE_FIRST' }));
  });

  it('of one tenant is due at the time of the lane, so that a clock set back changes nothing', () => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    lane.propose('a', ESCALATES);
    const deadlineMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    lane.nowMs = deadlineMs - 1;
    lane.propose('g-1', {}, { tenant: 'globex' });
    lane.nowMs = deadlineMs - 500;
    const [entry] = lane.propose('a-2');
    expect(entry?.statement.predicate.decidedAt).toBe(formatTime(deadlineMs - 1));
  });
});

describe('deciding', () => {
  it('leaves the state as it was', () => {
    const lane = MemoryLane.ready();
    lane.propose('a-1');
    lane.nowMs += 400_000;
    const before = lane.snapshot().bytes;
    lane.decide({ kind: 'record', topic: 'actions', offset: 5n, value: lane.proposal('a-2'), inputKey: new Uint8Array(32) });
    lane.decide({ kind: 'tick' });
    expect(lane.snapshot().bytes).toEqual(before);
  });

  it('the same again gives the same bytes', () => {
    const input = (lane: MemoryLane) => ({
      kind: 'record' as const,
      topic: 'actions' as const,
      offset: 5n,
      value: lane.proposal('a-2'),
      inputKey: new Uint8Array(32),
    });
    const lane = MemoryLane.ready();
    const given = input(lane);
    expect(lane.decide(given).entries).toEqual(lane.decide(given).entries);
  });

  it('halts at an offset that was decided already', () => {
    const lane = MemoryLane.ready();
    lane.propose('a-1');
    const input = {
      kind: 'record' as const,
      topic: 'actions' as const,
      offset: 0n,
      value: canonicalBytes({}),
      inputKey: new Uint8Array(32),
    };
    expect(() => lane.decide(input)).toThrow(expect.objectContaining({ code: 'INPUT_GAP' }));
  });
});
