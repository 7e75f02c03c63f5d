/** Cumulative limits of the standard bundle, through a whole lane: signed proposals in, receipts out, the ledger read again by the one checker. */
import { CedarEngine } from '#adapters';
import { type Entry, formatTime, type Json, parseBundle } from '#domain';
import { attest, checkLane, type MemoryLane } from '#testing';
import { describe, expect, it } from 'vitest';

import { standardDocument } from './row-bundles.ts';
import { laneFor } from './row-lane.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
function start(document: Json = standardDocument): MemoryLane {
  const lane = laneFor(new CedarEngine(), parseBundle(document), Date.UTC(2026, 10, 25, 12));
  platform(lane, 'refunds', ['bot', 'bot-2']);
  return lane;
}
function platform(lane: MemoryLane, issuer: string, agents: readonly string[]): void {
  const keys = [lane.parties.publicKeyOf(lane.parties.signerOf(issuer, 'acme'))];
  lane.registerIssuer('acme', issuer, 'platform', { keys, actors: agents.map((id) => ({ kind: 'agent', id })) });
}

function refund(
  lane: MemoryLane,
  id: string,
  { order = 'o-1', amountMinor = 5000, actor = 'bot', mode = 'enforce' } = {},
  issuer = 'refunds',
): Entry {
  const about = { class: 'refund.issue', connector: 'payments', operation: 'refund', resource: { type: 'account', id: 'support-refunds' } };
  const parameters = { tenantId: 'acme', account: 'support-refunds', order, amountMinor, currency: 'EUR' };
  const [entry] = lane.propose(id, { ...about, parameters, mode, actor: { kind: 'agent', id: actor } }, { issuer });
  if (!entry) throw new Error('nothing was decided');
  return entry;
}

function vote(lane: MemoryLane, { statement: { predicate } }: Entry, choice: 'approve' | 'deny'): Entry[] {
  const { index, bindingDigest } = predicate;
  return lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: choice, by: 'ben' });
}

const erase = (lane: MemoryLane, id: string, indexes: readonly string[]): Entry[] =>
  lane.control('input.erased', 'acme', { action: id, indexes, why: 'asked for' });
const indexOf = ({ statement }: Entry): string => statement.predicate.index;
const said = ({ statement: { predicate } }: Entry): string => [predicate.verdict, ...(predicate['reasons'] as string[])].join(' ');
const ASKED = 'ESCALATE ESCALATE_CUMULATIVE';

async function expectValid(lane: MemoryLane, unreplayable = 0): Promise<void> {
  const checked = await checkLane(lane, new CedarEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status === 'violated')).toEqual([]);
  expect(checked.unreplayable).toBe(unreplayable);
}

describe('twenty refunds of 50.00 for one order, under a threshold of 50.00', () => {
  it('pass once without a person, and each further one is asked of people', async () => {
    const lane = start();
    const answers = Array.from({ length: 20 }, (_, at) => said(refund(lane, `r-${at}`)));
    expect(answers).toEqual(['ALLOW ALLOW_POLICY', ...Array.from({ length: 19 }, () => ASKED)]);
    await expectValid(lane);
  });
  it('are told by the limit that the next one would go over, and no parameter of it is in the entry', () => {
    const lane = start();
    refund(lane, 'r-1', { order: 'order-of-eve' });
    const { predicate } = refund(lane, 'r-2', { order: 'order-of-eve' }).statement;
    expect(predicate).toMatchObject({ exceeded: ['refunds-of-an-order'], ruleSet: ['refund'] });
    const text = lane.entries.map(({ statement }) => JSON.stringify(statement)).join();
    expect(text).not.toMatch(/order-of-eve|5000/);
  });
  it('count for each order by itself, and for each tenant', () => {
    const lane = start();
    expect(said(refund(lane, 'r-1'))).toBe('ALLOW ALLOW_POLICY');
    expect(said(refund(lane, 'r-2', { order: 'o-2' }))).toBe('ALLOW ALLOW_POLICY');
    expect(said(refund(lane, 'r-3'))).toBe(ASKED);
  });
  it('spread over made-up orders are asked of people after the twentieth of a listed actor in a day', () => {
    const lane = start();
    const answers = Array.from({ length: 21 }, (_, at) => said(refund(lane, `r-${at}`, { order: `o-${at}`, amountMinor: 1 })));
    expect(answers.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'ALLOW ALLOW_POLICY'));
    expect(answers[20]).toBe(ASKED);
    expect(said(refund(lane, 'r-of-another', { order: 'o-99', amountMinor: 1, actor: 'bot-2' }))).toBe('ALLOW ALLOW_POLICY');
  });
});

describe('a limit per actor', () => {
  it('is one for all that one credential says under a `*`: another made-up id is no other limit', () => {
    const lane = start();
    platform(lane, 'anything', ['*']);
    const answers = Array.from({ length: 21 }, (_, at) => {
      const more = { order: `o-${at}`, amountMinor: 1, actor: `made-up-${at}` };
      return said(refund(lane, `r-${at}`, more, 'anything'));
    });
    expect([answers[19], answers[20]]).toEqual(['ALLOW ALLOW_POLICY', ASKED]);
  });
});

describe('what a limit counts', () => {
  it('an escalation while people may still say yes, and after they did', () => {
    const lane = start();
    const asked = refund(lane, 'r-1', { amountMinor: 6000 });
    expect(said(refund(lane, 'r-2', { amountMinor: 1 }))).toBe(ASKED);
    expect(vote(lane, asked, 'approve').at(-1)?.statement.predicate['outcome']).toBe('ALLOW_APPROVED');
    expect(said(refund(lane, 'r-3', { amountMinor: 1 }))).toBe(ASKED);
  });
  it('no escalation that people denied, and none that expired', () => {
    const lane = start();
    vote(lane, refund(lane, 'r-1', { amountMinor: 6000 }), 'deny');
    expect(said(refund(lane, 'r-2', { amountMinor: 1 }))).toBe('ALLOW ALLOW_POLICY');
    refund(lane, 'r-3', { amountMinor: 6000 });
    lane.nowMs += 5 * HOUR_MS;
    lane.tick();
    expect(said(refund(lane, 'r-4', { amountMinor: 4999 }))).toBe('ALLOW ALLOW_POLICY');
    expect(said(refund(lane, 'r-5', { amountMinor: 1 }))).toBe(ASKED);
  });
  it('nothing that was denied, repeated, or asked in shadow mode', () => {
    const lane = start();
    refund(lane, 'r-1', { amountMinor: 200_000 });
    refund(lane, 'r-2', { mode: 'shadow' });
    expect(said(refund(lane, 'r-3'))).toBe('ALLOW ALLOW_POLICY');
    expect(said(refund(lane, 'r-4', { mode: 'shadow' }))).toBe('WOULD_ESCALATE ESCALATE_CUMULATIVE');
  });
  it('a permit that expired unclaimed: the executor may have acted late, so nothing is given back', () => {
    const lane = start();
    refund(lane, 'r-1');
    lane.nowMs += 2 * HOUR_MS;
    expect(said(refund(lane, 'r-2', { amountMinor: 1 }))).toBe(ASKED);
  });
  it('what is in its window: thirty days, and at most a twenty-fourth longer', () => {
    const lane = start();
    refund(lane, 'r-1');
    lane.nowMs += 30 * DAY_MS - 1;
    expect(said(refund(lane, 'r-2'))).toBe(ASKED);
    const later = start();
    refund(later, 'r-1');
    later.nowMs += 31.25 * DAY_MS;
    expect(said(refund(later, 'r-2'))).toBe('ALLOW ALLOW_POLICY');
  });
  it('the same after a restart, from genesis and from a snapshot', () => {
    const lane = start();
    refund(lane, 'r-1');
    expect(said(refund(lane.restart(), 'r-2'))).toBe(ASKED);
    expect(said(refund(lane.restart(lane.snapshot()), 'r-3'))).toBe(ASKED);
  });
});

describe('a limit in the next log of its tenant', () => {
  it('goes on with what was counted in the old one', async () => {
    const lane = start();
    refund(lane, 'r-1');
    lane.rotateLog('acme');
    const asked = refund(lane, 'r-2');
    expect(said(asked)).toBe(ASKED);
    vote(lane, asked, 'deny');
    const counted = refund(lane, 'r-3', { order: 'o-2', amountMinor: 4000 });
    expect(said(refund(lane, 'r-4', { order: 'o-2', amountMinor: 1000 }))).toBe('ALLOW ALLOW_POLICY');
    erase(lane, 'r-3', [indexOf(counted)]);
    expect(said(refund(lane, 'r-5', { order: 'o-3' }))).toBe(ASKED);
    const live = lane.snapshot().bytes;
    expect(lane.restart().snapshot().bytes).toEqual(live);
    await expectValid(lane);
  });
});

describe('a limit whose counted actions are erased', () => {
  it('is over for every action until the erased one is out of its window, before and after a restart', async () => {
    const lane = start();
    const first = refund(lane, 'r-1');
    expect(said(refund(lane, 'r-2', { order: 'o-2' }))).toBe('ALLOW ALLOW_POLICY');
    erase(lane, 'r-1', [indexOf(first)]);
    expect(said(refund(lane, 'r-3', { order: 'o-3' }))).toBe(ASKED);
    const live = lane.snapshot().bytes;
    expect(lane.restart().snapshot().bytes).toEqual(live);
    expect(said(refund(lane, 'r-4', { order: 'o-4' }))).toBe(ASKED);
    lane.nowMs += 32 * DAY_MS;
    expect(said(refund(lane, 'r-5', { order: 'o-5' }))).toBe('ALLOW ALLOW_POLICY');
    await expectValid(lane);
  });
  it('stays as it is when what is erased did not count', () => {
    const lane = start();
    const message = lane.propose('m-1')[0];
    refund(lane, 'r-1', { amountMinor: 1 });
    erase(lane, 'm-1', [message ? indexOf(message) : '']);
    expect(said(refund(lane, 'r-2', { order: 'o-2' }))).toBe('ALLOW ALLOW_POLICY');
  });
  it('gives nothing back twice when the erased one was still asked of people', async () => {
    const lane = start();
    const asked = refund(lane, 'r-1', { amountMinor: 6000 });
    expect(erase(lane, 'r-1', [indexOf(asked)]).map(({ kind }) => kind)).toEqual(['escalation.settled', 'input.erased']);
    const live = lane.snapshot().bytes;
    expect(lane.restart().snapshot().bytes).toEqual(live);
    await expectValid(lane);
  });
});

describe('a limit that denies', () => {
  const limits = (standardDocument as { limits?: Record<string, Json> }).limits ?? {};
  const denying = (more: object): Json => ({
    ...standardDocument,
    limits: {
      ...limits,
      hard: { classes: ['refund.issue'], per: 'tenant', of: 'amount', max: 6000, windowSeconds: 3600, over: 'deny', ...more } as Json,
    },
  });
  it('denies what would go over it, and names it, also what people would have been asked', () => {
    const lane = start(denying({}));
    refund(lane, 'r-1');
    const denied = refund(lane, 'r-2', { order: 'o-2', amountMinor: 5001 });
    expect(said(denied)).toBe('DENY DENY_CUMULATIVE');
    expect(denied.statement.predicate['exceeded']).toEqual(['hard', 'refunds-of-an-order']);
    expect(said(refund(lane, 'r-3', { order: 'o-2', amountMinor: 1000 }))).toBe('ALLOW ALLOW_POLICY');
  });
  it('denies what it cannot measure', () => {
    const lane = start(denying({ per: '/reason' }));
    expect(said(refund(lane, 'r-1'))).toBe('DENY DENY_CUMULATIVE');
  });
  it('lets through again what has left the window', () => {
    const lane = start(denying({}));
    refund(lane, 'r-1');
    lane.nowMs += 1.05 * HOUR_MS;
    expect(said(refund(lane, 'r-2', { order: 'o-2' })), formatTime(lane.nowMs)).toBe('ALLOW ALLOW_POLICY');
  });
});
