import { describe, expect, it } from 'vitest';

import { attest, checkLane, type Checked, FakeEngine, forgedPermit, laneBundle, MemoryLane } from '#testing';

import { IdBook } from '../decide/ids.ts';
import { utf8 } from '../formats/bytes.ts';
import { tenantSeed } from '../formats/log-key.ts';
import { signCheckpoint } from '../formats/checkpoint.ts';
import { parseProof } from '../formats/tlog-proof.ts';
import { statementBytes } from '../ledger/statement.ts';
import { digestWith, NOTHING_VOIDED } from '../ledger/void.ts';
import { NOT_JUDGED } from '../policy/types.ts';
import type { InvariantId } from './report.ts';

const ready = () => {
  const lane = MemoryLane.ready(['acme', 'globex']);
  lane.propose('a-1');
  lane.propose('a-2', {}, { tenant: 'globex' });
  lane.when('actions', null);
  return lane;
};
const topicsOf = ({ birth, lane, ledger, inputKeys, deadLetters }: MemoryLane) => ({ birth, lane, ledger, inputKeys, deadLetters });
const countsOf = ({ inputs }: MemoryLane) => ({
  controls: inputs.controls.length,
  outcomes: inputs.outcomes.length,
  actions: inputs.actions.length,
});
const check = (lane: MemoryLane, inputs = countsOf(lane), attested = attest(lane, lane.parties.keys)) =>
  checkLane(lane, new FakeEngine(), attested, inputs);
const violated = ({ invariants }: Checked): InvariantId[] => invariants.filter(({ status }) => status === 'violated').map(({ id }) => id);

describe('the checker', () => {
  it('finds a whole lane valid, with nothing to come', async () => {
    expect(await check(ready())).toMatchObject({ status: 'valid', pending: 0, headsAhead: 0, unreplayable: 0 });
  });

  it('finds a lane valid whose clock was set back by less than a second across tenants, with an escalation between', async () => {
    const lane = ready();
    lane.propose('waits', { resource: { type: 'thing', id: 'high' } });
    const deadlineMs = lane.state.due.open[0]?.deadlineMs ?? 0;
    lane.nowMs = deadlineMs + 300;
    lane.propose('g-1', {}, { tenant: 'globex' });
    lane.nowMs = deadlineMs - 400;
    lane.propose('g-2', {}, { tenant: 'globex' });
    lane.propose('a-3');
    expect(violated(await check(lane))).toEqual([]);
  });

  it('finds a lane valid that refused a bundle because nobody had judged it, and not one that refused it for another reason', async () => {
    class Saying extends FakeEngine {
      constructor(readonly said: readonly string[]) {
        super();
      }
      override refusals(): readonly string[] {
        return this.said;
      }
    }
    const refusing = (reason: string): MemoryLane => {
      const lane = ready();
      lane.engine = new Saying([reason]);
      lane.activate(laneBundle({ name: 'next' }));
      return lane;
    };
    expect(violated(await check(refusing(NOT_JUDGED)))).toEqual([]);
    expect(violated(await check(refusing('a permit without a guard')))).toEqual(['I7']);
  });

  it('counts inputs without a decision and entries without a receipt as pending, and calls neither a fault', async () => {
    const lane = ready();
    const { receipts, heads } = attest(lane, lane.parties.keys);
    const counts = countsOf(lane);
    const checked = await check(lane, { ...counts, actions: counts.actions + 2 }, { receipts: receipts.slice(0, -1), heads });
    expect(checked).toMatchObject({ status: 'valid', pending: 3 });
  });

  it('names a receipt that is missing, doubled, swapped or of another tenant (I4), or of nobody (I5)', async () => {
    const lane = ready();
    const { receipts, heads } = attest(lane, lane.parties.keys);
    const [first, second, ...rest] = receipts;
    if (!first || !second) throw new Error('no receipts');
    const wrong: [InvariantId, typeof receipts][] = [
      ['I4', [first, first, second, ...rest]],
      ['I4', [second, first, ...rest]],
      ['I4', [first, ...rest]],
      ['I4', [{ ...first, tenant: 'acme' }, second, ...rest]],
      ['I5', [{ ...first, tenant: 'nobody' }, second, ...rest]],
    ];
    for (const [id, hostile] of wrong) expect(violated(await check(lane, countsOf(lane), { receipts: hostile, heads }))).toContain(id);
  });

  it('names an entry whose time is not that of its record (I11); without append times it says that it cannot tell', async () => {
    const lane = ready();
    const dates = lane.entries.map(({ statement }) => Date.parse(statement.predicate.decidedAt));
    const checkWith = (appendedAtMs: readonly number[]) =>
      checkLane({ ...topicsOf(lane), appendedAtMs }, new FakeEngine(), attest(lane, lane.parties.keys), countsOf(lane));
    const told = ({ invariants }: Checked) => invariants.find(({ id }) => id === 'I11');
    const untold = await checkLane(topicsOf(lane), new FakeEngine(), attest(lane, lane.parties.keys), countsOf(lane));
    expect(told(untold)).toMatchObject({ status: 'not-applicable' });
    for (const apart of [0, 5000, -5000])
      expect(told(await checkWith(dates.map((date) => date + apart)))).toMatchObject({ status: 'holds', checked: lane.entries.length });
    for (const apart of [5001, -5001, 95_000]) {
      const wrong = dates.map((date, at) => (at === 3 ? date + apart : date));
      expect(violated(await checkWith(wrong))).toEqual(['I11']);
    }
  });

  it('dates an entry that was written to the ledger again by its receipt, which is older than its record (I11)', async () => {
    const lane = ready();
    const { receipts, heads } = attest(lane, lane.parties.keys);
    const dates = lane.entries.map(({ statement }) => Date.parse(statement.predicate.decidedAt));
    const lost = 3;
    const { statement } = lane.entries[lost] ?? {};
    const of = receipts.findIndex(({ proof }) =>
      Buffer.from(statement ? statementBytes(statement) : '').equals(parseProof(proof).entry ?? Buffer.of()),
    );
    expect(of).toBeGreaterThanOrEqual(0);
    const checkWith = (receiptMs: number | undefined) => {
      const appendedAtMs = dates.map((date, at) => (at === lost ? date + 95_000 : date));
      const stamped = receipts.map((each, at) => (at === of && receiptMs !== undefined ? { ...each, appendedAtMs: receiptMs } : each));
      return checkLane({ ...topicsOf(lane), appendedAtMs }, new FakeEngine(), { receipts: stamped, heads }, countsOf(lane));
    };
    const date = dates[lost] ?? 0;
    for (const timely of [date, date - 5000, date + 94_999]) {
      const { invariants, status } = await checkWith(timely);
      const { notes } = invariants.find(({ id }) => id === 'I11') ?? {};
      expect([status, notes]).toEqual(['valid', [expect.stringContaining('written to the ledger again')]]);
    }
    // Not older than the record, older than the decision, and of no known time: each proves nothing of it.
    for (const wrong of [date + 95_000, date - 5001, undefined]) expect(violated(await checkWith(wrong))).toEqual(['I11']);
  });

  it('names a signed checkpoint with another root, or where no batch ends (I10); unsigned ones are noise', async () => {
    const lane = ready();
    const { receipts, heads } = attest(lane, lane.parties.keys);
    const { origin, range } = lane.state.heads.trees.get('acme') ?? { origin: '', range: { size: 0 } };
    const seed = tenantSeed(lane.parties.seedOf('ledger'), origin);
    const forged = (by: Uint8Array) => ({
      origin,
      checkpoint: utf8(signCheckpoint({ origin, size: BigInt(range.size), root: new Uint8Array(32) }, by)),
    });
    expect(violated(await check(lane, countsOf(lane), { receipts, heads: [...heads, forged(seed)] }))).toEqual(['I10']);
    expect(violated(await check(lane, countsOf(lane), { receipts, heads: [...heads, forged(lane.parties.seedOf('decider'))] }))).toEqual(
      [],
    );
  });

  it('takes an operator’s signed word that exactly these entries were written again, when no receipt dates them (I11)', async () => {
    const lane = ready();
    const dates = lane.entries.map(({ statement }) => Date.parse(statement.predicate.decidedAt));
    const [from, to] = [3, 6];
    const digest = lane.entries.slice(from, to).reduce((sofar, { bytes }) => digestWith(sofar, bytes), NOTHING_VOIDED);
    const range = { lane: 0, from: BigInt(from), to: BigInt(to), digest, why: 'incident 9' };
    const checkWith = (apartMs: number, given: object, alsoAt = from): Promise<Checked> => {
      const appendedAtMs = dates.map((date, at) => (at === alsoAt || (from <= at && at < to) ? date + apartMs : date));
      const topics = { ...topicsOf(lane), appendedAtMs, restored: [{ ...range, ...given }] };
      return checkLane(topics, new FakeEngine(), attest(lane, lane.parties.keys), countsOf(lane));
    };
    const sound = await checkWith(95_000, {});
    expect([sound.status, sound.invariants.find(({ id }) => id === 'I11')?.notes]).toEqual([
      'valid',
      ['lane 0: sequences 3 to 5 were written again: incident 9'],
    ]);
    // Other entries, more than there are, one beside them, and dates that lie ahead of the broker's clock.
    for (const [apartMs, given, alsoAt] of [
      [95_000, { digest: NOTHING_VOIDED }],
      [95_000, { to: BigInt(lane.entries.length + 1) }],
      [95_000, {}, to],
      [-95_000, {}],
    ] as const)
      expect(violated(await checkWith(apartMs, given, alsoAt))).toEqual(['I11']);
  });

  it('compares what a claim was granted by with its own tree: a permit that only the log’s key signed convicts who believed it (I10)', async () => {
    const claimed = (rules: 1 | 2) => {
      const lane = MemoryLane.ready(['acme'], { rules });
      lane.registerIssuer('acme', 'runner', 'executor');
      const [allowed] = lane.propose('a-1');
      const [denied] = lane.propose('a-2', { resource: { type: 'thing', id: 'nowhere' } });
      if (!allowed || !denied) throw new Error('two decisions');
      const body = { decision: denied.statement.predicate.index, receipt: forgedPermit(lane.forging(denied, allowed)) };
      const [told] = lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id: 'c-1', body }));
      return { lane, kind: told?.kind };
    };
    // Deciders under rules 1 believed it.
    const old = claimed(1);
    expect([old.kind, violated(await check(old.lane))]).toEqual(['claim.granted', ['I7', 'I10']]);
    const now = claimed(2);
    const { invariants, status } = await check(now.lane);
    expect([now.kind, status]).toEqual(['claim.refused', 'valid']);
    expect(invariants.find(({ id }) => id === 'I10')?.notes).toEqual([expect.stringContaining('the log’s key signed it')]);
  });

  it('names a claim that was granted without a permit, to another executor, or twice, also where its input is gone (I7)', async () => {
    const claimed = (of: 'denied' | 'allowed', deciders: 'honest' | 'believing' = 'believing') => {
      const lane = MemoryLane.ready(['acme'], { rules: deciders === 'honest' ? 2 : 1 });
      lane.registerIssuer('acme', 'runner', 'executor');
      const [allowed] = lane.propose('a-1');
      const [denied] = lane.propose('a-2', { resource: { type: 'thing', id: 'nowhere' } });
      if (!allowed || !denied) throw new Error('two decisions');
      const receipt = of === 'denied' ? forgedPermit(lane.forging(denied, allowed)) : lane.receiptOf(allowed);
      const body = { decision: (of === 'denied' ? denied : allowed).statement.predicate.index, receipt };
      const claim = (id: string) =>
        lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id, body }))[0]?.kind;
      return { lane, claim };
    };
    const forgets = (lane: MemoryLane): void => {
      lane.inputKeys.delete([...lane.inputKeys.keys()].at(-1) ?? '');
    };
    const forged = claimed('denied');
    expect(forged.claim('c-1')).toBe('claim.granted');
    forgets(forged.lane);
    expect(violated(await check(forged.lane))).toEqual(['I7']);
    const honest = claimed('allowed', 'honest');
    expect(honest.claim('c-1')).toBe('claim.granted');
    forgets(honest.lane);
    expect(await check(honest.lane)).toMatchObject({ status: 'valid', unreplayable: 1 });
    const twice = claimed('allowed');
    for (const id of ['c-1', 'c-2']) {
      expect(twice.claim(id)).toBe('claim.granted');
      Object.assign(twice.lane.state.tenants.get('acme') ?? {}, { claims: new IdBook() });
      forgets(twice.lane);
    }
    expect(violated(await check(twice.lane))).toEqual(['I7']);
  });

  it('names an input record that the ledger skipped (I3), and one that it cites and that never was (I5)', async () => {
    const lane = ready();
    const skipping = ready();
    skipping.state.positions.actions = { epoch: 0, next: 7n };
    skipping.propose('a-9');
    expect(violated(await check(skipping, { ...countsOf(skipping), actions: 8 }))).toContain('I3');
    expect(violated(await check(lane, { ...countsOf(lane), actions: 2 }))).toEqual(['I5']);
  });

  it('takes an operator at his word: what input.gap names is neither skipped nor pending, in its own epoch only', async () => {
    const lane = ready();
    const gap = (from: number, to: number, epoch: number) =>
      lane.control('input.gap', '_system', { topic: 'actions', lane: 0, from: String(from), to: String(to), epoch });
    gap(3, 6, 0);
    expect(await check(lane, { ...countsOf(lane), actions: 6 })).toMatchObject({ status: 'valid', pending: 0 });
    lane.propose('a-6');
    expect(await check(lane, { ...countsOf(lane), actions: 7 })).toMatchObject({ status: 'valid', pending: 0 });
    gap(7, 2, 1);
    lane.propose('a-7');
    expect(await check(lane, { ...countsOf(lane), actions: 4 })).toMatchObject({ status: 'valid', pending: 1 });
  });

  it('counts entries as unreplayable whose key was destroyed, or that another engine judged, and goes on', async () => {
    const lane = ready();
    const [name] = [...lane.inputKeys.keys()].slice(-2);
    lane.inputKeys.delete(name ?? '');
    expect(await check(lane)).toMatchObject({ unreplayable: 1, status: 'valid' });
    class Newer extends FakeEngine {
      override readonly name = 'fake@2' as 'fake@1';
    }
    const checked = await checkLane(topicsOf(lane), new Newer(), attest(lane, lane.parties.keys));
    expect(checked.unreplayable).toBe(lane.entries.length);
    expect(violated(checked)).toEqual([]);
  });

  it('names a decision that comes out otherwise when it is made again (I7)', async () => {
    class Lenient extends FakeEngine {
      override authorize() {
        return { decision: 'allow' as const, reasons: ['low-risk'], errors: [] };
      }
    }
    const lane = MemoryLane.ready(['acme'], { engine: new Lenient() });
    lane.propose('a-1', { resource: { type: 'thing', id: 'frozen' } });
    expect(violated(await check(lane))).toEqual(['I7']);
  });
});
