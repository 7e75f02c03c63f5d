import { describe, expect, it } from 'vitest';

import { attest, checkLane, FakeEngine, MemoryLane } from '#testing';

import type { Entry } from '../ledger/entry.ts';

const ASKS = { resource: { type: 'thing', id: 'high' } };
const erase = (lane: MemoryLane, action: string, indexes: readonly number[]): Entry[] =>
  lane.control('input.erased', 'acme', { action, indexes: indexes.map(String), why: 'asked by the customer' });
const indexOf = ([entry]: readonly Entry[]): number => Number(entry?.statement.predicate.index);
const detail = ([entry]: readonly Entry[]) => [entry?.kind, entry?.statement.predicate['detail']];
const verdict = ([entry]: readonly Entry[]) => [entry?.kind, ...((entry?.statement.predicate['reasons'] ?? []) as string[])];
const check = (lane: MemoryLane) => {
  const { controls, outcomes, actions } = lane.inputs;
  const counts = { controls: controls.length, outcomes: outcomes.length, actions: actions.length };
  return checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys), counts);
};

describe('an erasure', () => {
  it('names the action and its entries, in the tree of the tenant, and says nothing of why', () => {
    const lane = MemoryLane.ready();
    const index = indexOf(lane.propose('a-1'));
    const [erased, ...more] = erase(lane, 'a-1', [index]);
    expect(more).toEqual([]);
    expect(erased).toMatchObject({ tenant: 'acme', kind: 'input.erased', actionId: 'a-1', inputForm: 'plain' });
    expect(erased?.statement.subject[0].name).toBe('a-1');
    expect(erased?.statement.predicate['erases']).toEqual([String(index)]);
    expect(Buffer.from(erased?.bytes ?? []).includes('customer')).toBe(false);
  });

  it('of an entry that is not there, its own included, is refused', () => {
    const lane = MemoryLane.ready();
    const index = indexOf(lane.propose('a-1'));
    expect(detail(erase(lane, 'a-1', [index, index + 1]))).toEqual(['input.refused', 'beyond-tree']);
  });

  it('cancels an open escalation first: both entries or none', () => {
    const lane = MemoryLane.ready();
    const index = indexOf(lane.propose('a-1', ASKS));
    const entries = erase(lane, 'a-1', [index]);
    expect(entries.map(({ kind, actionId, inputForm }) => [kind, actionId, inputForm])).toEqual([
      ['escalation.settled', 'a-1', 'plain'],
      ['input.erased', 'a-1', 'none'],
    ]);
    expect(entries[0]?.statement.predicate).toMatchObject({ settles: String(index), outcome: 'CANCELLED_ERASED', issuer: 'platform' });
    expect(entries.map(({ statement }) => statement.predicate.source)).toMatchObject([
      { kind: 'record', part: 0, parts: 2 },
      { kind: 'record', part: 1, parts: 2 },
    ]);
    expect(lane.state.due.open).toEqual([]);
    expect(lane.state.tenants.get('acme')?.openByActor.size).toBe(0);
    lane.nowMs += 86_400_000;
    expect(lane.tick()).toEqual([]);
  });

  it('of one action never cancels what is open of another', () => {
    const lane = MemoryLane.ready();
    const [one, other] = [indexOf(lane.propose('a-1')), indexOf(lane.propose('a-2', ASKS))];
    expect(detail(erase(lane, 'a-1', [one, other]))).toEqual(['input.refused', 'another-action']);
    expect(erase(lane, 'a-1', [one])).toHaveLength(1);
    expect(lane.state.due.open).toHaveLength(1);
  });

  it('of an escalation that is over cancels nothing', () => {
    const lane = MemoryLane.ready();
    const index = indexOf(lane.propose('a-1', ASKS));
    lane.nowMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    lane.tick();
    expect(erase(lane, 'a-1', [index]).map(({ kind }) => kind)).toEqual(['input.erased']);
  });

  it('comes once under one id, and again under another: erased is erased', () => {
    const lane = MemoryLane.ready();
    const index = indexOf(lane.propose('a-1'));
    const body = { action: 'a-1', indexes: [String(index)], why: 'w' };
    const value = lane.sign({ kind: 'input.erased', tenant: 'acme', body });
    expect(lane.when('controls', value)[0]?.kind).toBe('input.erased');
    expect(detail(lane.when('controls', value))).toEqual(['input.refused', 'repeated']);
    expect(erase(lane, 'a-1', [index])[0]?.kind).toBe('input.erased');
  });

  it('is not taken from a platform or an executor', () => {
    const lane = MemoryLane.ready();
    const index = indexOf(lane.propose('a-1'));
    const [refused] = lane.control(
      'input.erased',
      'acme',
      { action: 'a-1', indexes: [String(index)], why: 'w' },
      { issuer: 'platform', signer: 'platform of acme' },
    );
    expect(refused?.statement.predicate).toMatchObject({ code: 'REFUSED_ISSUER' });
  });
});

describe('after an erasure', () => {
  const erased = () => {
    const lane = MemoryLane.ready();
    const value = lane.proposal('a-1', { parameters: { name: 'Ana' } });
    const index = indexOf(lane.when('actions', value));
    const before = lane.snapshot();
    return { lane, value, index, before };
  };

  it('the same request again is a conflict, as nobody can tell that it is the same', () => {
    const { lane, value, index } = erased();
    expect(verdict(lane.when('actions', value))).toEqual(['action.repeated']);
    erase(lane, 'a-1', [index]);
    const [conflict] = lane.when('actions', value);
    expect(verdict(conflict ? [conflict] : [])).toEqual(['action.decided', 'DENY_CONFLICT']);
    expect(conflict?.statement.predicate['first']).toBe(String(index));
  });

  it('a successor from genesis, from a snapshot before or after it, and the lane itself know the same', () => {
    const { lane, index, before } = erased();
    erase(lane, 'a-1', [index]);
    lane.propose('a-2');
    const live = lane.snapshot();
    for (const from of [undefined, before, live]) expect(lane.restart(from).snapshot().bytes).toEqual(live.bytes);
  });

  it('the request is in no snapshot, not even as a digest', () => {
    const { lane, index, before } = erased();
    const digest = lane.state.ids.find({ tenant: 'acme', issuer: 'platform', id: 'a-1' }, lane.nowMs)?.digest ?? [];
    expect(Buffer.from(before.bytes).includes(Buffer.from(digest))).toBe(true);
    erase(lane, 'a-1', [index]);
    expect(Buffer.from(lane.snapshot().bytes).includes(Buffer.from(digest))).toBe(false);
    expect(lane.state.ids.find({ tenant: 'acme', issuer: 'platform', id: 'a-1' }, lane.nowMs)).toMatchObject({ index, digest: null });
  });

  it('the checker calls the decision unreplayable because erased, and the ledger valid', async () => {
    const { lane, index } = erased();
    erase(lane, 'a-1', [index]);
    lane.propose('a-2');
    const checked = await check(lane);
    expect(checked).toMatchObject({ status: 'valid', erased: 1, unreplayable: 0 });
    const origin = lane.state.heads.trees.get('acme')?.origin ?? '';
    expect(checked.invariants.find(({ id }) => id === 'I7')).toMatchObject({
      status: 'holds',
      notes: [`UNREPLAYABLE(erased): ${origin} index ${index}`],
    });
  });

  it('a repetition that was not erased with its first is unreplayable too: what it repeats is gone', async () => {
    const { lane, value, index } = erased();
    lane.when('actions', value);
    erase(lane, 'a-1', [index]);
    expect(await check(lane)).toMatchObject({ status: 'valid', erased: 2, unreplayable: 0 });
  });

  it('a vote is unreplayable too, refused or not: whether it counts depends on whom the actor acted for', async () => {
    const lane = MemoryLane.ready();
    const asks = lane.propose('a-1', { ...ASKS, actor: { kind: 'agent', id: 'anas-bot', actingFor: 'ana' } });
    const predicate = asks[0]?.statement.predicate;
    const [index, bindingDigest] = [predicate?.index ?? '', predicate?.['bindingDigest']];
    const vote = (by: string) => lane.control('approval.recorded', 'acme', { decision: index, bindingDigest, vote: 'approve', by });
    expect(detail(vote('ana'))).toEqual(['input.refused', 'own-action']);
    expect(vote('ben')[0]?.kind).toBe('approval.recorded');
    erase(lane, 'a-1', [Number(index)]);
    // The decision, the refused vote, the one that counted and the settlement that it brought.
    expect(await check(lane)).toMatchObject({ status: 'valid', erased: 4, unreplayable: 0 });
  });

  it('a key that is gone without an entry that says so stays unreplayable for no known reason', async () => {
    const { lane, index } = erased();
    lane.inputKeys.delete(`${lane.state.heads.trees.get('acme')?.origin ?? ''}\0${index}`);
    expect(await check(lane)).toMatchObject({ erased: 0, unreplayable: 1 });
  });
});
