/** One signed record has one answer for as long as its signature could count; one id has one decision for ever. */
import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, forgedPermit, MemoryLane } from '#testing';

import type { Entry } from '../../ledger/entry.ts';
import { encodeState } from '../snapshot.ts';
import { Counts } from './counts.ts';
import { LANE_IDS_MAX } from './lane-ids.ts';
import { ASKED_WITHIN_MS, CLAIM_LIFETIME_MS_MAX, CONTROL_LIFETIME_MS_MAX, ISSUED_AHEAD_MS_MAX } from './lifetimes.ts';

const MINUTE_MS = 60_000;
const HIGH = { resource: { type: 'thing', id: 'high' } };

function acting(tenants: readonly string[] = ['acme']): MemoryLane {
  const lane = MemoryLane.ready(tenants);
  for (const executor of ['runner', 'other']) lane.registerIssuer('acme', executor, 'executor');
  return lane;
}
function claim(lane: MemoryLane, of: Entry | undefined, id: string, more: object = {}): Entry[] {
  if (!of) throw new Error('nothing to claim');
  const body = { decision: of.statement.predicate.index, receipt: lane.receiptOf(of) };
  return lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id, body, ...more }));
}
const predicateOf = (entry: Entry | undefined) => {
  if (!entry) throw new Error('no entry');
  return entry.statement.predicate as Entry['statement']['predicate'] & Readonly<Record<string, unknown>>;
};
const said = (entries: readonly Entry[]): string[] =>
  entries.flatMap(({ kind, statement: { predicate } }) => [
    kind,
    ...[predicate.verdict, predicate['reasons'], predicate['detail'], predicate['vote']].flat().filter((word) => typeof word === 'string'),
  ]);

/** As if others had taken all the room that there is, until their records are over. */
function fill(lane: MemoryLane): () => void {
  const full = new Counts();
  full.add('elsewhere', 'flood', LANE_IDS_MAX);
  const { counts } = lane.state.ids;
  Object.defineProperty(lane.state.ids, 'counts', { value: full, configurable: true });
  return () => Object.defineProperty(lane.state.ids, 'counts', { value: counts, configurable: true });
}

async function expectSound(lane: MemoryLane): Promise<void> {
  const live = encodeState(lane.state);
  expect(encodeState(lane.restart(lane.snapshot()).state)).toEqual(live);
  expect(encodeState(lane.restart().state)).toEqual(live);
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status === 'violated')).toEqual([]);
}

describe('the id of an action', () => {
  it('whose permit is claimed and not reported is repeated, not decided again, long after its proposal expired', async () => {
    const lane = acting();
    const askedAtMs = lane.nowMs;
    const [first] = lane.propose('pay-1');
    lane.nowMs += 1000;
    expect(said(claim(lane, first, 'c-1'))).toEqual(['claim.granted']);
    lane.nowMs += 380_000;
    const again = lane.propose('pay-1', {}, { askedAtMs });
    expect([said(again), again[0]?.statement.predicate['first']]).toEqual([['action.repeated'], first?.statement.predicate.index]);
    expect(said(lane.propose('pay-1'))).toEqual(['action.repeated']); // asked for anew while it is known
    expect(said(claim(lane, first, 'c-2'))).toEqual(['claim.refused', 'CLAIM_TAKEN']);
    await expectSound(lane);
  });

  it('has one decision whenever it is asked for again, to the millisecond of its window and for a day after it', () => {
    for (const laterMs of [1, ASKED_WITHIN_MS - 1, ASKED_WITHIN_MS, ASKED_WITHIN_MS + 1, 24 * 60 * MINUTE_MS]) {
      const lane = acting();
      const askedAtMs = lane.nowMs;
      lane.propose('pay-1');
      lane.nowMs += laterMs;
      const expiresAtMs = askedAtMs + ASKED_WITHIN_MS;
      const issuedAtMs = Math.min(lane.nowMs, expiresAtMs);
      const wanted = laterMs < ASKED_WITHIN_MS ? ['action.repeated'] : ['action.decided', 'DENY', 'DENY_EXPIRED', 'expired'];
      expect(said(lane.propose('pay-1', {}, { askedAtMs, issuedAtMs, expiresAtMs }))).toEqual(wanted);
    }
  });

  it('is known while its permit may be claimed, beyond its own window', () => {
    const lane = acting();
    const [first] = lane.propose('pay-1', HIGH, { expiresAtMs: lane.nowMs + 1000 });
    const { bindingDigest, index } = predicateOf(first);
    lane.nowMs += ASKED_WITHIN_MS + MINUTE_MS; // people take their time
    const vote = { decision: index, bindingDigest, vote: 'approve', by: 'ana' };
    const settlement = lane.control('approval.recorded', 'acme', vote).at(-1);
    expect(settlement?.kind).toBe('escalation.settled');
    lane.nowMs += 10 * MINUTE_MS;
    expect(said(claim(lane, settlement, 'c-1'))).toEqual(['claim.granted']);
    expect(said(claim(lane, settlement, 'c-2'))).toEqual(['claim.refused', 'CLAIM_TAKEN']);
  });

  it('with mode left out and with mode enforce is one request', () => {
    const lane = acting();
    lane.propose('a-1');
    expect(said(lane.propose('a-1', { mode: 'enforce' }))).toEqual(['action.repeated']);
    expect(said(lane.propose('a-1', { mode: 'shadow' }))).toContain('DENY_CONFLICT');
  });
});

describe('the same bytes again', () => {
  it('of an honest retry, after the first copy’s expiry, permit nothing', () => {
    const lane = acting();
    const askedAtMs = lane.nowMs;
    const [first] = lane.propose('a-1', {}, { expiresAtMs: lane.nowMs + 5000 });
    claim(lane, first, 'c-1');
    lane.nowMs += 4000;
    const retry = lane.proposal('a-1', {}, { askedAtMs, expiresAtMs: lane.nowMs + 10 * MINUTE_MS });
    expect(said(lane.when('actions', retry))).toEqual(['action.repeated']);
    lane.nowMs += 8 * MINUTE_MS; // the first copy is long over, the retry's signature still counts
    expect(said(lane.when('actions', retry))).toEqual(['action.repeated']);
  });

  it('of a conflict are a conflict for as long as they could count', () => {
    const lane = acting();
    lane.propose('a-1', {}, { expiresAtMs: lane.nowMs + 1000 });
    lane.nowMs += 14 * MINUTE_MS;
    const other = lane.proposal('a-1', { justification: 'other' });
    expect(said(lane.when('actions', other))).toContain('DENY_CONFLICT');
    lane.nowMs += 4 * MINUTE_MS; // the first one's own window is over
    expect(said(lane.when('actions', other))).toContain('DENY_CONFLICT');
  });

  it.each([
    ['a proposal', (lane: MemoryLane) => lane.proposal('a-1'), 'actions', 'DENY_LIMIT', 'DENY_LIMIT'],
    ['a proposal from ahead of our time', (lane: MemoryLane) => aheadOfTime(lane), 'actions', 'DENY_EXPIRED', 'action.repeated'],
  ] as const)('of %s that was denied for want of room or time are denied later, too', (_, made, topic, first, later) => {
    const lane = acting();
    const value = made(lane);
    const free = first === 'DENY_LIMIT' ? fill(lane) : () => undefined;
    expect(said(lane.when(topic, value))).toContain(first);
    free();
    lane.nowMs += 2 * ISSUED_AHEAD_MS_MAX;
    expect(said(lane.when(topic, value))).toContain(later);
    expect(said(lane.propose('a-2'))).toContain('ALLOW'); // what is signed after that is decided
  });

  it('of a claim that found no room, or a freeze, claim nothing later', () => {
    const lane = acting();
    const [one, two] = [lane.propose('a-1')[0], lane.propose('a-2')[0]];
    const value = (of: Entry | undefined, id: string): Uint8Array => {
      const body = { decision: of?.statement.predicate.index, receipt: of && lane.receiptOf(of) };
      return lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id, body });
    };
    const [full, frozen] = [value(one, 'c-1'), value(two, 'c-2')];
    const free = fill(lane);
    expect(said(lane.when('outcomes', full))).toEqual(['claim.refused', 'CLAIM_LIMIT']);
    free();
    expect(said(lane.when('outcomes', full))).not.toContain('claim.granted');
    lane.nowMs += 1;
    lane.control('freeze.raised', '_system', { level: 'freeze', scope: { kind: 'all' }, why: 'w', by: 'ana' }, { id: 'f-1' });
    const later = lane.sign({
      kind: 'claim.requested',
      tenant: 'acme',
      issuer: 'runner',
      id: 'c-3',
      body: { decision: two?.statement.predicate.index, receipt: two && lane.receiptOf(two) },
    });
    expect(said(lane.when('outcomes', later))).toEqual(['claim.refused', 'CLAIM_FROZEN']);
    lane.control('freeze.lifted', '_system', { lifts: 'f-1', by: 'ben', why: 'w' });
    expect(said(lane.when('outcomes', later))).toEqual(['claim.refused', 'CLAIM_REPEATED']);
    expect(said(lane.when('outcomes', frozen))).not.toContain('claim.granted'); // issued before what found no room
    expect(said(claim(lane, two, 'c-4'))).toEqual(['claim.granted']);
  });

  const [token, lift, revocation] = [
    { token: 't-1', tokenHash: 'ab'.repeat(32), roles: ['read'], validUntil: '2027-01-01T00:00:00.000Z' },
    { lifts: 'f-1', by: 'ben', why: 'w' },
    { revokes: 'late' },
  ];
  it.each([
    ['a lift of what was not raised', 'freeze.lifted', '_system', lift, (lane: MemoryLane) => raise(lane)],
    [
      'a revocation of whom was not registered',
      'issuer.revoked',
      'acme',
      revocation,
      (lane: MemoryLane) => lane.registerIssuer('acme', 'late', 'ci'),
    ],
    [
      'a revocation of a token that was not issued',
      'token.revoked',
      'acme',
      { revokes: 't-1' },
      (lane: MemoryLane) => lane.control('token.issued', 'acme', token),
    ],
    ['a vote on what was not asked', 'approval.recorded', 'acme', undefined, (lane: MemoryLane) => lane.propose('a-9', HIGH)],
  ] as const)('of %s do nothing once it is there', (_, kind, tenant, body, happens) => {
    const lane = acting();
    const at = lane.state.heads.trees.get('acme')?.range.size ?? 0;
    const vote = { decision: String(at + 1), bindingDigest: 'ab'.repeat(32), vote: 'deny', by: 'ana' };
    const value = lane.sign({ kind, tenant, body: body ?? vote });
    expect(said(lane.when('controls', value))).toContain('input.refused');
    happens(lane);
    lane.nowMs += MINUTE_MS;
    expect(said(lane.when('controls', value))).toEqual(['input.refused', 'repeated']);
  });

  it('of a report that was not awaited yet record nothing once it is', () => {
    const lane = acting();
    const [decided] = lane.propose('a-1');
    const report = lane.sign({
      ...{ kind: 'outcome.reported', tenant: 'acme', issuer: 'runner', id: 'r-1' },
      body: { decision: decided?.statement.predicate.index, claim: 'c-1', kind: 'result', status: 'succeeded' },
    });
    expect(said(lane.when('outcomes', report))).toEqual(['input.refused', 'no-open-effect']);
    claim(lane, decided, 'c-1');
    expect(said(lane.when('outcomes', report))).toEqual(['input.refused', 'repeated']);
  });
});

describe('how long a signature counts', () => {
  it.each([
    ['controls', 'token.revoked', 'admin', { revokes: 't-1' }, CONTROL_LIFETIME_MS_MAX],
    ['outcomes', 'claim.requested', 'runner', { decision: '1', receipt: '' }, CLAIM_LIFETIME_MS_MAX],
  ] as const)('stands in its own bytes: %s of %s', (topic, kind, issuer, body, maxMs) => {
    const lane = acting();
    const sign = (expiresAtMs: number, issuedAtMs = lane.nowMs): string[] =>
      said(lane.when(topic, lane.sign({ kind, tenant: 'acme', issuer, body, issuedAtMs, expiresAtMs })));
    expect(sign(lane.nowMs + maxMs + 1)).toEqual(['input.refused', 'lives-too-long']);
    expect(sign(lane.nowMs + maxMs)).not.toContain('lives-too-long');
    expect(sign(lane.nowMs + 1, lane.nowMs - maxMs)).toEqual(['input.refused', 'lives-too-long']); // however little of it is left
    expect(sign(lane.nowMs + maxMs, lane.nowMs + ISSUED_AHEAD_MS_MAX + 1)).toEqual(['input.refused', 'issued-ahead']);
  });

  it('is for the admin never a question of room: a stop gets in', () => {
    const lane = acting();
    fill(lane);
    const body = { level: 'stop', scope: { kind: 'all' }, why: 'w', by: 'ana' };
    expect(said(lane.control('freeze.raised', '_system', body, { id: 'f-1' }))).toContain('freeze.raised');
  });
});

describe('a claim', () => {
  it('of a permit that only the log’s key says, and no decision, is refused', async () => {
    const lane = acting();
    lane.propose('a-1');
    const [denied] = lane.propose('a-2', { resource: { type: 'thing', id: 'nowhere' } });
    const allowed = lane.entries.find(({ statement }) => statement.subject[0].name === 'a-1');
    if (!denied || !allowed) throw new Error('two decisions');
    const forged = forgedPermit(lane.forging(denied, allowed));
    const body = { decision: denied.statement.predicate.index, receipt: forged };
    const value = lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id: 'c-1', body });
    expect(said(lane.when('outcomes', value))).toEqual(['claim.refused', 'CLAIM_RECEIPT']);
    await expectSound(lane);
  });
});

describe('the effects of one executor', () => {
  it('that nobody reported of are closed by an admin, and then awaited no more', async () => {
    const lane = acting();
    const [decided] = lane.propose('a-1');
    claim(lane, decided, 'c-1');
    const close = { decision: decided?.statement.predicate.index, by: 'ana', why: 'looked at the database' };
    expect(said(lane.control('effect.closed', 'acme', close))).toEqual(['input.refused', 'not-uncertain']);
    lane.nowMs += 16 * MINUTE_MS;
    expect(said(lane.tick())).toEqual(['effect.uncertain']);
    expect([lane.state.effectCounts.total, lane.state.uncertainCounts.ofIssuer('acme', 'runner')]).toEqual([1, 1]);
    const [closed] = lane.control('effect.closed', 'acme', close);
    expect([closed?.kind, closed?.actionId, closed?.statement.predicate['by']]).toEqual(['effect.closed', 'a-1', 'ana']);
    expect(Buffer.from(closed?.bytes ?? []).toString()).not.toContain('database');
    expect([lane.state.effectCounts.total, lane.state.uncertainCounts.total]).toEqual([0, 0]);
    await expectSound(lane);
  });

  it('that are uncertain keep that executor from claiming, and no other', () => {
    const lane = acting();
    Object.defineProperty(lane.state.uncertainCounts, 'ofIssuer', {
      value: (_tenant: string, issuer: string) => (issuer === 'runner' ? 1000 : 0),
    });
    const [decided] = lane.propose('a-1');
    expect(said(claim(lane, decided, 'c-1'))).toEqual(['claim.refused', 'CLAIM_LIMIT']);
    expect(said(claim(lane, decided, 'c-2', { issuer: 'other' }))).toEqual(['claim.refused', 'CLAIM_NOT_EXECUTOR']);
  });
});

function aheadOfTime(lane: MemoryLane): Uint8Array {
  const issuedAtMs = lane.nowMs + ISSUED_AHEAD_MS_MAX + 1;
  return lane.proposal('a-1', {}, { issuedAtMs, expiresAtMs: issuedAtMs + 5 * MINUTE_MS });
}

function raise(lane: MemoryLane): Entry[] {
  return lane.control(
    'freeze.raised',
    '_system',
    { level: 'freeze', scope: { kind: 'class', value: 'other' }, why: 'w', by: 'ana' },
    { id: 'f-1' },
  );
}
