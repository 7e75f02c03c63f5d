import { describe, expect, it } from 'vitest';

import { attest, checkLane, CI, FakeEngine, laneBundle, MemoryLane, statedWayBack, testDocument } from '#testing';

import type { Entry } from '../ledger/entry.ts';
import { encodeState } from './snapshot.ts';

const MINUTE_MS = 60_000;
const digest = 'a'.repeat(64);

/** A lane where `runner` may act on notes, which owe the given proof, and a decision to allow one. */
function ready(rule: object = {}): { lane: MemoryLane; decision: string; receipt: string; claim: (more?: object, by?: string) => Entry[] } {
  const lane = MemoryLane.ready(['acme', 'globex']);
  for (const executor of ['runner', 'other']) lane.registerIssuer('acme', executor, 'executor');
  lane.registerIssuer('globex', 'runner', 'executor');
  const { classes } = testDocument();
  lane.activate(laneBundle({ classes: { ...classes, note: { ...classes.note, ...rule } } }));
  const decision = decide(lane);
  const claim = (more: object = {}, issuer = 'runner'): Entry[] =>
    lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer, body: { ...decision }, id: 'c-1', ...more }));
  return { lane, ...decision, claim };
}

/** Proposes, and returns what an executor reads on `verdicts`. */
function decide(lane: MemoryLane, body: object = {}, id = 'a-1'): { decision: string; receipt: string } {
  const [entry] = lane.propose(id, body);
  if (!entry) throw new Error('no decision');
  return { decision: entry.statement.predicate.index, receipt: lane.receiptOf(entry) };
}

const report = (lane: MemoryLane, body: object, { issuer = 'runner' } = {}): Entry[] =>
  lane.when('outcomes', lane.sign({ kind: 'outcome.reported', tenant: 'acme', issuer, body }));
const said = (entries: readonly Entry[]) =>
  entries.map(({ kind, statement: { predicate } }) => [kind, predicate['reasons'] ?? predicate['detail'] ?? predicate['status']].flat());
const predicateOf = (entries: readonly Entry[]) => entries[0]?.statement.predicate;

async function expectSound(lane: MemoryLane): Promise<void> {
  const live = encodeState(lane.state);
  expect(encodeState(lane.restart().state)).toEqual(live);
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
  expect(checked.unreplayable).toBe(0);
}

describe('a claim', () => {
  it('is granted to the executor that the permit names, once, and names the action', async () => {
    const { lane, decision, claim } = ready();
    const [granted] = claim();
    expect(granted?.statement.subject[0].name).toBe('a-1');
    expect(granted?.statement.predicate).toMatchObject({ decision, claim: 'c-1', executor: 'runner', class: 'note', operation: 'write' });
    expect(said(claim({ id: 'c-2' }))).toEqual([['claim.refused', 'CLAIM_TAKEN']]);
    await expectSound(lane);
  });

  it('under the same id is answered once: a repetition is told where, and runs nothing', () => {
    const { claim } = ready();
    const [granted] = claim();
    const again = claim();
    expect(said(again)).toEqual([['claim.refused', 'CLAIM_REPEATED']]);
    expect(predicateOf(again)?.['first']).toBe(granted?.statement.predicate.index);
  });

  it('that came too late is granted when it is made again under the same id, signed anew', async () => {
    const { lane, claim } = ready();
    const life = { expiresAtMs: lane.nowMs + 5 * MINUTE_MS };
    lane.nowMs += 6 * MINUTE_MS;
    expect(said(claim(life))).toEqual([['input.refused', 'expired']]);
    expect(said(claim())[0]?.[0]).toBe('claim.granted');
    await expectSound(lane);
  });

  it.each([
    ['granted', false, 'claim.granted'],
    ['refused by a freeze', true, 'CLAIM_FROZEN'],
  ])(
    'that was %s has that answer for as long as the last of its copies counts, each made before the former expired',
    (_, isFrozen, answer) => {
      const { lane, claim } = ready();
      if (isFrozen) lane.control('freeze.raised', '_system', { level: 'freeze', scope: { kind: 'all' }, why: 'w', by: 'ana' });
      const copy = (): string => JSON.stringify(said(claim({ issuedAtMs: lane.nowMs, expiresAtMs: lane.nowMs + 5 * MINUTE_MS })));
      expect(copy()).toContain(answer);
      for (const minutes of [4, 8]) {
        lane.nowMs += 4 * MINUTE_MS;
        expect(copy(), `${minutes} minutes later`).toContain('CLAIM_REPEATED');
      }
      lane.nowMs += 5 * MINUTE_MS - 1;
      expect(copy()).toContain('CLAIM_REPEATED');
    },
  );

  it('by anyone else is refused and consumes nothing', () => {
    const { lane, claim, receipt, decision } = ready();
    expect(said(claim({}, 'other'))).toEqual([['claim.refused', 'CLAIM_NOT_EXECUTOR']]);
    const elsewhere = lane.sign({ kind: 'claim.requested', tenant: 'globex', issuer: 'runner', body: { decision, receipt }, id: 'c-9' });
    expect(said(lane.when('outcomes', elsewhere))).toEqual([['claim.refused', 'CLAIM_RECEIPT']]);
    expect(
      said(lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'platform', body: { decision, receipt } }))),
    ).toEqual([['input.refused', 'key-not-admitted']]);
    expect(said(claim({ id: 'c-2' }))[0]?.[0]).toBe('claim.granted');
  });

  it.each([
    ['one bit of the receipt', (receipt: string) => receipt.replace('index ', 'index 1')],
    ['no receipt at all', () => ''],
    ['the checkpoint of another log', (receipt: string) => receipt.replaceAll('ledger.example', 'ledger.example.org')],
  ])('with a receipt that proves nothing is refused: %s', (_, change) => {
    const { claim, decision, receipt } = ready();
    expect(said(claim({ body: { decision, receipt: change(receipt) } }))).toEqual([['claim.refused', 'CLAIM_RECEIPT']]);
  });

  it('with the receipt of another decision than it names is refused', () => {
    const { lane, claim, receipt } = ready();
    const other = decide(lane, {}, 'a-2');
    expect(said(claim({ body: { decision: other.decision, receipt } }))).toEqual([['claim.refused', 'CLAIM_RECEIPT']]);
  });

  it('of what was not allowed is refused', () => {
    const { lane, claim } = ready();
    for (const [at, body] of [
      { resource: { type: 'thing', id: 'high' } },
      { resource: { type: 'thing', id: 'frozen' } },
      { mode: 'shadow' },
    ].entries()) {
      const body2 = decide(lane, body, `b-${at}`);
      expect(said(claim({ body: body2, id: `d-${at}` }))).toEqual([['claim.refused', 'CLAIM_NO_PERMIT']]);
    }
  });

  it('after executeBy is refused, to the millisecond', () => {
    const { lane, claim } = ready({ executeWithinSeconds: 60 });
    lane.nowMs += MINUTE_MS - 1;
    expect(said(claim())[0]?.[0]).toBe('claim.granted');
    const late = ready({ executeWithinSeconds: 60 });
    late.lane.nowMs += MINUTE_MS;
    expect(said(late.claim())).toEqual([['claim.refused', 'CLAIM_EXPIRED']]);
  });

  it('after the proposer was revoked is refused', () => {
    const { lane, claim } = ready();
    lane.control('issuer.revoked', 'acme', { revokes: 'platform' });
    expect(said(claim())).toEqual([['claim.refused', 'CLAIM_REVOKED']]);
  });

  it.each([
    ['freeze', 'CLAIM_FROZEN'],
    ['stop', 'CLAIM_STOPPED'],
  ])('under a %s in its scope is refused with %s and consumes nothing', async (level, reason) => {
    const { lane, claim } = ready();
    const scope = { kind: 'class', value: 'note' };
    lane.control('freeze.raised', '_system', { level, scope, why: 'incident', by: 'ana' }, { id: 'f-1' });
    const refused = claim();
    expect(said(refused)).toEqual([['claim.refused', reason]]);
    expect(predicateOf(refused)?.['freeze']).toBe('f-1');
    lane.control('freeze.lifted', '_system', { lifts: 'f-1', by: 'ben', why: 'over' });
    expect(said(claim({ id: 'c-2' }))[0]?.[0]).toBe('claim.granted');
    await expectSound(lane);
  });

  it('that is no claim is refused as bytes are, and leaves an entry', () => {
    const { lane, claim } = ready();
    expect(said(claim({ body: { decision: '01', receipt: '' } }))).toEqual([['input.refused', 'decision']]);
    expect(said(claim({ expiresAtMs: lane.nowMs }))).toEqual([['input.refused', 'expired']]);
    expect(said(report(lane, { claim: 'c-1' }))).toEqual([['input.refused', 'decision']]);
  });
});

describe('an outcome', () => {
  it('is recorded once, from the claimant only, with the state before and after', async () => {
    const { lane, decision, claim } = ready({ after: ['state-hash'] });
    claim();
    const done = { decision, claim: 'c-1', kind: 'result', status: 'succeeded' };
    expect(said(report(lane, done))).toEqual([['input.refused', 'state-hash']]);
    expect(said(report(lane, { ...done, before: digest, after: digest }, { issuer: 'other' }))).toEqual([
      ['input.refused', 'not-the-claimant'],
    ]);
    expect(said(report(lane, { ...done, claim: 'c-2', before: digest, after: digest }))).toEqual([['input.refused', 'no-open-effect']]);
    const recorded = report(lane, { ...done, before: digest, after: digest });
    expect(predicateOf(recorded)).toMatchObject({ outcome: 'result', status: 'succeeded', before: digest, after: digest, late: false });
    expect(lane.state.tenants.get('acme')?.effects.size).toBe(0);
    expect(said(report(lane, { ...done, before: digest, after: digest }))).toEqual([['input.refused', 'no-open-effect']]);
    await expectSound(lane);
  });

  it('of a failed health check sets the approved way back free, and the rollback has its own record', async () => {
    const { lane, decision, claim } = withRollback();
    claim();
    const of = { decision, claim: 'c-1' };
    expect(said(report(lane, { ...of, kind: 'healthcheck', status: 'failed' }))).toEqual([['input.refused', 'not-awaited']]);
    expect(predicateOf(report(lane, { ...of, kind: 'result', status: 'succeeded' }))?.['awaits']).toBe('healthcheck');
    const failed = report(lane, { ...of, kind: 'healthcheck', status: 'failed' });
    expect(failed.map(({ kind }) => kind)).toEqual(['outcome.recorded', 'rollback.granted']);
    expect(failed[1]?.statement.predicate).toMatchObject({ operation: 'undo', executor: 'runner' });
    expect(said(report(lane, { ...of, kind: 'rollback', status: 'succeeded' }))).toEqual([['outcome.recorded', 'succeeded']]);
    expect(lane.state.tenants.get('acme')?.effects.size).toBe(0);
    await expectSound(lane);
  });

  it.each([
    ['freeze', ['outcome.recorded', 'rollback.granted']],
    ['stop', ['outcome.recorded']],
  ])('of a failed health check under a %s gives %j', async (level, kinds) => {
    const { lane, decision, claim } = withRollback();
    claim();
    lane.control('freeze.raised', '_system', { level, scope: { kind: 'agent', value: 'bot' }, why: 'incident', by: 'ana' });
    report(lane, { decision, claim: 'c-1', kind: 'result', status: 'succeeded' });
    const failed = report(lane, { decision, claim: 'c-1', kind: 'healthcheck', status: 'failed' });
    expect(failed.map(({ kind }) => kind)).toEqual(kinds);
    await expectSound(lane);
  });

  it('that does not come leaves the effect uncertain, and a late one settles it and says so', async () => {
    const { lane, decision, claim } = ready({ resultWithinSeconds: 60 });
    claim();
    lane.nowMs += MINUTE_MS - 1;
    expect(lane.tick()).toEqual([]);
    lane.nowMs += 1;
    expect(lane.tick().map(({ kind }) => kind)).toEqual(['effect.uncertain']);
    expect(lane.tick()).toEqual([]);
    expect(lane.state.tenants.get('acme')?.effects.size).toBe(1);
    const snapshot = lane.snapshot();
    const late = report(lane, { decision, claim: 'c-1', kind: 'result', status: 'failed' });
    expect(predicateOf(late)).toMatchObject({ late: true, status: 'failed' });
    const live = encodeState(lane.state);
    expect(encodeState(lane.restart(snapshot).state)).toEqual(live);
    await expectSound(lane);
  });
});

/** A change whose class requires a way back, and a health check afterwards. */
function withRollback(): ReturnType<typeof ready> {
  const { lane } = ready();
  const { classes } = testDocument();
  const note = { ...classes.note, connectorRequired: true, requires: ['rollback'], after: ['healthcheck'] };
  const { contracts } = testDocument();
  const { apply, undo } = contracts.tool.operations;
  const tool = {
    version: '1',
    operations: { apply: { ...apply, class: 'note', rollbackPath: '/back' }, undo: { ...undo, class: 'note' } },
  };
  lane.activate(laneBundle({ classes: { ...classes, note }, contracts: { tool } }));
  const parameters = { tenant: 'acme', target: 'low', artifact: 'new', amount: 1, back: { operation: 'undo', reference: 'old' } };
  lane.registerIssuer('acme', CI, 'ci');
  const body = {
    class: 'note',
    connector: 'tool',
    operation: 'apply',
    parameters,
    evidence: [statedWayBack(lane, { artifactDigest: 'old' })],
  };
  const decision = decide(lane, body, 'b-1');
  const claim = (more: object = {}): Entry[] =>
    lane.when(
      'outcomes',
      lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', body: { ...decision }, id: 'c-1', ...more }),
    );
  return { lane, ...decision, claim };
}
