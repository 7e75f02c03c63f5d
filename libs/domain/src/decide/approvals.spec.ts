import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, laneBundle, MemoryLane, testDocument } from '#testing';

import type { Entry } from '../ledger/entry.ts';
import { encodeState } from './snapshot.ts';

const MINUTE_MS = 60_000;
const HIGH = { resource: { type: 'thing', id: 'high' }, actor: { kind: 'agent', id: 'eves-bot', actingFor: 'eve' } };

/** A lane where people are asked for things of high risk, `min` of them, and a proposal that asks. */
function asking(min = 1): { lane: MemoryLane; asked: Entry; vote: (by: string, more?: object) => Entry[] } {
  const lane = MemoryLane.ready();
  for (const executor of ['runner', 'other']) lane.registerIssuer('acme', executor, 'executor');
  const { approvalRules, classes } = testDocument();
  const note = { ...classes.note, after: ['healthcheck'], executeWithinSeconds: 60 };
  lane.activate(laneBundle({ approvalRules: { ...approvalRules, 'two-eyes': { group: 'owners', min } }, classes: { ...classes, note } }));
  const [asked] = lane.propose('a-1', HIGH);
  if (asked?.statement.predicate.verdict !== 'ESCALATE') throw new Error('not asked');
  const { index, bindingDigest } = asked.statement.predicate;
  const vote = (by: string, more: object = {}): Entry[] =>
    lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: 'approve', by, ...more });
  return { lane, asked, vote };
}

const told = (entries: readonly Entry[]) =>
  entries.map(
    ({ kind, statement: { predicate } }) =>
      `${kind} ${[predicate['outcome'], predicate['vote'], predicate['detail']].find((word) => typeof word === 'string') ?? ''}`,
  );

function claim(lane: MemoryLane, entry: Entry | undefined, issuer = 'runner'): Entry[] {
  if (!entry) throw new Error('nothing to claim');
  const body = { decision: entry.statement.predicate.index, receipt: lane.receiptOf(entry) };
  return lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer, body }));
}

async function expectSound(lane: MemoryLane): Promise<void> {
  const live = encodeState(lane.state);
  expect(encodeState(lane.restart().state)).toEqual(live);
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
}

describe('an approval', () => {
  it('of one person, where one is enough, turns the escalation into a permit that its executor claims', async () => {
    const { lane, asked, vote } = asking();
    expect(claim(lane, asked).map(({ statement }) => statement.predicate['reasons'])).toEqual([['CLAIM_NO_PERMIT']]);
    const [recorded, settled] = vote('ana');
    expect(recorded?.statement.subject[0].name).toBe('a-1');
    expect(settled?.statement.predicate).toMatchObject({
      settles: asked.statement.predicate.index,
      outcome: 'ALLOW_APPROVED',
      bindingDigest: asked.statement.predicate['bindingDigest'],
      permit: { executors: ['runner'], executeBy: '2026-11-25T12:01:00.000Z', obligations: ['healthcheck'] },
    });
    expect(lane.state.due.open).toEqual([]);
    const [granted] = claim(lane, settled);
    expect(granted?.statement.predicate).toMatchObject({ class: 'note', operation: 'write', obligations: ['healthcheck'] });
    expect(granted?.kind).toBe('claim.granted');
    expect(claim(lane, settled).map(({ statement }) => statement.predicate['reasons'])).toEqual([['CLAIM_TAKEN']]);
    await expectSound(lane);
  });

  it('needs as many different people as the rule says: the same one twice is one', async () => {
    const { lane, vote } = asking(2);
    expect(told(vote('ana'))).toEqual(['approval.recorded approve']);
    expect(told(vote('Ana'))).toEqual(['approval.recorded approve']);
    lane.restart(lane.snapshot());
    expect(told(vote('ben'))).toEqual(['approval.recorded approve', 'escalation.settled ALLOW_APPROVED']);
    expect(told(vote('eva'))).toEqual(['input.refused not-open']);
    await expectSound(lane);
  });

  it.each(['eves-bot', 'eve', 'Eves-Bot', 'EVE'])('of one’s own action is refused and counts nothing: %s', async (by) => {
    const { lane, vote } = asking();
    expect(told(vote(by))).toEqual(['input.refused own-action']);
    lane.restart();
    expect(told(vote(by))).toEqual(['input.refused own-action']);
    expect(lane.state.due.open).toHaveLength(1);
    await expectSound(lane);
  });

  it('counts for nothing once nobody can read for whom the actor acts: a lost input key makes no one a stranger to it', async () => {
    const { lane, asked, vote } = asking(2);
    vote('ana');
    lane.inputKeys.delete(`${asked.statement.predicate.origin}\0${asked.statement.predicate.index}`);
    lane.restart();
    for (const by of ['eve', 'ben']) expect(told(vote(by))).toEqual(['input.refused not-open']);
    lane.nowMs += 60 * MINUTE_MS;
    expect(told(lane.tick())).toEqual(['escalation.settled EXPIRED_NO_DECISION']);
    const { invariants, unreplayable } = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
    expect(invariants.filter(({ status }) => status === 'violated')).toEqual([]);
    expect(unreplayable).toBeGreaterThan(0);
  });

  it('of something else than was asked is refused', () => {
    const { lane, vote } = asking();
    expect(told(vote('ana', { bindingDigest: 'a'.repeat(64) }))).toEqual(['input.refused another-binding']);
    expect(told(vote('ana', { decision: '0' }))).toEqual(['input.refused not-open']);
    expect(told(vote('ana', { vote: 'maybe' }))).toEqual(['input.refused vote']);
    expect(lane.state.due.open).toHaveLength(1);
  });

  it('at the deadline does not count: nobody’s answer is neither a yes nor a denial', async () => {
    const { lane, vote } = asking();
    lane.nowMs += 60 * MINUTE_MS;
    expect(told(vote('ana'))).toEqual(['input.refused not-open']);
    expect(told(lane.entries.filter(({ kind }) => kind === 'escalation.settled'))).toEqual(['escalation.settled EXPIRED_NO_DECISION']);
    await expectSound(lane);
  });

  it('by nobody but the admin’s word: a platform cannot vote', () => {
    const { lane, asked } = asking();
    const { index, bindingDigest } = asked.statement.predicate;
    const body = { decision: index, bindingDigest, vote: 'approve', by: 'ana' };
    expect(told(lane.when('controls', lane.sign({ kind: 'approval.recorded', tenant: 'acme', issuer: 'platform', body })))).toEqual([
      'input.refused key-not-admitted',
    ]);
  });
});

describe('a denial', () => {
  it('of one person ends it, whoever approved before', async () => {
    const { lane, vote } = asking(2);
    vote('ana');
    expect(told(vote('ben', { vote: 'deny' }))).toEqual(['approval.recorded deny', 'escalation.settled DENY_HUMAN']);
    expect(claim(lane, lane.entries.at(-1)).map(({ statement }) => statement.predicate['reasons'])).toEqual([['CLAIM_NO_PERMIT']]);
    await expectSound(lane);
  });
});

describe('what changed since people were asked', () => {
  it.each([
    ['another bundle', 'SUPERSEDED', (lane: MemoryLane) => lane.activate(laneBundle({ name: 'other' }))],
    ['a freeze', 'DENY_FROZEN', (lane: MemoryLane) => freeze(lane, 'freeze')],
    ['an emergency stop', 'DENY_STOPPED', (lane: MemoryLane) => freeze(lane, 'stop')],
  ])('%s settles %s, not a permit', async (_, outcome, change) => {
    const { lane, vote } = asking();
    change(lane);
    const [, settled] = vote('ana');
    expect(settled?.statement.predicate['outcome']).toBe(outcome);
    expect(settled?.statement.predicate['permit']).toBeUndefined();
    await expectSound(lane);
  });
});

const freeze = (lane: MemoryLane, level: string): Entry[] =>
  lane.control('freeze.raised', '_system', { level, scope: { kind: 'class', value: 'note' }, why: 'incident', by: 'ana' });
