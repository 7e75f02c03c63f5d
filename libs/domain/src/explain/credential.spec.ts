import { describe, expect, it } from 'vitest';

import { ActingLane, CI, MemoryLane, readBatches, stated, statedWayBack } from '#testing';

import { CredentialReport, formatCredential, type ToldCredential, type ToldLine } from './credential.ts';

const HIGH = { resource: { type: 'thing', id: 'high' } };

/** Something of everything that a token, a platform and an executor do. */
function busyLane(): ActingLane {
  const lane = new ActingLane({ seed: 'credential report' });
  lane.initialise();
  for (const tenant of ['acme', 'globex']) {
    lane.registerTenant(tenant);
    lane.registerIssuer(tenant, 'platform', 'platform');
    lane.issueToken(tenant, 'token-1');
  }
  lane.registerIssuer('acme', 'runner', 'executor');
  lane.activate();
  const by = { issuer: 'gateway' };
  const body = { token: 'token-1' };
  const allowed = lane.only(lane.propose('allowed', body, by));
  lane.propose('allowed', body, by);
  lane.propose('of-the-platform');
  lane.propose('of-globex', body, { ...by, tenant: 'globex' });
  lane.propose('denied', { ...body, class: 'none' }, by);
  const asked = lane.only(lane.propose('asked', { ...body, ...HIGH }, by));
  const approved = lane.vote(asked, 'ana');
  lane.report(lane.claim(approved, 'c-1'), 'result', 'succeeded');
  lane.report({ decision: '0', claim: 'c-9' }, 'result', 'succeeded');
  lane.propose('open', { ...body, ...HIGH }, by);
  lane.control('token.revoked', 'acme', { revokes: 'token-1' });
  lane.claim(allowed, 'c-2');
  return lane;
}

function reportOf(
  lane: MemoryLane,
  id: string,
  { keep = 100, keyid }: { keep?: number; keyid?: string | undefined } = {},
): ToldCredential | undefined {
  const report = new CredentialReport({ tenant: 'acme', id, keep, keyid });
  for (const { entries } of readBatches(lane)) {
    for (const { record, kind, statement } of entries) report.add({ tenant: record.tenant, kind, statement });
  }
  return report.told();
}
const said = ({ kind, said: word, reasons }: ToldLine) => [kind, word, ...reasons].filter((each) => each !== null).join(' ');

describe('what a credential did', () => {
  const lane = busyLane();

  it('of a token: its life, each verdict, and what came of it', () => {
    const told = reportOf(lane, 'token-1');
    expect(told?.life.map(({ kind }) => kind)).toEqual(['token.issued', 'token.revoked']);
    expect(told?.life[0]?.words.join(' ')).toContain('It may propose for: agent bot,');
    expect(told?.proposed.map((act) => [act.action, act.actor, said(act), ...act.then.map(said)])).toEqual([
      ['allowed', 'agent bot', 'action.decided ALLOW ALLOW_POLICY', 'action.repeated', 'claim.refused CLAIM_REVOKED'],
      ['denied', 'agent bot', 'action.decided DENY DENY_UNKNOWN_CLASS'],
      [
        ...['asked', 'agent bot', 'action.decided ESCALATE ESCALATE_APPROVAL_REQUIRED'],
        ...['approval.recorded', 'escalation.settled ALLOW_APPROVED', 'claim.granted', 'outcome.recorded result succeeded'],
      ],
      ['open', 'agent bot', 'action.decided ESCALATE ESCALATE_APPROVAL_REQUIRED', 'escalation.settled CANCELLED_REVOKED'],
    ]);
    expect(told?.counts).toMatchObject({
      'proposed ALLOW ALLOW_POLICY': 1,
      'then claim.refused': 1,
      'then escalation.settled ALLOW_APPROVED': 1,
    });
  });

  it('of the gateway: all that it signed for the tenant; of a platform: its own', () => {
    expect(reportOf(lane, 'gateway')?.proposed.map(({ action }) => action)).toEqual(['allowed', 'denied', 'asked', 'open']);
    expect(reportOf(lane, 'platform')?.proposed.map(({ action }) => action)).toEqual(['of-the-platform']);
  });

  it('of an executor: its claims with their reports, and what was refused of it', () => {
    const told = reportOf(lane, 'runner');
    expect(told?.claimed.map((act) => [said(act), ...act.then.map(said)])).toEqual([
      ['claim.granted', 'outcome.recorded result succeeded'],
      ['claim.refused CLAIM_REVOKED'],
    ]);
    expect(told?.refused.map(said)).toEqual(['input.refused REFUSED_BODY no-open-effect']);
    expect(told?.proposed).toEqual([]);
  });

  it('lists the last ones, and counts all', () => {
    const told = reportOf(lane, 'token-1', { keep: 1 });
    expect(told?.proposed.map(({ action }) => action)).toEqual(['open']);
    expect(told?.counts).toEqual(reportOf(lane, 'token-1')?.counts);
  });

  it('is unknown where the ledger names no such credential', () => {
    expect(reportOf(lane, 'nobody')).toBeUndefined();
  });

  it('of a token: also that it sent again what another token had asked first', () => {
    const two = MemoryLane.ready();
    for (const token of ['token-1', 'token-2']) two.issueToken('acme', token);
    for (const token of ['token-1', 'token-2', 'token-1']) two.propose('same', { token }, { issuer: 'gateway' });
    const told = (id: string) => reportOf(two, id)?.proposed.map((act) => [act.action, said(act), ...act.then.map(said)]);
    expect(told('token-1')).toEqual([['same', 'action.decided ALLOW ALLOW_POLICY', 'action.repeated', 'action.repeated']]);
    expect(told('token-2')).toEqual([['same', 'action.repeated']]);
    expect(reportOf(two, 'token-2')?.counts).toEqual({ repeated: 1 });
  });

  it('tells apart entries of two logs of the tenant that have one index', () => {
    const long = new ActingLane({ seed: 'two logs' });
    long.initialise();
    long.registerTenant('acme');
    long.registerIssuer('acme', 'platform', 'platform');
    long.registerIssuer('acme', 'runner', 'executor');
    long.activate();
    const old = long.only(long.propose('old'));
    long.rotateLog('acme');
    // As many entries again, by somebody else.
    long.registerIssuer('acme', 'other', 'platform');
    let later = long.only(long.propose('later-0', {}, { issuer: 'other' }));
    for (let at = 1; later.statement.predicate.index !== old.statement.predicate.index; at++)
      later = long.only(long.propose(`later-${at}`, {}, { issuer: 'other' }));
    long.claim(later, 'c-1');
    expect(reportOf(long, 'platform')?.proposed.map((act) => [act.action, ...act.then.map(said)])).toEqual([['old']]);
    expect(reportOf(long, 'other')?.proposed.at(-1)?.then.map(said)).toEqual(['claim.granted']);
  });

  it('of a party that vouches: the decisions that its statements counted for', () => {
    const vouching = MemoryLane.ready();
    vouching.registerIssuer('acme', CI, 'ci');
    const parameters = { tenant: 'acme', target: 'low', artifact: 'v2', amount: 1, back: { operation: 'undo', reference: 'v1' } };
    const change = { class: 'change', connector: 'tool', operation: 'apply', resource: { type: 'thing', id: 'low' }, parameters };
    vouching.propose('shown', { ...change, evidence: [stated(vouching), statedWayBack(vouching)] });
    vouching.propose('not-shown', change);
    const told = reportOf(vouching, CI);
    expect(told?.vouched.map((act) => [act.action, said(act)])).toEqual([['shown', 'action.decided ALLOW ALLOW_POLICY']]);
    expect(told?.counts).toEqual({ 'vouched ALLOW ALLOW_POLICY': 1 });
    expect(formatCredential(told ?? never())).toContain('The last that its statements counted for\n');
    const { keyid } = vouching.parties.publicKeyOf(vouching.parties.signerOf(CI, 'acme'));
    expect(reportOf(vouching, CI, { keyid })?.vouched.map((act) => act.keyid)).toEqual([keyid]);
    expect(reportOf(vouching, CI, { keyid: '0'.repeat(64) })?.vouched).toEqual([]);
  });

  it('of one key alone: what it signed, and not what another key of the same party did', () => {
    const keyid = lane.parties.publicKeyOf(lane.parties.signerOf('runner', 'acme')).keyid;
    const all = reportOf(lane, 'runner');
    expect(reportOf(lane, 'runner', { keyid })).toEqual({ ...all, keyid });
    const other = reportOf(lane, 'runner', { keyid: '0'.repeat(64) });
    expect([other?.claimed, other?.refused, other?.counts]).toEqual([[], [], {}]);
    expect(other?.life).toEqual(all?.life);
    expect(formatCredential(other ?? never())).toContain(`Credential runner of acme, as far as key ${'0'.repeat(64)} signed it`);
  });

  it('of the gateway: its key’s second life as well', () => {
    const rotated = MemoryLane.ready();
    rotated.rotateKey('gateway');
    expect(reportOf(rotated, 'gateway')?.life.map(({ kind }) => kind)).toEqual(['key.rotated']);
  });

  it('is told to people in lines', () => {
    const text = formatCredential(reportOf(lane, 'token-1') ?? never());
    expect(text).toContain('Credential token-1 of acme\n\nIts life\n');
    expect(text).toMatch(
      /\n {2} +\d+ {2}\S+ {2}action\.decided {2}ALLOW {2}ALLOW_POLICY {2}allowed, agent bot, write\n {6} +\d+ {2}\S+ {2}action\.repeated\n/,
    );
  });
});

function never(): never {
  throw new Error('no report');
}
