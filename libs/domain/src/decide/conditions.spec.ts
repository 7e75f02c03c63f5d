import { describe, expect, it } from 'vitest';

import { attest, checkLane, CI, FakeEngine, laneBundle, MemoryLane, stated, statedWayBack, testDocument } from '#testing';

import { formatTime, parseTime } from '../formats/time.ts';
import type { Entry } from '../ledger/entry.ts';
import type { Json } from '../formats/canonical-json.ts';
import type { Evidence } from '../policy/types.ts';
import { encodeState } from './snapshot.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const { change, note } = testDocument().classes;

/** A CI, an executor, and a class of changes that owe nothing afterwards. `rule`: of that class. */
function ready(rule: Record<string, Json> = {}, more: Record<string, Json> = {}): MemoryLane {
  const lane = MemoryLane.ready();
  lane.registerIssuer('acme', CI, 'ci');
  lane.registerIssuer('acme', 'runner', 'executor');
  lane.activate(laneBundle({ classes: { change: { ...change, ...rule }, note }, ...more }));
  return lane;
}

interface Change {
  readonly target?: string;
  readonly evidence?: readonly Evidence[];
  readonly mode?: string;
}
function propose(lane: MemoryLane, id: string, { target = 'low', evidence = shown(lane, target), mode = 'enforce' }: Change = {}): Entry {
  const about = { class: 'change', connector: 'tool', operation: 'apply', resource: { type: 'thing', id: target } };
  const parameters = { tenant: 'acme', target, artifact: 'v2', amount: 1, back: { operation: 'undo', reference: 'v1' } };
  return only(lane.propose(id, { ...about, parameters, evidence, mode }));
}
const shown = (lane: MemoryLane, id = 'low', more: object = {}): [ci: Evidence, back: Evidence] => {
  const resource = { type: 'thing', id };
  return [stated(lane, { resource, ...more }), statedWayBack(lane, { resource, ...more })];
};

function claim(lane: MemoryLane, permitted: Entry, id = 'c-1'): Entry {
  const body = { decision: permitted.statement.predicate.index, receipt: lane.receiptOf(permitted) };
  return only(lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id, body })));
}
/** The settlement. */
function approve(lane: MemoryLane, { statement: { predicate } }: Entry, vote = 'approve'): Entry {
  const { index, bindingDigest } = predicate;
  return only(lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote, by: 'ben' }).slice(-1));
}
function only(entries: readonly Entry[]): Entry {
  const [entry] = entries;
  if (!entry || entries.length > 1) throw new Error(`one entry, not ${entries.length}`);
  return entry;
}
const said = ({ kind, statement: { predicate } }: Entry): string => {
  const { verdict, outcome, reasons = [] } = predicate as { verdict?: string; outcome?: string; reasons?: string[] };
  return [kind, verdict, outcome, ...reasons].filter((word) => word !== undefined).join(' ');
};
const permitOf = ({ statement }: Entry) => statement.predicate['permit'] as { executeBy: string } | undefined;

async function expectSound(lane: MemoryLane): Promise<void> {
  const live = encodeState(lane.state);
  expect(encodeState(lane.restart().state)).toEqual(live);
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
  expect(checked.unreplayable).toBe(0);
}

const ALLOWED = 'action.decided ALLOW ALLOW_POLICY';
const ASKED = 'action.decided ESCALATE ESCALATE_APPROVAL_REQUIRED';
const USED = 'action.decided DENY DENY_EVIDENCE_USED';
const MISSING = 'action.decided DENY DENY_MISSING_EVIDENCE';

describe('a statement', () => {
  it('counts for one decision: the next one needs another statement', async () => {
    const lane = ready();
    const evidence = shown(lane);
    expect(said(propose(lane, 'a-1', { evidence }))).toBe(ALLOWED);
    expect(said(propose(lane, 'a-2', { evidence }))).toBe(USED);
    expect(said(propose(lane, 'a-3', { evidence: [...evidence, ...shown(lane)] }))).toBe(ALLOWED);
    await expectSound(lane);
  });
  it('of a way back counts once as well', () => {
    const lane = ready();
    const [, back] = shown(lane);
    const again = () => [stated(lane), back];
    expect([said(propose(lane, 'a-1', { evidence: again() })), said(propose(lane, 'a-2', { evidence: again() }))]).toEqual([ALLOWED, USED]);
  });
  it('counts as often as the party that signed it says', () => {
    const lane = ready();
    const evidence = shown(lane, 'low', { uses: 2 });
    expect(['a-1', 'a-2', 'a-3'].map((id) => said(propose(lane, id, { evidence })))).toEqual([ALLOWED, ALLOWED, USED]);
  });
  it('is known as used after a restart, from genesis and from a snapshot', () => {
    const lane = ready();
    const evidence = shown(lane);
    propose(lane, 'a-1', { evidence });
    expect(said(propose(lane.restart(), 'a-2', { evidence }))).toBe(USED);
    expect(said(propose(lane.restart(lane.snapshot()), 'a-3', { evidence }))).toBe(USED);
  });
  it('is known as used after the input that it came with was erased', async () => {
    const lane = ready();
    const evidence = shown(lane);
    const { index } = propose(lane, 'a-1', { evidence }).statement.predicate;
    lane.control('input.erased', 'acme', { action: 'a-1', indexes: [index], why: 'asked for' });
    expect(said(propose(lane.restart(), 'a-2', { evidence }))).toBe(USED);
    await expectSound(lane);
  });
  it('is not used by what was denied, or asked in shadow mode', () => {
    const lane = ready();
    const [ci] = shown(lane);
    expect(said(propose(lane, 'a-1', { evidence: [ci] }))).toBe(MISSING);
    const evidence = [ci, statedWayBack(lane)];
    expect(said(propose(lane, 'a-2', { evidence, mode: 'shadow' }))).toBe('action.decided WOULD_ALLOW ALLOW_POLICY');
    expect(said(propose(lane, 'a-3', { evidence }))).toBe(ALLOWED);
  });
  it('is given back by an escalation that ends without a yes', () => {
    const lane = ready();
    const evidence = shown(lane, 'high');
    const asked = propose(lane, 'a-1', { target: 'high', evidence });
    expect(said(propose(lane, 'a-2', { target: 'high', evidence }))).toBe(USED);
    approve(lane, asked, 'deny');
    const again = propose(lane, 'a-3', { target: 'high', evidence });
    expect(said(again)).toBe(ASKED);
    expect(said(approve(lane, again))).toBe('escalation.settled ALLOW_APPROVED');
    expect(said(propose(lane, 'a-4', { target: 'high', evidence }))).toBe(USED);
  });
  it('is too old after a day, and at the age that the class says, whatever its own expiry says', () => {
    const at = (ageMs: number, rule: Record<string, Json> = {}): string => {
      const lane = ready(rule);
      const times = { issuedAt: formatTime(lane.nowMs - ageMs), expiresAt: formatTime(lane.nowMs + DAY_MS) };
      return said(propose(lane, 'a-1', { evidence: shown(lane, 'low', times) }));
    };
    expect([at(DAY_MS - 1), at(DAY_MS)]).toEqual([ALLOWED, MISSING]);
    const hour = { evidenceMaxAgeSeconds: { ci: 3600 } };
    expect([at(HOUR_MS - 1, hour), at(HOUR_MS, hour)]).toEqual([ALLOWED, MISSING]);
    expect(at(3 * DAY_MS, { evidenceMaxAgeSeconds: { ci: 604_800 } })).toBe(ALLOWED);
  });
  it('of version 1, which holds nothing that blinds its digest, counts for nothing', () => {
    const lane = ready();
    expect(said(propose(lane, 'a-1', { evidence: shown(lane, 'low', { version: 1 }) }))).toBe(MISSING);
  });
  it('that was used stays known while any bundle could count it, also one that takes older ones', () => {
    const lane = ready({ evidenceMaxAgeSeconds: { ci: 3600 } });
    const evidence = shown(lane, 'low', { expiresAt: formatTime(lane.nowMs + 30 * DAY_MS) });
    propose(lane, 'a-1', { evidence });
    lane.nowMs += 6 * DAY_MS;
    lane.activate(laneBundle({ classes: { change: { ...change, evidenceMaxAgeSeconds: { ci: 604_800 } }, note } }));
    expect(said(propose(lane, 'a-2', { evidence }))).toBe(USED);
    lane.nowMs += DAY_MS;
    expect(said(propose(lane, 'a-3', { evidence }))).toBe(MISSING);
  });
});

describe('what a decision rests on', () => {
  it('stands in its entry: parties, keys, digests, times and windows, and nothing that they stated', () => {
    const lane = ready();
    const evidence = shown(lane);
    const { predicate } = propose(lane, 'a-1', { evidence }).statement;
    const { keyid } = evidence[0];
    const until = formatTime(lane.nowMs + HOUR_MS);
    expect(predicate['conditions']).toMatchObject({
      evidence: [
        { type: 'ci', issuer: CI, keyid, usableUntil: until },
        { type: 'ci', issuer: CI, keyid, usableUntil: until },
      ],
      until,
      windows: [['weekdays']],
    });
    expect(JSON.stringify(predicate)).not.toMatch(/v1|v2/);
  });
  it('bounds the permit, and the time that people have', () => {
    const lane = ready();
    const expiresAt = formatTime(lane.nowMs + 20_000);
    const allowed = propose(lane, 'a-1', { evidence: shown(lane, 'low', { expiresAt }) });
    expect(permitOf(allowed)?.executeBy).toBe(expiresAt);
    const asked = propose(lane, 'a-2', { target: 'high', evidence: shown(lane, 'high', { expiresAt }) });
    expect(asked.statement.predicate['approvalDeadline']).toBe(expiresAt);
    lane.nowMs += 5000;
    expect(permitOf(approve(lane, asked))?.executeBy).toBe(expiresAt);
    lane.nowMs += 15_000;
    expect(said(claim(lane, allowed))).toBe('claim.refused CLAIM_EXPIRED');
  });
  it('bounds no permit that rests on no evidence', () => {
    const lane = ready();
    const allowed = only(lane.propose('a-1'));
    expect(allowed.statement.predicate).not.toHaveProperty('conditions');
    expect(parseTime(permitOf(allowed)?.executeBy ?? '') - lane.nowMs).toBe(15 * MINUTE_MS);
  });
});

describe('what a decision rests on is looked at again', () => {
  const CLOSED = laneBundle({ windows: { weekdays: { days: ['sat'], fromMinute: 0, toMinute: 1440 } } });
  const GONE = laneBundle({ windows: { other: { days: ['wed'], fromMinute: 0, toMinute: 1440 } }, classes: { note } });
  const revoke = (lane: MemoryLane): unknown => lane.control('issuer.revoked', 'acme', { revokes: CI });
  const revokeKey = (lane: MemoryLane): unknown => {
    const { keyid } = lane.parties.publicKeyOf(lane.parties.signerOf(CI, 'acme'));
    return lane.control('key.revoked', 'acme', { holder: CI, revokes: keyid });
  };
  const night = (lane: MemoryLane): unknown => (lane.nowMs = Date.UTC(2026, 10, 25, 18));

  it.each([
    ['nothing of it changed', () => undefined, 'claim.granted'],
    ['a party that vouched was revoked', revoke, 'claim.refused CLAIM_EVIDENCE'],
    ['the key that signed was revoked', revokeKey, 'claim.refused CLAIM_EVIDENCE'],
    ['the window has closed', night, 'claim.refused CLAIM_WINDOW'],
    ['a bundle in force closes the window', (lane: MemoryLane) => lane.activate(CLOSED), 'claim.refused CLAIM_WINDOW'],
    ['a bundle in force has no such window', (lane: MemoryLane) => lane.activate(GONE), 'claim.refused CLAIM_WINDOW'],
  ])('when it is claimed: %s', async (_, meanwhile, answer) => {
    const lane = ready({ executeWithinSeconds: 86_400 });
    const permitted = propose(lane, 'a-1', { evidence: shown(lane, 'low', { expiresAt: formatTime(lane.nowMs + DAY_MS) }) });
    meanwhile(lane);
    expect(said(claim(lane, permitted))).toBe(answer);
    await expectSound(lane);
  });

  it.each([
    ['nothing of it changed', () => undefined, 'escalation.settled ALLOW_APPROVED'],
    ['a party that vouched was revoked', revoke, 'escalation.settled DENY_MISSING_EVIDENCE'],
    ['the key that signed was revoked', revokeKey, 'escalation.settled DENY_MISSING_EVIDENCE'],
    ['the window has closed', night, 'escalation.settled DENY_WINDOW'],
  ])('when people have approved: %s', async (_, meanwhile, answer) => {
    const day = { 'two-eyes': { group: 'owners', min: 1, expiresInSeconds: 86_400 }, board: { group: 'board', min: 2 } };
    const lane = ready({}, { approvalRules: day });
    const evidence = shown(lane, 'high', { expiresAt: formatTime(lane.nowMs + DAY_MS) });
    const asked = propose(lane, 'a-1', { target: 'high', evidence });
    meanwhile(lane);
    expect(said(approve(lane, asked))).toBe(answer);
    await expectSound(lane);
  });

  it('when what people approved is claimed', () => {
    const lane = ready({ executeWithinSeconds: 86_400 });
    const approved = approve(lane, propose(lane, 'a-1', { target: 'high' }));
    revoke(lane);
    expect(said(claim(lane, approved))).toBe('claim.refused CLAIM_EVIDENCE');
  });
});
