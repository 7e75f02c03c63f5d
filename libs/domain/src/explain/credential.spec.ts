import { describe, expect, it } from 'vitest';

import { ActingLane, readBatches } from '#testing';

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

function reportOf(lane: ActingLane, id: string, keep = 100): ToldCredential | undefined {
  const report = new CredentialReport('acme', id, keep);
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
    const told = reportOf(lane, 'token-1', 1);
    expect(told?.proposed.map(({ action }) => action)).toEqual(['open']);
    expect(told?.counts).toEqual(reportOf(lane, 'token-1')?.counts);
  });

  it('is unknown where the ledger names no such credential', () => {
    expect(reportOf(lane, 'nobody')).toBeUndefined();
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
