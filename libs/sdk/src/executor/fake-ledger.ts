/** For tests: a ledger that answers claims at once and hands its verdicts to a worker; and one life of an executor. */
import { setImmediate } from 'node:timers/promises';

import { type Json, permitOf, type Statement } from '#domain';

import type { ClaimBody, OutcomeBody } from '../claims.ts';
import { Unavailable } from '../errors.ts';
import type { VerifiedVerdict } from '../verdict.ts';
import { ExecutorClock } from './executor-clock.ts';
import { FakeTime } from './fake-time.ts';
import type { Handler, Job } from './handler.ts';
import { type Journal, JournalLost, type JournalRecord, remember } from './journal.ts';
import type { Notice } from './notice.ts';
import { Worker } from './worker.ts';

export const HASH = 'a'.repeat(64);
const ME = 'me';
const KEYID = '1'.repeat(32);

interface Allowing {
  readonly verdict?: string;
  readonly permit?: object | undefined;
  readonly operation?: string;
  readonly proposal?: null;
}

export class FakeLedger {
  decidedAt = '2026-01-01T00:00:00.000Z';
  readonly executeBy = '2026-01-01T00:15:00.000Z';
  readonly resultBy = '2026-01-01T00:30:00.000Z';
  obligations: string[] = [];
  /** `none`: a stop holds it back. */
  wayBack: 'granted' | 'later' | 'none' = 'granted';
  readonly time = new FakeTime(Date.parse('2026-01-01T00:00:00.000Z'));
  /** What it refuses claims with; undefined: it grants them. */
  refuses: string | undefined;
  /** Claim ids as they arrived, and every id that was tried. */
  readonly claims: string[] = [];
  readonly attempts: string[] = [];
  readonly reports: OutcomeBody[] = [];
  /** What the next publications meet, in order. */
  readonly failures: (Error | 'arrives all the same')[] = [];
  reportsArrive: boolean;
  readonly #log: VerifiedVerdict[] = [];
  readonly #decided: VerifiedVerdict[] = [];
  readonly #answers: boolean;
  #listener: ((verdict: VerifiedVerdict, offset: bigint) => void) | undefined;

  constructor({ answers = true, refuses, reports = true }: { answers?: boolean; refuses?: string; reports?: boolean } = {}) {
    this.#answers = answers;
    this.refuses = refuses;
    this.reportsArrive = reports;
  }

  /** From here on, after everything so far from the given offset. */
  listen(listener: (verdict: VerifiedVerdict, offset: bigint) => void, from: bigint): void {
    this.#listener = undefined;
    this.#log.forEach((verdict, at) => {
      if (BigInt(at) >= from) listener(verdict, BigInt(at));
    });
    this.#listener = listener;
  }

  /** Publishes an allowed action (a-0, a-1 and so on), or what `change` makes of it. */
  allow(change: Allowing = {}): void {
    const actionId = `a-${this.#decided.length}`;
    const operation = change.operation ?? 'set';
    const permit = 'permit' in change ? change.permit : { executors: [ME], executeBy: this.executeBy, obligations: this.obligations };
    const verdict = change.verdict ?? 'ALLOW';
    const proposal = { connector: 'db', operation, parameters: { n: 1 }, tenant: 'acme' };
    const members = { verdict, operation, bindingDigest: HASH, ...(permit ? { permit } : {}) };
    const decided = this.#publish('action.decided', actionId, verdict, members, change.proposal === null ? null : proposal);
    this.#decided.push(decided);
  }

  /** People answer the escalation of a-<at>. */
  settle(at: number, outcome: string, change: Record<string, Json> = {}): void {
    const permit = { executors: [ME], executeBy: this.executeBy };
    const members = {
      settles: String(at),
      outcome,
      bindingDigest: HASH,
      operation: 'set',
      ...(outcome === 'ALLOW_APPROVED' ? { permit } : {}),
    };
    this.#publish('escalation.settled', `a-${at}`, outcome, { ...members, ...change });
  }

  /** Grants the last claim, or what `change` makes of that; the first copy of everything that was ever sent, or another one. */
  grant(change: Record<string, Json> = {}, copy = '0'): void {
    const claim = { claim: this.claims.at(-1) ?? '', decision: '0', executor: ME };
    const binding = { keyid: KEYID, bindingDigest: HASH, resultBy: this.resultBy, operation: 'set' };
    const { decision } = { ...claim, ...change };
    this.#publish('claim.granted', this.#actionOf(decision), 'claim-granted', { ...claim, ...binding, ...change }, null, copy);
  }

  grantRollback(change: Record<string, Json> = {}): void {
    const members = { claim: this.claims.at(-1) ?? '', decision: '0', executor: ME, operation: 'undo', resultBy: this.resultBy };
    this.#publish('rollback.granted', 'a-0', 'rollback-granted', { ...members, ...change });
  }

  /** The last claim's deadline has passed. */
  uncertain(): void {
    this.#publish('effect.uncertain', 'a-0', 'effect-uncertain', { claim: this.claims.at(-1) ?? '', decision: '0', executor: ME });
  }

  /** The tenant's log ends, and another one goes on. */
  closeLog(successor: string): void {
    this.#publish('log.closed', '', 'log-closed', { successor });
  }

  offsetOf(actionId: string): number {
    return this.#log.findIndex((verdict) => verdict.actionId === actionId);
  }

  async claim(id: string, { decision }: ClaimBody): Promise<{ readonly digest: string }> {
    const copy = String(this.attempts.length);
    await this.#arrive(id, () => {
      const first = this.claims.indexOf(id);
      this.claims.push(id);
      if (!this.#answers) return;
      const reason = first >= 0 ? 'CLAIM_REPEATED' : this.refuses;
      if (reason === undefined) this.grant({ claim: id, decision }, copy);
      else this.refuse(reason, { claim: id, decision });
    });
    return { digest: copy };
  }

  /** Refuses the last claim, or another one. */
  refuse(reason: string, change: Record<string, Json> = {}): void {
    const members = { claim: this.claims.at(-1) ?? '', decision: '0', executor: ME, reasons: [reason], ...change };
    this.#publish('claim.refused', this.#actionOf(members.decision), 'claim-refused', members);
  }

  async report(id: string, body: OutcomeBody): Promise<void> {
    if (!this.reportsArrive) throw new Unavailable('BROKER_UNAVAILABLE', 'away', id);
    await this.#arrive(id, () => {
      this.reports.push(body);
      const { decision, claim, kind, status } = body;
      const awaits = this.wayBack !== 'none' && kind === 'healthcheck' && status === 'failed' ? { awaits: 'rollback' } : {};
      const said = { decision, claim, executor: ME, outcome: kind, status, ...awaits };
      this.#publish('outcome.recorded', this.#actionOf(decision), 'outcome-recorded', said);
      const permit = this.#decided[Number(decision)]?.statement.predicate['permit'] as { rollback?: string } | undefined;
      if (this.wayBack === 'granted' && kind === 'healthcheck' && status === 'failed' && permit?.rollback !== undefined)
        this.grantRollback({ claim, decision });
    });
  }

  async #arrive(id: string, arrived: () => void): Promise<void> {
    this.attempts.push(id);
    const failure = this.failures.shift();
    if (failure instanceof Error) throw failure;
    await Promise.resolve();
    arrived();
    if (failure !== undefined) throw new Unavailable('BROKER_UNAVAILABLE', 'no answer', id);
  }

  readonly #actionOf = (decision: string): string =>
    this.#log.find(({ statement }) => statement.predicate.index === decision)?.actionId ?? 'a-0';

  #publish(
    kind: VerifiedVerdict['kind'],
    actionId: string,
    verdict: string,
    members: Record<string, Json | object>,
    proposal: Record<string, Json> | null = null,
    copy = '',
  ): VerifiedVerdict {
    const index = String(kind === 'action.decided' ? this.#decided.length : 1000 + this.#log.length);
    const digest = { sha256: copy };
    const statement = {
      subject: [{ name: actionId, digest }],
      predicate: { origin: 'l/t/x', index, decidedAt: this.decidedAt, ...members },
    } as unknown as Statement;
    const permit = permitOf(statement.predicate) ?? null;
    const fixed = { tenant: 'acme', reasons: [], next: null, receipt: 'r' };
    const published: VerifiedVerdict = { ...fixed, kind, actionId, verdict, permit, statement, proposal };
    this.#log.push(published);
    this.#listener?.(published, BigInt(this.#log.length - 1));
    return published;
  }
}

/** What a journal keeps, and who has opened it last. */
export class MemoryJournal {
  readonly records: JournalRecord[] = [];
  full = false;
  #openings = 0;

  open(): Journal {
    const opening = ++this.#openings;
    return {
      load: () => Promise.resolve([...this.records]),
      append: async (record) => {
        await this.write(record);
        if (opening !== this.#openings) throw new JournalLost('journal lost: another executor has opened it');
      },
      close: () => Promise.resolve(),
    };
  }

  protected write(record: JournalRecord): Promise<void> {
    if (this.full) return Promise.reject(new Error('disk full'));
    this.records.push(record);
    return Promise.resolve();
  }
}

interface LifeOptions {
  readonly journal?: MemoryJournal;
  readonly isBehind?: boolean;
  readonly atOnce?: number;
}

/** From a start to a kill. */
export class Life {
  readonly journal: MemoryJournal;
  readonly worker: Worker;
  readonly notices: Notice[] = [];
  readonly ran: Job[] = [];
  readonly #time: FakeTime;
  #isKilled = false;

  constructor(
    ledger: FakeLedger,
    handler: Partial<Handler> = {},
    { journal = new MemoryJournal(), isBehind = false, atOnce = 1 }: LifeOptions = {},
  ) {
    this.journal = journal;
    this.#time = ledger.time;
    const noted: Handler = {
      ...handler,
      run: (job) => {
        this.ran.push(job);
        return handler.run?.(job);
      },
    };
    const startedMs = ledger.time.nowMs;
    const opened = journal.open();
    const memory = remember(journal.records);
    this.worker = new Worker({
      ...{
        issuer: ME,
        keyid: KEYID,
        handlers: { db: { set: noted } },
        memory,
        atOnce,
        pause: ledger.time.pause,
      },
      newClaimId: () => crypto.randomUUID(),
      journal: { ...opened, append: (record) => (this.#isKilled ? forever() : opened.append(record)) },
      claims: {
        claim: (id, body) => (this.#isKilled ? forever() : (ledger.claim(id, body) as Promise<never>)),
        report: (id, body) => (this.#isKilled ? forever() : (ledger.report(id, body) as Promise<never>)),
      },
      clock: new ExecutorClock(
        () => ledger.time.nowMs + ledger.time.wallErrorMs,
        () => ledger.time.nowMs - startedMs,
      ),
      onNotice: (notice) => this.notices.push(notice),
    });
    ledger.listen((verdict, offset) => {
      this.worker.take(verdict, offset);
    }, memory.position ?? 0n);
    if (!isBehind) this.worker.caughtUp();
  }

  get codes(): string[] {
    return this.notices.map(({ code }) => code);
  }

  /** Nothing that it does from here on reaches disk or ledger. */
  kill(): void {
    this.#isKilled = true;
  }

  /** Turns of the event loop, not time: everything here answers within a few. */
  async until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (condition()) return;
      await setImmediate();
    }
    throw new Error(`never happened: ${condition.toString()}; it said ${this.codes.join(' ')}`);
  }

  /** Until nothing moves any more. */
  async idle(): Promise<void> {
    let before = '';
    const now = (): string => JSON.stringify([this.journal.records, this.notices, this.ran.length]);
    for (let quiet = 0; quiet < QUIET_TURNS; before = now()) {
      await setImmediate();
      quiet = now() === before ? quiet + 1 : 0;
    }
  }

  /** What is due meanwhile is done. */
  async pass(ms: number): Promise<void> {
    await this.#time.pass(ms, () => this.idle());
  }

  async end(): Promise<void> {
    await this.worker.close(0n);
  }
}

const TURNS_MAX = 10_000;
const QUIET_TURNS = 50;
const forever = (): Promise<never> => new Promise<never>(() => undefined);
