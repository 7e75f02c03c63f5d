import { beforeEach, describe, expect, it } from 'vitest';

import { attest, checkLane, LANE_START_MS, MemoryLane } from '#testing';

import { formatTime, parseTime } from '../formats/time.ts';
import type { Entry } from '../ledger/entry.ts';
import { CLOCK_DIFFERENCE_MAX_MS } from './lane-time.ts';

const SYSTEM = '_system';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const high = { resource: { type: 'thing', id: 'high' } };

const said = ([entry]: readonly Entry[]): string => {
  const { verdict, reasons, detail, decidedAt } = entry?.statement.predicate as unknown as Record<string, string>;
  return [entry?.kind, verdict, reasons?.toString(), detail, `+${(parseTime(decidedAt ?? '') - LANE_START_MS) / 1000} s`]
    .filter((word) => word !== undefined)
    .join(' ');
};
const correct = (lane: MemoryLane, body: object = {}, more: object = {}): Entry[] =>
  lane.control('time.corrected', SYSTEM, { lane: 0, laneTime: formatTime(lane.state.lastDecidedAtMs), ...body }, more);

/** A lane that decided something while all of its clocks were a day ahead, and now has right ones. */
function aheadByADay(tenants = ['acme']): MemoryLane {
  const lane = MemoryLane.ready(tenants);
  lane.nowMs = LANE_START_MS + DAY_MS;
  lane.propose('tomorrow');
  lane.nowMs = LANE_START_MS + 60_000;
  return lane;
}

describe('a lane whose time lies ahead of the clock', () => {
  let lane: MemoryLane;
  beforeEach(() => {
    lane = aheadByADay();
  });

  it('decides at its own time while that is within what clocks may differ by', () => {
    lane.nowMs = LANE_START_MS + DAY_MS - CLOCK_DIFFERENCE_MAX_MS;
    expect(said(lane.propose('next', {}, { issuedAtMs: lane.nowMs }))).toBe('action.decided ALLOW ALLOW_POLICY +86400 s');
    lane.nowMs -= 1;
    expect(said(lane.propose('after'))).toBe('input.refused lane-time-ahead +86394.999 s');
  });

  it('refuses proposals, claims and controls, dated by the clock', () => {
    expect(said(lane.propose('next'))).toBe('input.refused lane-time-ahead +60 s');
    expect(said(lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'platform' })))).toContain(
      'input.refused',
    );
    expect(said(lane.registerTenant('globex'))).toBe('input.refused lane-time-ahead +60 s');
    expect(lane.state.lastDecidedAtMs).toBe(LANE_START_MS + DAY_MS);
  });

  it('takes a stop, and the end of a party, as what only takes away', () => {
    const stop = { level: 'stop', scope: { kind: 'all' }, why: 'incident 7', by: 'ana' };
    expect(said(lane.control('freeze.raised', SYSTEM, stop))).toBe('freeze.raised +60 s');
    expect(said(lane.control('issuer.revoked', 'acme', { revokes: 'platform' }))).toBe('issuer.revoked +60 s');
    expect(said(correct(lane))).toBe('time.corrected +60 s');
    expect(lane.propose('through')[0]?.statement.predicate['code']).toBe('REFUSED_ISSUER');
  });

  it('goes on from the clock’s time after time.corrected, which each tree tells', () => {
    const both = aheadByADay(['acme', 'globex']);
    expect(correct(both).map(({ tenant, kind }) => `${tenant} ${kind}`)).toEqual([
      '_system.0 time.corrected',
      'acme time.corrected',
      'globex time.corrected',
    ]);
    both.nowMs += MINUTE_MS;
    expect(said(both.propose('next'))).toBe('action.decided ALLOW ALLOW_POLICY +120 s');
  });

  it('is corrected once, and only as what it is', () => {
    expect(said(correct(lane, { laneTime: formatTime(LANE_START_MS) }))).toBe('input.refused stale +60 s');
    expect(said(correct(lane, { lane: 1 }))).toBe('input.refused stale +60 s');
    const value = lane.sign({
      ...{ kind: 'time.corrected', body: { lane: 0, laneTime: formatTime(lane.state.lastDecidedAtMs) } },
    });
    expect(said(lane.when('controls', value))).toBe('time.corrected +60 s');
    expect(lane.when('controls', value)[0]?.kind).toBe('input.refused');
    expect(said(correct(lane))).toBe('input.refused not-ahead +60 s');
  });

  it('takes no correction by anyone but the admin', () => {
    const { issuer, signer } = { issuer: 'platform', signer: 'platform of acme' };
    expect(correct(lane, {}, { issuer, signer })[0]?.statement.predicate['code']).toBe('REFUSED_ISSUER');
  });
});

describe('after a correction', () => {
  it('what was signed before it is over: its id may have been forgotten while time ran ahead', () => {
    const lane = MemoryLane.ready();
    const early = lane.proposal('early');
    const lift = lane.sign({ kind: 'freeze.lifted', body: { lifts: 'f-1', by: 'ben', why: 'over' } });
    expect(said(lane.when('actions', early))).toContain('ALLOW');
    lane.nowMs = LANE_START_MS + DAY_MS;
    lane.propose('tomorrow');
    lane.nowMs = LANE_START_MS + 60_000;
    correct(lane);
    expect(said(lane.when('actions', early))).toBe('action.decided DENY DENY_EXPIRED expired +60 s');
    expect(said(lane.when('controls', lift))).toBe('input.refused expired +60 s');
    // A sender's clock may be a minute ahead, and its record may have been decided and forgotten all the same.
    lane.nowMs += MINUTE_MS - 1;
    expect(said(lane.propose('too-soon'))).toContain('DENY_EXPIRED');
    lane.nowMs += 1;
    expect(said(lane.propose('now'))).toContain('ALLOW');
  });

  it('an action asked before it is over, however it is signed anew', () => {
    const lane = aheadByADay();
    correct(lane);
    const askedAtMs = lane.nowMs - 1;
    lane.nowMs += 5 * MINUTE_MS;
    expect(said(lane.propose('asked-before', {}, { askedAtMs }))).toContain('DENY_EXPIRED');
  });

  it('a stop that had ended in the wrong time stands in the way again', () => {
    const lane = MemoryLane.ready();
    const until = formatTime(LANE_START_MS + HOUR_MS / 2);
    lane.control('freeze.raised', SYSTEM, { level: 'stop', scope: { kind: 'all' }, why: 'incident 7', by: 'ana', until });
    lane.nowMs += HOUR_MS;
    expect(said(lane.propose('too-late'))).toContain('ALLOW');
    lane.nowMs -= HOUR_MS - 60_000;
    correct(lane);
    lane.nowMs += MINUTE_MS;
    expect(said(lane.propose('in-time'))).toContain('DENY_STOPPED');
  });

  it('what time had settled stays settled', () => {
    const lane = MemoryLane.ready();
    expect(said(lane.propose('asked', high))).toContain('ESCALATE');
    lane.nowMs += 30 * DAY_MS;
    expect(lane.tick().map(({ kind }) => kind)).toEqual(['escalation.settled']);
    lane.nowMs -= 30 * DAY_MS - 60_000;
    correct(lane);
    expect(lane.tick()).toEqual([]);
  });

  it('deciding again gives the same bytes, and a snapshot the same state', async () => {
    const lane = aheadByADay(['acme', 'globex']);
    lane.propose('refused');
    lane.control('issuer.revoked', 'globex', { revokes: 'platform' });
    const before = lane.snapshot();
    correct(lane);
    lane.propose('next');
    const live = lane.snapshot().bytes;
    expect((await checkLane(lane, lane.engine, attest(lane, lane.parties.keys))).invariants.find(({ id }) => id === 'I7')).toMatchObject({
      status: 'holds',
      checked: lane.entries.length,
    });
    expect(lane.restart().snapshot().bytes).toEqual(live);
    expect(lane.restart(before).snapshot().bytes).toEqual(live);
  });
});

describe('a ledger of rules 1', () => {
  it('never goes back, and knows no correction', () => {
    const lane = MemoryLane.ready(['acme'], { rules: 1 });
    lane.nowMs += DAY_MS;
    lane.propose('tomorrow');
    lane.nowMs -= DAY_MS;
    expect(said(lane.propose('next', {}, { issuedAtMs: LANE_START_MS + DAY_MS, expiresAtMs: LANE_START_MS + DAY_MS + 1 }))).toContain(
      '+86400 s',
    );
    expect(correct(lane)[0]?.statement.predicate).toMatchObject({ code: 'REFUSED_ENCODING', detail: 'payload-type' });
  });
});
