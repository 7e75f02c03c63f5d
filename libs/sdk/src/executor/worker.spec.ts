import { describe, expect, it } from 'vitest';

import { formatTime } from '#domain';

import { Denied, Unavailable } from '../errors.ts';
import { EffectUnknown } from './handler.ts';
import { FakeLedger, HASH, Life } from './fake-ledger.ts';
import { JournalLost } from './journal.ts';

const AFTER = 'b'.repeat(64);

/** Parts that were reported, in order. */
const told = (ledger: FakeLedger): string[] => ledger.reports.map(({ kind, status }) => `${kind} ${status}`);

/** An executor that was killed while its handler was at work. */
async function killedWhileRunning(ledger: FakeLedger): Promise<Life> {
  const life = new Life(ledger, { run: () => new Promise(() => undefined) });
  ledger.allow();
  await life.until(() => life.journal.records.some(({ kind }) => kind === 'running'));
  life.kill();
  return life;
}

describe('an executor', () => {
  it('claims, runs on its own grant, and reports with the hashes of before and after', async () => {
    const ledger = new FakeLedger();
    const steps: string[] = [];
    const state = (digest: string) => () => {
      steps.push(digest === HASH ? 'before' : 'after');
      return digest;
    };
    const life = new Life(ledger, {
      before: state(HASH),
      run: ({ claim, parameters, resultBy }) => {
        steps.push('run');
        expect([parameters, resultBy, claim.length]).toEqual([{ n: 1 }, ledger.resultBy, 36]);
        return { evidence: [{ type: 'log', digest: AFTER }] };
      },
      after: state(AFTER),
    });
    ledger.allow();
    await life.idle();
    expect(steps).toEqual(['before', 'run', 'after']);
    expect(ledger.reports).toMatchObject([
      { kind: 'result', status: 'succeeded', before: HASH, after: AFTER, evidence: [{ type: 'log' }], decision: '0' },
    ]);
    expect(life.codes.toSorted()).toEqual(['CLAIMED', 'GRANTED', 'RECORDED', 'REPORTED']);
  });

  it('does not run before the grant, and writes the claim down before it is published', async () => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger);
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    expect(life.journal.records.map(({ kind }) => kind)).toEqual(['claimed']);
    expect(life.ran).toEqual([]);
    ledger.grant();
    await life.idle();
    expect(life.ran).toHaveLength(1);
  });

  it.each([
    ['another claim id', { claim: 'somebody-elses' }, ['GRANT_UNKNOWN']],
    ['another decision', { decision: '7' }, ['GRANT_MISMATCH']],
    ['another executor', { executor: 'other' }, ['GRANT_MISMATCH']],
    ['another key', { keyid: 'f'.repeat(32) }, ['GRANT_MISMATCH']],
    ['another binding', { bindingDigest: AFTER }, ['GRANT_MISMATCH']],
    ['another tree', { origin: 'other/t/log' }, ['GRANT_MISMATCH']],
    ['another operation', { operation: 'drop' }, ['GRANT_MISMATCH']],
  ])('runs nothing on a grant of %s', async (_, change, codes) => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger);
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    ledger.grant(change);
    await life.until(() => codes.every((code) => life.codes.includes(code)));
    await life.end();
    expect([life.ran, ledger.reports]).toEqual([[], []]);
  });

  it.each([
    ['a denial', { verdict: 'DENY', permit: undefined }, undefined],
    ['a shadow verdict', { verdict: 'WOULD_ALLOW', permit: undefined }, undefined],
    ['a permit for another', { permit: { executors: ['other'], executeBy: '2099-01-01T00:00:00.000Z' } }, undefined],
    ['a permit that is over', { permit: { executors: ['me'], executeBy: '2000-01-01T00:00:00.000Z' } }, 'PERMIT_EXPIRED'],
    ['an operation without a handler', { operation: 'other' }, 'NO_HANDLER'],
    ['an operation named like a member of every object', { operation: 'constructor' }, 'NO_HANDLER'],
    ['an erased proposal', { proposal: null }, 'NO_PROPOSAL'],
    [
      'a duty that its handler cannot do',
      { permit: { executors: ['me'], executeBy: '2099-01-01T00:00:00.000Z', obligations: ['healthcheck'] } },
      'NO_HANDLER',
    ],
  ])('claims nothing on %s', async (_, change, code) => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    ledger.allow(change);
    await life.idle();
    expect([ledger.claims, life.codes]).toEqual([[], code === undefined ? [] : [code]]);
  });

  it.each([1, 600_000])('claims nothing before its permit has begun, %d ms from now: then it does', async (ms) => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    const notBefore = formatTime(ledger.time.nowMs + ms);
    ledger.allow({ permit: { executors: ['me'], notBefore, executeBy: '2099-01-01T00:00:00.000Z' } });
    await life.pass(ms - 1);
    expect([ledger.attempts, life.codes]).toEqual([[], ['PERMIT_EARLY']]);
    await life.pass(1);
    expect(life.codes).toContain('RECORDED');
    expect(life.ran).toHaveLength(1);
  });

  it('claims nothing on a permit from no time at all', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    ledger.decidedAt = 'soon';
    ledger.allow();
    await life.idle();
    expect([ledger.attempts, life.codes]).toEqual([[], ['PERMIT_EXPIRED']]);
  });

  it('ends while a permit has not begun, and the next start waits for it as well', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    const notBefore = formatTime(ledger.time.nowMs + 1);
    ledger.allow({ permit: { executors: ['me'], notBefore, executeBy: '2099-01-01T00:00:00.000Z' } });
    await life.until(() => life.codes.includes('PERMIT_EARLY'));
    await life.end();
    const next = new Life(ledger, {}, { journal: life.journal });
    await next.idle();
    expect([ledger.attempts, next.codes]).toEqual([[], ['PERMIT_EARLY']]);
    await next.end();
  });

  it('passes over a decision that another executor was granted while it waited for its turn', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger, {}, { isBehind: true });
    ledger.allow();
    await life.idle();
    ledger.grant({ claim: 'somebody-elses', executor: 'other' });
    life.worker.caughtUp();
    await life.idle();
    expect([ledger.claims, life.codes]).toEqual([[], ['REFUSED']]);
  });

  it('runs one effect at a time, in the order of the decisions', async () => {
    const ledger = new FakeLedger();
    const running: string[] = [];
    const life = new Life(ledger, {
      run: async ({ actionId }) => {
        running.push(`${actionId} begins`);
        await Promise.resolve();
        running.push(`${actionId} ends`);
      },
    });
    ledger.allow();
    ledger.allow();
    await life.idle();
    expect(running).toEqual(['a-0 begins', 'a-0 ends', 'a-1 begins', 'a-1 ends']);
  });

  it('gives up a claim that nobody answers, and runs nothing when the grant comes after all', async () => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger);
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    ledger.time.nowMs = Date.parse(ledger.executeBy) + 59_999;
    life.worker.tick(0n);
    ledger.time.nowMs += 60_002; // a minute after both the permit's end and the claim
    life.worker.tick(0n);
    await life.until(() => life.codes.includes('UNANSWERED'));
    ledger.grant();
    await life.idle();
    expect(life.ran).toEqual([]);
  });
});

describe('what people are asked about', () => {
  it('runs when they said yes, with the proposal that they were asked about', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    ledger.allow({ verdict: 'ESCALATE', permit: undefined });
    await life.idle();
    expect(ledger.claims).toEqual([]);
    ledger.settle(0, 'ALLOW_APPROVED');
    await life.idle();
    expect(life.ran).toMatchObject([{ actionId: 'a-0', parameters: { n: 1 } }]);
    expect(ledger.reports).toMatchObject([{ decision: life.ran[0]?.decision, status: 'succeeded' }]);
  });

  it.each([
    ['said no', 'DENY_HUMAN', {}, []],
    ['said yes to something else', 'ALLOW_APPROVED', { bindingDigest: AFTER }, ['NO_PROPOSAL']],
    ['were asked before this executor looked', 'ALLOW_APPROVED', { settles: '7' }, ['NO_PROPOSAL']],
  ])('does not run when they %s', async (_, outcome, change, codes) => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    ledger.allow({ verdict: 'ESCALATE', permit: undefined });
    ledger.settle(0, outcome, change);
    await life.idle();
    expect([ledger.claims, life.ran, life.codes]).toEqual([[], [], codes]);
  });

  it('is remembered across a restart: its place is not behind the position', async () => {
    const ledger = new FakeLedger();
    const first = new Life(ledger);
    ledger.allow({ verdict: 'ESCALATE', permit: undefined });
    await first.worker.close(1n);
    expect(first.journal.records).toEqual([{ kind: 'position', offset: '0' }]);
    const second = new Life(ledger, {}, { journal: first.journal });
    ledger.settle(0, 'ALLOW_APPROVED');
    await second.idle();
    expect([first.ran.length, second.ran.length]).toEqual([0, 1]);
  });
});

describe('publishing', () => {
  it('repeats with the same id what was not acknowledged', async () => {
    const ledger = new FakeLedger();
    ledger.failures.push(new Unavailable('BROKER_UNAVAILABLE', 'away', 'x'), new Unavailable('BROKER_UNAVAILABLE', 'away', 'x'));
    const life = new Life(ledger);
    ledger.allow();
    await life.pass(1500);
    expect(new Set(ledger.attempts).size).toBe(2); // the claim and its result
    expect([ledger.attempts.length, life.ran.length, told(ledger)]).toEqual([4, 1, ['result succeeded']]);
  });

  it('runs once when the claim had arrived all the same', async () => {
    const ledger = new FakeLedger();
    ledger.failures.push('arrives all the same');
    const life = new Life(ledger);
    ledger.allow();
    await life.idle();
    expect([life.ran.length, told(ledger)]).toEqual([1, ['result succeeded']]);
  });

  it('says so when a claim can never be sent, and runs nothing', async () => {
    const ledger = new FakeLedger();
    ledger.failures.push(new Denied('DENY_MALFORMED', 'too large'));
    const life = new Life(ledger);
    ledger.allow();
    await life.idle();
    expect([life.ran, life.codes]).toEqual([[], ['NOT_SENT', 'NOT_SENT']]);
  });
});

describe('a handler', () => {
  it('that throws has failed: the state afterwards is reported too, and its health is not asked', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger, {
      before: () => HASH,
      after: () => HASH,
      healthcheck: () => true,
      run: () => {
        throw new Error('no such row');
      },
    });
    ledger.allow();
    await life.idle();
    expect(ledger.reports).toMatchObject([{ kind: 'result', status: 'failed', before: HASH, after: HASH }]);
    expect(life.notices.find(({ code }) => code === 'FAILED')).toMatchObject({ level: 'alarm', detail: 'result: no such row' });
  });

  it.each([
    ['throws EffectUnknown', () => Promise.reject(new EffectUnknown('connection lost in commit'))],
    ['reports no hash', () => Promise.resolve({ before: 'secret', after: HASH })],
    ['reports evidence that is none', () => Promise.resolve({ evidence: [{ type: 'a b', digest: HASH }] })],
  ])('that %s reports nothing', async (_, run) => {
    const ledger = new FakeLedger();
    const life = new Life(ledger, { run });
    ledger.allow();
    await life.idle();
    expect([ledger.reports, life.codes]).toEqual([[], ['CLAIMED', 'GRANTED', 'UNKNOWN_EFFECT']]);
  });

  it.each([
    ['cannot be read', () => Promise.reject(new Error('away'))],
    ['is no hash', () => 'x'],
  ])('does not run when its state %s', async (_, before) => {
    const ledger = new FakeLedger();
    const life = new Life(ledger, { before });
    ledger.allow();
    await life.idle();
    expect([life.ran, told(ledger)]).toEqual([[], ['result failed']]);
  });

  it('reports the hashes that it read in one transaction with its effect', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger, { before: () => HASH, run: () => ({ before: AFTER, after: AFTER }) });
    ledger.allow();
    await life.idle();
    expect(ledger.reports).toMatchObject([{ before: AFTER, after: AFTER }]);
  });

  it.each([
    ['healthy', () => true, 'succeeded'],
    ['unhealthy', () => false, 'failed'],
    ['unhealthy, as it throws', () => Promise.reject(new Error('503')), 'failed'],
  ])('is asked for its health after a good result: %s', async (_, healthcheck, status) => {
    const ledger = new FakeLedger();
    ledger.obligations = ['healthcheck'];
    const life = new Life(ledger, { healthcheck });
    ledger.allow();
    await life.idle();
    expect(told(ledger)).toEqual(['result succeeded', `healthcheck ${status}`]);
  });
});

it('is not asked for its health where the permit does not oblige to it: the ledger would refuse the report', async () => {
  const ledger = new FakeLedger();
  const life = new Life(ledger, { healthcheck: () => true });
  ledger.allow();
  await life.idle();
  expect(told(ledger)).toEqual(['result succeeded']);
});

describe('the way back', () => {
  const unhealthy = { healthcheck: () => false };
  const withRollback = {
    permit: { executors: ['me'], executeBy: '2099-01-01T00:00:00.000Z', obligations: ['healthcheck'], rollback: 'undo' },
  };

  it('runs on the ledger’s grant, once, with what was approved', async () => {
    const ledger = new FakeLedger();
    const ways: string[] = [];
    const life = new Life(ledger, {
      ...unhealthy,
      before: () => HASH,
      after: () => HASH,
      rollback: ({ rollback, actionId }) => {
        ways.push(`${actionId} ${rollback.operation}`);
      },
    });
    ledger.allow(withRollback);
    await life.until(() => told(ledger).includes('rollback succeeded'));
    ledger.grantRollback();
    await life.idle();
    expect(ways).toEqual(['a-0 undo']);
    expect(told(ledger)).toEqual(['result succeeded', 'healthcheck failed', 'rollback succeeded']);
  });

  it('is not taken without a grant', async () => {
    const ledger = new FakeLedger();
    ledger.obligations = ['healthcheck'];
    let went = 0;
    const life = new Life(ledger, {
      ...unhealthy,
      rollback: () => {
        went++;
      },
    });
    ledger.allow(); // its permit names no way back
    await life.idle();
    ledger.grantRollback({ executor: 'other' });
    expect([went, told(ledger)]).toEqual([0, ['result succeeded', 'healthcheck failed']]);
  });

  it('has nobody else’s effect between it and the change', async () => {
    const ledger = new FakeLedger();
    ledger.wayBack = 'later';
    const steps: string[] = [];
    const life = new Life(ledger, {
      ...unhealthy,
      run: ({ actionId }) => {
        steps.push(`${actionId} run`);
      },
      rollback: ({ actionId }) => {
        steps.push(`${actionId} back`);
      },
    });
    ledger.allow(withRollback);
    ledger.allow();
    await life.idle();
    ledger.grantRollback();
    await life.idle();
    expect(steps).toEqual(['a-0 run', 'a-0 back', 'a-1 run']);
  });

  it.each([
    ['a stop holds it back', 'none', () => undefined],
    [
      'the effect has become uncertain',
      'later',
      (ledger: FakeLedger) => {
        ledger.uncertain();
      },
    ],
    [
      'nobody says a word for an hour',
      'later',
      (ledger: FakeLedger, life: Life) => {
        ledger.time.nowMs += 62 * 60_000;
        life.worker.tick(0n);
      },
    ],
  ] as const)('is not waited for once %s: the next effect gets its turn', async (_, wayBack, happens) => {
    const ledger = new FakeLedger();
    ledger.wayBack = wayBack;
    const life = new Life(ledger, unhealthy);
    ledger.allow(withRollback);
    await life.idle();
    happens(ledger, life);
    await life.idle();
    ledger.allow({ permit: { executors: ['me'], executeBy: '2099-01-01T00:00:00.000Z' } });
    await life.until(() => ledger.claims.length === 2);
  });

  it('is reported as failed by a handler that has none', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger, unhealthy);
    ledger.allow(withRollback);
    await life.until(() => told(ledger).includes('rollback failed'));
    await life.idle();
    expect(life.codes).toContain('NO_ROLLBACK');
  });
});

describe('after a crash', () => {
  it('claims again with the same id what was not granted yet, and runs once', async () => {
    const ledger = new FakeLedger({ answers: false });
    const first = new Life(ledger);
    ledger.allow();
    await first.until(() => ledger.claims.length === 1);
    first.kill();
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.until(() => ledger.claims.length === 2);
    expect(new Set(ledger.claims).size).toBe(1);
    ledger.grant();
    await second.idle();
    expect([first.ran.length, second.ran.length]).toEqual([0, 1]);
  });

  it('runs what was granted while it was away, without claiming again', async () => {
    const ledger = new FakeLedger({ answers: false });
    const first = new Life(ledger);
    ledger.allow();
    await first.until(() => ledger.claims.length === 1);
    first.kill();
    ledger.grant();
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    expect([ledger.claims.length, second.ran.length]).toEqual([1, 1]);
  });

  it('never runs again what was running, says so, and reports nothing', async () => {
    const ledger = new FakeLedger();
    const first = await killedWhileRunning(ledger);
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    expect([second.ran, ledger.reports, second.codes]).toEqual([[], [], ['INTERRUPTED']]);
    const third = new Life(ledger, {}, { journal: first.journal });
    await third.idle();
    expect([third.ran, third.codes]).toEqual([[], []]);
  });

  it('tells what becomes of a claim that is over also when everything before it is behind us', async () => {
    const ledger = new FakeLedger();
    const first = await killedWhileRunning(ledger);
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.until(() => second.codes.includes('INTERRUPTED'));
    await second.idle();
    const behind = async (next: bigint): Promise<void> => {
      second.worker.tick(next);
      await second.until(() => second.journal.records.some((record) => record.kind === 'position' && record.offset === String(next)));
    };
    await behind(10n);
    ledger.uncertain();
    expect(second.codes).toEqual(['INTERRUPTED', 'UNCERTAIN']);
    await behind(11n); // heard, so forgotten now
    ledger.uncertain();
    expect(second.codes).toEqual(['INTERRUPTED', 'UNCERTAIN']);
  });

  it('runs again what is declared idempotent, with the state from before the first time', async () => {
    const ledger = new FakeLedger();
    const first = new Life(ledger, { before: () => HASH, run: () => new Promise(() => undefined) });
    ledger.allow();
    await first.until(() => first.journal.records.some(({ kind }) => kind === 'running'));
    first.kill();
    const second = new Life(ledger, { idempotent: true, before: () => AFTER, after: () => AFTER }, { journal: first.journal });
    await second.idle();
    expect(second.ran).toHaveLength(1);
    expect(ledger.reports).toMatchObject([{ status: 'succeeded', before: HASH, after: AFTER }]);
  });

  it('runs not even that once its time is over', async () => {
    const ledger = new FakeLedger();
    const first = await killedWhileRunning(ledger);
    ledger.time.nowMs = Date.parse(ledger.resultBy);
    const second = new Life(ledger, { idempotent: true }, { journal: first.journal });
    await second.idle();
    expect([second.ran, second.codes]).toEqual([[], ['INTERRUPTED']]);
  });

  it('reports what had run, without running it again, and goes on behind it', async () => {
    const ledger = new FakeLedger({ reports: false });
    ledger.obligations = ['healthcheck'];
    const first = new Life(ledger, { healthcheck: () => true });
    ledger.allow();
    await first.until(() => first.journal.records.some(({ kind }) => kind === 'ran'));
    first.kill();
    ledger.reportsArrive = true;
    const second = new Life(ledger, { healthcheck: () => true }, { journal: first.journal });
    await second.idle();
    expect([first.ran.length, second.ran.length, told(ledger)]).toEqual([1, 0, ['result succeeded', 'healthcheck succeeded']]);
  });

  it('does nothing at all where everything had been done', async () => {
    const ledger = new FakeLedger();
    const first = new Life(ledger);
    ledger.allow();
    await first.idle();
    first.kill();
    const second = new Life(ledger, {}, { journal: first.journal });
    await second.idle();
    expect([second.ran, second.codes, ledger.claims.length]).toEqual([[], ['RECORDED'], 1]); // the ledger's word is read again, nothing more
  });

  it('takes the way back once, whenever it died on it', async () => {
    const ledger = new FakeLedger();
    const handler = { healthcheck: () => false, rollback: () => new Promise<undefined>(() => undefined) };
    const first = new Life(ledger, handler);
    ledger.allow({ permit: { executors: ['me'], executeBy: '2099-01-01T00:00:00.000Z', obligations: ['healthcheck'], rollback: 'undo' } });
    await first.until(() => first.journal.records.some((record) => record.kind === 'running' && record.part === 'rollback'));
    first.kill();
    let went = 0;
    const second = new Life(
      ledger,
      {
        ...handler,
        rollback: () => {
          went++;
        },
      },
      { journal: first.journal },
    );
    await second.until(() => second.codes.includes('INTERRUPTED'));
    await second.idle();
    expect([went, told(ledger)]).toEqual([0, ['result succeeded', 'healthcheck failed']]);
  });

  it('an executor whose journal another one has opened stops before its effect, says so, and ends', async () => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger);
    ledger.allow();
    await life.until(() => ledger.claims.length === 1);
    life.journal.open();
    ledger.grant();
    await expect(life.worker.fatal).rejects.toBeInstanceOf(JournalLost);
    await life.idle();
    expect([life.ran, ledger.reports, life.notices.at(-1)]).toMatchObject([[], [], { code: 'JOURNAL_LOST', level: 'alarm' }]);
    await life.end();
  });

  it('an executor of many effects at once begins none of them after its journal was lost', async () => {
    const ledger = new FakeLedger({ answers: false });
    const life = new Life(ledger, {}, { atOnce: 3 });
    for (let each = 0; each < 3; each++) ledger.allow();
    await life.until(() => ledger.claims.length === 3);
    life.journal.open();
    ledger.claims.forEach((claim, decision) => {
      ledger.grant({ claim, decision: String(decision) });
    });
    await life.idle();
    expect([life.ran, life.codes.filter((code) => code === 'JOURNAL_LOST')]).toEqual([[], ['JOURNAL_LOST']]);
  });

  it('an executor whose journal cannot be written runs nothing', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    life.journal.full = true;
    ledger.allow();
    await expect(life.worker.fatal).rejects.toThrow('disk full');
    expect([life.ran, ledger.claims]).toEqual([[], []]);
  });
});

describe('closing', () => {
  it('waits for what runs and for its report, and claims nothing new', async () => {
    const ledger = new FakeLedger();
    const effect = Promise.withResolvers<undefined>();
    const life = new Life(ledger, { run: () => effect.promise });
    ledger.allow();
    ledger.allow();
    await life.until(() => life.codes.includes('GRANTED'));
    const closed = life.worker.close(99n);
    effect.resolve(undefined);
    await closed;
    expect([ledger.claims.length, told(ledger)]).toEqual([1, ['result succeeded']]);
    // The second decision waits at its place.
    expect(life.journal.records.at(-1)).toEqual({ kind: 'position', offset: String(ledger.offsetOf('a-1')) });
  });
});
