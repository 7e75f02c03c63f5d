import { describe, expect, it } from 'vitest';

import { formatTime } from '#domain';

import { FakeLedger, HASH, Life, MemoryJournal } from './fake-ledger.ts';
import type { Handler } from './handler.ts';

const MINUTE_MS = 60_000;
const AFTER = 'b'.repeat(64);

/** What was reported, and why it did not run. */
const ending = (ledger: FakeLedger, life: Life) => [
  life.ran.length,
  ledger.reports.map(({ kind, status }) => `${kind} ${status}`),
  life.notices.filter(({ code }) => code === 'GRANT_LATE').map(({ detail }) => detail.split(':')[0]),
];
const NOT_RUN = [0, ['result failed'], ['result was not run']];
const RAN = [1, ['result succeeded'], []];

/** A hook that takes its time. */
const slow = (ledger: FakeLedger, minutes: number) => async () => {
  ledger.time.nowMs += minutes * MINUTE_MS;
  await Promise.resolve();
  return HASH;
};

/** An hour behind, and right. */
const WALL_ERRORS = [-60 * MINUTE_MS, 0];

describe('an effect', () => {
  it.each(WALL_ERRORS)(
    'does not run when its hook has taken it over its deadline, by a wall clock that is wrong by %d ms',
    async (error) => {
      const ledger = new FakeLedger();
      ledger.time.wallErrorMs = error;
      const life = new Life(ledger, { before: slow(ledger, 40) });
      ledger.allow();
      await life.idle();
      expect(ending(ledger, life)).toEqual(NOT_RUN);
      expect(ledger.reports).toMatchObject([{ before: HASH }]);
    },
  );

  it.each(WALL_ERRORS)('runs within its deadline, by a wall clock that is wrong by %d ms', async (error) => {
    const ledger = new FakeLedger();
    ledger.time.wallErrorMs = error;
    const life = new Life(ledger, { before: slow(ledger, 29) });
    ledger.allow();
    await life.idle();
    expect(ending(ledger, life)).toEqual(RAN);
  });

  it('does not run when the disk has taken it over its deadline', async () => {
    const ledger = new FakeLedger();
    class SlowDisk extends MemoryJournal {
      protected override write(record: Parameters<MemoryJournal['write']>[0]): Promise<void> {
        if (record.kind === 'running') ledger.time.nowMs += 31 * MINUTE_MS;
        return super.write(record);
      }
    }
    const life = new Life(ledger, {}, { journal: new SlowDisk() });
    ledger.allow();
    await life.idle();
    expect(ending(ledger, life)).toEqual(NOT_RUN);
  });

  it.each(WALL_ERRORS)('does not run on a grant that is read too late, by a wall clock that is wrong by %d ms', async (error) => {
    const ledger = new FakeLedger({ answers: false });
    ledger.time.wallErrorMs = error;
    let asked = 0;
    const life = new Life(ledger, { before: () => ((asked += 1), HASH) });
    ledger.decidedAt = formatTime(ledger.time.nowMs - 20 * MINUTE_MS); // what it has read before says little of the time
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    ledger.decidedAt = formatTime(ledger.time.nowMs);
    ledger.time.nowMs += 30 * MINUTE_MS - 1; // decided at once: its time is over in 1 ms
    ledger.grant();
    await life.idle();
    expect([...ending(ledger, life), asked]).toEqual([...NOT_RUN, 0]);
  });

  it.each(['1970-01-01T00:00:00.000Z', 'soon'])('does not run on a grant until %s', async (resultBy) => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger);
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    ledger.grant({ resultBy });
    await life.idle();
    expect(ending(ledger, life)).toEqual(NOT_RUN);
  });

  it('does not run after its deadline by what others were told meanwhile, where a restart has lost the time of its claim', async () => {
    const ledger = new FakeLedger({ answers: false });
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    const first = new Life(ledger);
    ledger.allow();
    await first.until(() => ledger.claims.length === 1);
    first.kill();
    ledger.grant();
    ledger.decidedAt = formatTime(ledger.time.nowMs + 29 * MINUTE_MS + 59_000);
    ledger.allow({ verdict: 'DENY', permit: undefined });
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    expect(ending(ledger, second)).toEqual(NOT_RUN);
  });

  it('that may run again does not, once the lane says that its deadline is near', async () => {
    const ledger = new FakeLedger();
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    const first = new Life(ledger, { run: () => new Promise(() => undefined) });
    ledger.allow();
    await first.until(() => first.journal.records.some(({ kind }) => kind === 'running'));
    first.kill();
    ledger.decidedAt = formatTime(ledger.time.nowMs + 29 * MINUTE_MS + 59_000);
    ledger.allow({ verdict: 'DENY', permit: undefined });
    const second = new Life(ledger, { idempotent: true }, { journal: first.journal });
    await second.idle();
    expect([second.ran, ledger.reports, second.codes]).toEqual([[], [], ['INTERRUPTED']]);
  });
});

describe('a permit', () => {
  it('is over by what the lane says, though the wall clock is behind', async () => {
    const ledger = new FakeLedger();
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    const life = new Life(ledger, {}, { isBehind: true });
    ledger.allow();
    await life.idle();
    ledger.decidedAt = ledger.executeBy;
    ledger.allow({ verdict: 'DENY', permit: undefined });
    life.worker.caughtUp();
    await life.idle();
    expect([ledger.claims, life.codes]).toEqual([[], ['PERMIT_EXPIRED']]);
  });

  it('is claimed at once by a wall clock that is behind its decision: it has begun', async () => {
    const ledger = new FakeLedger();
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    const life = new Life(ledger);
    ledger.allow();
    await life.idle();
    expect(life.codes).not.toContain('PERMIT_EARLY');
    expect(ending(ledger, life)).toEqual(RAN);
  });
});

describe('the way back', () => {
  const withRollback = {
    permit: { executors: ['me'], executeBy: '2099-01-01T00:00:00.000Z', obligations: ['healthcheck'], rollback: 'undo' },
  };
  const went = (ledger: FakeLedger): string[] => ledger.reports.map(({ kind, status }) => `${kind} ${status}`);

  function unhealthy(ledger: FakeLedger, before: () => Promise<string>, healthcheck = () => false): { life: Life; ways: () => number } {
    let ways = 0;
    let hooks = 0;
    const handler: Partial<Handler> = {
      healthcheck,
      before: () => ((hooks += 1) === 1 ? AFTER : before()), // the first is the change's
      rollback: () => {
        ways += 1;
      },
    };
    return { life: new Life(ledger, handler), ways: () => ways };
  }

  it.each(WALL_ERRORS)(
    'is not taken when its hook has taken it over its deadline, by a wall clock that is wrong by %d ms',
    async (error) => {
      const ledger = new FakeLedger();
      ledger.time.wallErrorMs = error;
      const { life, ways } = unhealthy(ledger, slow(ledger, 40));
      ledger.allow(withRollback);
      await life.until(() => went(ledger).includes('rollback failed'));
      expect([ways(), life.notices.find(({ code }) => code === 'GRANT_LATE')?.detail]).toEqual([
        0,
        expect.stringMatching(/^rollback was not run/),
      ]);
    },
  );

  it('is not taken on a grant that is read too late, by a wall clock that is behind', async () => {
    const ledger = new FakeLedger();
    ledger.wayBack = 'later';
    ledger.time.wallErrorMs = -60 * MINUTE_MS;
    const { life, ways } = unhealthy(
      ledger,
      () => Promise.resolve(HASH),
      () => {
        ledger.listen(() => undefined, 99n); // from here on the executor reads nothing
        ledger.decidedAt = formatTime(ledger.time.nowMs);
        return false;
      },
    );
    ledger.decidedAt = formatTime(ledger.time.nowMs - 20 * MINUTE_MS); // what it has read before says little of the time
    ledger.allow(withRollback);
    await life.until(() => went(ledger).includes('healthcheck failed'));
    ledger.grantRollback();
    ledger.time.nowMs += 30 * MINUTE_MS - 1;
    ledger.listen((verdict, offset) => {
      life.worker.take(verdict, offset);
    }, 0n);
    await life.until(() => went(ledger).some((report) => report.startsWith('rollback')));
    expect([ways(), went(ledger).at(-1)]).toEqual([0, 'rollback failed']);
  });
});
