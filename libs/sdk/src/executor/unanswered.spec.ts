/** Claims that the lane does not read while they live: they are made again, with the same id. */
import { describe, expect, it } from 'vitest';

import { formatTime } from '#domain';

import { CLAIM_LIFETIME_MS } from '../claims.ts';
import { Unavailable } from '../errors.ts';
import { FakeLedger, Life, MemoryJournal } from './fake-ledger.ts';
import { type JournalRecord, remember } from './journal.ts';

const MINUTE_MS = 60_000;
const PERMIT_MS = 15 * MINUTE_MS;

/** Time passes, and the executor looks at its claims once a minute. */
async function passes(life: Life, minutes: number): Promise<void> {
  for (let each = 0; each < minutes; each++) {
    await life.pass(MINUTE_MS);
    life.worker.tick(0n);
    await life.idle();
  }
}

/** Takes its time to write. */
class SlowJournal extends MemoryJournal {
  slow: PromiseWithResolvers<undefined> | undefined;
  override async write(record: JournalRecord): Promise<void> {
    await this.slow?.promise;
    await super.write(record);
  }
}

/** A permit that is claimed, by an executor whose ledger answers nothing by itself. */
async function claimed(journal = new MemoryJournal()): Promise<{ ledger: FakeLedger; life: Life }> {
  const ledger = new FakeLedger({ answers: false });
  ledger.decidedAt = formatTime(ledger.time.nowMs - 20 * MINUTE_MS); // what it has read says little of the time
  const life = new Life(ledger, {}, { journal });
  ledger.allow();
  await life.idle();
  expect(ledger.attempts.length).toBe(1);
  return { ledger, life };
}
/** Of the ledger's answers: dated now. */
const now = (ledger: FakeLedger, resultWithinMs = PERMIT_MS) => {
  ledger.decidedAt = formatTime(ledger.time.nowMs);
  return { resultBy: formatTime(ledger.time.nowMs + resultWithinMs) };
};

describe('a claim that is not answered', () => {
  it('is made again with the same id before its life is over, while the permit lasts, and no longer', async () => {
    const { ledger, life } = await claimed();
    const made: number[] = [];
    for (let minute = 1; minute <= 15; minute++) {
      const before = ledger.attempts.length;
      await passes(life, 1);
      if (ledger.attempts.length > before) made.push(minute);
    }
    expect(4 * MINUTE_MS).toBeLessThan(CLAIM_LIFETIME_MS);
    expect([made, new Set(ledger.attempts).size, life.codes.includes('UNANSWERED')]).toEqual([[4, 8, 12], 1, false]);
    await passes(life, 2);
    expect([ledger.attempts.length, life.codes.at(-1), life.ran]).toEqual([4, 'UNANSWERED', []]);
  });

  it('runs once when a later copy of it is granted, and a refusal of the next copy changes nothing', async () => {
    const { ledger, life } = await claimed();
    await passes(life, 8);
    ledger.grant(now(ledger), '1');
    ledger.refuse('CLAIM_REPEATED');
    await life.idle();
    await passes(life, 10);
    expect([ledger.claims.length, life.ran.length, ledger.reports.map(({ status }) => status)]).toEqual([3, 1, ['succeeded']]);
  });

  it('is made again though Kafka is away at first, one copy at a time', async () => {
    const { ledger, life } = await claimed();
    const failures = Array.from({ length: 20 }, () => new Unavailable('BROKER_UNAVAILABLE', 'away', 'x'));
    ledger.failures.push(...failures);
    await passes(life, 6);
    expect(ledger.claims.length).toBe(1);
    await passes(life, 1);
    expect([ledger.claims.length, new Set(ledger.claims).size, ledger.attempts.length]).toEqual([2, 1, 2 + failures.length]);
  });

  it('is made again by the executor that was started meanwhile, and not while the ledger’s answer is there', async () => {
    const { ledger, life: first } = await claimed();
    first.kill();
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    await passes(second, 4);
    expect([ledger.claims.length, new Set(ledger.claims).size]).toEqual([3, 1]);
    ledger.grant(now(ledger), '2');
    await passes(second, 10);
    expect([ledger.claims.length, second.ran.length]).toEqual([3, 1]);
  });
});

describe('a grant of a later copy', () => {
  it('gives the time from that copy on, by a wall clock that is an hour behind too', async () => {
    const { ledger, life } = await claimed();
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    await passes(life, 4);
    ledger.grant(now(ledger, MINUTE_MS), '1');
    await life.idle();
    expect([life.ran.length, life.codes.includes('GRANT_LATE')]).toEqual([1, false]);
  });

  it('gives none to the effect when it granted the first copy, and is only read now', async () => {
    const { ledger, life } = await claimed();
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    const first = now(ledger, MINUTE_MS);
    await passes(life, 4);
    ledger.grant(first, '0');
    await life.idle();
    expect([life.ran.length, life.codes.includes('GRANT_LATE')]).toEqual([0, true]);
  });

  it.each(['at once', 'one by one'])(
    'counts after a refusal that may be asked again, read %s: it runs once, nothing is claimed anew',
    async (read) => {
      const { ledger, life } = await claimed();
      await passes(life, 4);
      ledger.refuse('CLAIM_FROZEN');
      if (read === 'one by one') await life.idle();
      ledger.refuse('CLAIM_REPEATED');
      if (read === 'one by one') await life.idle();
      ledger.grant(now(ledger), '1');
      await life.idle();
      expect([ledger.claims.length, new Set(ledger.claims).size, life.ran.length]).toEqual([2, 1, 1]);
      await passes(life, 15);
      expect([ledger.claims.length, life.ran.length]).toEqual([2, 1]);
    },
  );

  it('counts after such a refusal also while the next claim is being written down: that is not made', async () => {
    const journal = new SlowJournal();
    const { ledger, life } = await claimed(journal);
    await passes(life, 4);
    ledger.refuse('CLAIM_FROZEN');
    await life.idle();
    journal.slow = Promise.withResolvers();
    await life.pass(5000);
    ledger.grant(now(ledger), '1');
    journal.slow.resolve(undefined);
    await passes(life, 10);
    expect([new Set(ledger.claims).size, life.ran.length, ledger.reports.length]).toEqual([1, 1, 1]);
    expect(remember(journal.records).decisions.get('0')).toMatchObject({ claim: ledger.claims[0], ended: true });
  });

  it('counts after such a refusal for the next start as well, which reads both at once', async () => {
    const { ledger, life: first } = await claimed();
    await passes(first, 4);
    first.kill();
    ledger.refuse('CLAIM_FROZEN');
    ledger.grant(now(ledger), '1');
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    expect([ledger.claims.length, first.ran.length, second.ran.length]).toEqual([2, 0, 1]);
  });
});

it('a claim that is held is not renewed: it is made anew, with another id', async () => {
  const { ledger, life } = await claimed();
  ledger.refuse('CLAIM_FROZEN');
  await passes(life, 4);
  expect(new Set(ledger.attempts).size).toBe(2); // after 5 s; that one is not answered
  expect(ledger.attempts.length).toBe(2);
  await passes(life, 1);
  expect([ledger.attempts.length, new Set(ledger.attempts).size]).toEqual([3, 2]);
});
