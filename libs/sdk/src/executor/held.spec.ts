/** Claims that are refused: the table of reasons alone says which are made again. */
import { describe, expect, it } from 'vitest';

import { REASONS } from '#domain';

import { Unavailable } from '../errors.ts';
import { FakeLedger, Life, MemoryJournal } from './fake-ledger.ts';
import { type JournalRecord, remember, stillNeeded } from './journal.ts';

const MINUTE_MS = 60_000;
const PERMIT_MS = 15 * MINUTE_MS;
const refusals = [...REASONS].filter(([, { on }]) => on === 'claim.refused');
const codesThat = (isRetry: boolean) => refusals.filter(([, { next }]) => (next === 'retry') === isRetry).map(([code]) => code);

/** A permit that is frozen, claimed once and held. */
async function frozen(journal = new MemoryJournal()): Promise<{ ledger: FakeLedger; life: Life }> {
  const ledger = new FakeLedger({ refuses: 'CLAIM_FROZEN' });
  const life = new Life(ledger, {}, { journal });
  ledger.allow();
  await life.idle();
  expect([ledger.claims.length, life.codes]).toEqual([1, ['CLAIMED', 'HELD']]);
  return { ledger, life };
}
/** Takes its time to write. */
class SlowJournal extends MemoryJournal {
  slow: PromiseWithResolvers<undefined> | undefined;
  override async write(record: JournalRecord): Promise<void> {
    await this.slow?.promise;
    await super.write(record);
  }
}
const reasonsOf = (life: Life, wanted: string) => life.notices.filter(({ code }) => code === wanted).map(({ reasons }) => reasons);

describe('a refused claim', () => {
  it.each(codesThat(false))('is not made again after %s, and nothing runs', async (code) => {
    const ledger = new FakeLedger({ refuses: code });
    const life = new Life(ledger);
    ledger.allow();
    await life.pass(PERMIT_MS);
    expect([ledger.claims.length, life.ran, ledger.reports, reasonsOf(life, 'REFUSED')]).toEqual([1, [], [], [[code]]]);
  });

  it.each(codesThat(true))('is made again after %s, with an id of its own, and runs once when it is granted', async (code) => {
    const ledger = new FakeLedger({ refuses: code });
    const life = new Life(ledger);
    ledger.allow();
    await life.pass(MINUTE_MS);
    expect([new Set(ledger.claims).size, life.ran]).toEqual([4, []]); // after 0, 5, 15 and 35 s
    ledger.refuses = undefined;
    await life.pass(PERMIT_MS);
    expect(new Set(ledger.claims).size).toBe(5);
    expect(life.ran.map(({ claim }) => claim)).toEqual([ledger.claims[4]]);
    expect(ledger.reports).toMatchObject([{ claim: ledger.claims[4], kind: 'result', status: 'succeeded' }]);
    expect(reasonsOf(life, 'HELD')).toEqual([[code]]); // told once
  });

  it('has a pace: each pause is twice the one before, up to two minutes', async () => {
    const { ledger, life } = await frozen();
    const pauses = [5, 10, 20, 40, 80, 120, 120, 120, 120, 120, 120].map((seconds) => seconds * 1000);
    for (const [at, pauseMs] of pauses.entries()) {
      await life.pass(pauseMs - 1);
      expect(ledger.claims.length).toBe(1 + at);
      await life.pass(1);
      expect(ledger.claims.length).toBe(2 + at);
    }
  });

  it('ends with its permit, says the last refusal, and is never claimed again', async () => {
    const { ledger, life } = await frozen();
    await life.pass(MINUTE_MS);
    ledger.refuses = 'CLAIM_STOPPED';
    await life.pass(PERMIT_MS - MINUTE_MS - 1);
    expect([ledger.claims.length, life.codes.includes('PERMIT_EXPIRED')]).toEqual([12, false]);
    await life.pass(1);
    expect(life.codes.at(-1)).toBe('PERMIT_EXPIRED');
    ledger.refuses = undefined;
    await life.pass(PERMIT_MS);
    expect([ledger.claims.length, life.ran]).toEqual([12, []]);
    expect(life.notices.filter(({ level }) => level !== 'info')).toMatchObject([
      { code: 'HELD', reasons: ['CLAIM_FROZEN'] },
      { code: 'HELD', reasons: ['CLAIM_STOPPED'] },
      { code: 'PERMIT_EXPIRED', reasons: ['CLAIM_STOPPED'], claim: ledger.claims[11] },
    ]);
  });

  it('is not made again once somebody else was granted it', async () => {
    const { ledger, life } = await frozen();
    ledger.refuses = 'CLAIM_TAKEN';
    await life.pass(PERMIT_MS);
    expect([ledger.claims.length, life.ran, reasonsOf(life, 'REFUSED')]).toEqual([2, [], [['CLAIM_TAKEN']]]);
  });

  it('leaves its turn to the others meanwhile', async () => {
    const { ledger, life } = await frozen();
    ledger.refuses = undefined;
    ledger.allow();
    await life.idle();
    expect(life.ran.map(({ actionId }) => actionId)).toEqual(['a-1']);
    await life.pass(MINUTE_MS);
    expect(life.ran.map(({ actionId }) => actionId)).toEqual(['a-1', 'a-0']);
  });

  it('takes nothing that is said of an earlier claim for its answer', async () => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger);
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    ledger.refuse('CLAIM_FROZEN');
    await life.pass(MINUTE_MS);
    const [first = '', second] = ledger.claims;
    ledger.refuse('CLAIM_REPEATED', { claim: first }); // it had arrived twice
    ledger.grant({ claim: first });
    await life.idle();
    expect([ledger.claims.length, life.ran]).toEqual([2, []]);
    ledger.grant();
    await life.idle();
    expect(life.ran.map(({ claim }) => claim)).toEqual([second]);
  });
});

describe('a held claim after a crash', () => {
  it('goes on from the refusal, and runs once when it is lifted', async () => {
    const { ledger, life: first } = await frozen();
    first.kill();
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    expect([ledger.claims.length, second.codes]).toEqual([1, ['HELD']]);
    ledger.refuses = undefined;
    await second.pass(MINUTE_MS);
    expect([new Set(ledger.claims).size, second.ran.length]).toEqual([2, 1]);
    second.kill();
    const third = new Life(ledger, {}, { journal: first.journal });
    await third.pass(PERMIT_MS);
    expect([ledger.claims.length, third.ran]).toEqual([2, []]);
  });

  it('claims with the id that was on disk already, and with no other', async () => {
    const { ledger, life: first } = await frozen();
    ledger.failures.push(new Unavailable('BROKER_UNAVAILABLE', 'away', 'x'));
    await first.pass(5000);
    const [, written, ...more] = first.journal.records;
    expect([ledger.claims.length, more]).toEqual([1, []]);
    first.kill();
    ledger.refuses = undefined;
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.pass(MINUTE_MS);
    expect(written).toMatchObject({ kind: 'claimed', claim: ledger.claims[1] });
    expect([ledger.claims.length, second.ran.length]).toEqual([2, 1]);
  });

  it('runs what was granted while it was away, without claiming again', async () => {
    const ledger = new FakeLedger({ answers: false });
    const first = new Life(ledger);
    ledger.allow();
    await first.until(() => ledger.claims.length === 1);
    ledger.refuse('CLAIM_FROZEN');
    await first.pass(5000);
    first.kill();
    ledger.grant();
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.pass(PERMIT_MS);
    expect([ledger.claims.length, first.ran.length, second.ran.length]).toEqual([2, 0, 1]);
  });

  it('is over when the permit is, and says why', async () => {
    const { ledger, life: first } = await frozen();
    first.kill();
    ledger.time.nowMs += PERMIT_MS;
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.pass(PERMIT_MS);
    expect([ledger.claims.length, second.ran, reasonsOf(second, 'PERMIT_EXPIRED')]).toEqual([1, [], [['CLAIM_FROZEN']]]);
  });

  it('leaves no claim behind that the journal keeps for ever', async () => {
    const { ledger, life } = await frozen();
    await life.pass(MINUTE_MS);
    ledger.refuses = undefined;
    await life.pass(PERMIT_MS);
    life.worker.tick(99n);
    await life.idle();
    expect(stillNeeded(life.journal.records)).toEqual([{ kind: 'position', offset: '99' }]);
    expect(remember(life.journal.records).decisions.get('0')).toMatchObject({ claim: ledger.claims[4], ended: true });
  });
});

describe('closing while a claim is held', () => {
  it('does not wait for it, and the next start goes on with it', async () => {
    const { ledger, life: first } = await frozen();
    await first.worker.close(99n);
    expect(first.journal.records.at(-1)).toEqual({ kind: 'position', offset: '0' });
    await first.pass(PERMIT_MS / 2);
    expect(ledger.claims.length).toBe(1);
    ledger.refuses = undefined;
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.pass(MINUTE_MS);
    expect([ledger.claims.length, second.ran.length]).toEqual([2, 1]);
  });

  it('publishes no claim that was only just written down', async () => {
    const journal = new SlowJournal();
    const { ledger, life } = await frozen(journal);
    journal.slow = Promise.withResolvers();
    await life.pass(5000);
    const closed = life.worker.close(99n);
    journal.slow.resolve(undefined);
    await closed;
    expect([ledger.claims.length, journal.records.map(({ kind }) => kind)]).toEqual([1, ['claimed', 'claimed', 'position']]);
  });
});
