import type { KafkaClaims, OutcomeBody } from '../claims.ts';
import { Unavailable } from '../errors.ts';
import type { VerifiedVerdict } from '../verdict.ts';
import { handlerOf, type Handlers } from './handler.ts';
import {
  evolveMemory,
  type Journal,
  type JournalRecord,
  type Memory,
  type Part,
  type Remembered,
  type ReportedOutcome,
} from './journal.ts';
import { levelOf, type Notice, type NoticeCode } from './notice.ts';
import { type Answer, type Decision, hasRollback, jobOf, mismatchOf, openClaim, type OpenClaim, textOf } from './open-claim.ts';
import { Slots } from './slots.ts';
import { checkHealth, rollbackOf, runStep, type StepContext } from './steps.ts';

export interface WorkerOptions {
  readonly issuer: string;
  readonly keyid: string;
  readonly handlers: Handlers;
  readonly journal: Journal;
  readonly memory: Memory;
  readonly claims: Pick<KafkaClaims, 'claim' | 'report'>;
  /** Effects at once. */
  readonly atOnce: number;
  readonly newClaimId: () => string;
  readonly nowMs: () => number;
  readonly onNotice: (notice: Notice) => void;
  /** Unit ms. Rejects when the signal is aborted. Between tries of a publication. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Permits that wait for their turn: beyond, they are passed over, or memory grows with what nobody works off. */
const OPEN_MAX = 1000;
/** Unit ms. The ledger's clock may be this far from ours, and its answer on its way. */
const ANSWER_LATE_MS = 60_000;
/** Unit ms. The ledger grants a way back together with the failed health check: after an hour it has not heard of that one. */
const WAY_BACK_MAX_MS = 60 * 60_000;
/** Unit ms, before what Kafka did not acknowledge is published again; doubles up to the second. */
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 10_000;

/**
 * Carries out what the ledger grants to one issuer. An action goes: permit → claim id on disk → claim published → its own grant → running
 * on disk → effect → outcome on disk → outcome published. A crash before `running` claims again with the same id; one after it runs nothing
 * again, unless the handler is idempotent; one after the outcome only reports again.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #slots: Slots;
  /** By the leaf index of the decision. */
  readonly #open = new Map<string, OpenClaim>();
  /** Waiting for people, by the leaf index of the decision. */
  readonly #asked = new Map<string, Decision>();
  readonly #byClaim = new Map<string, OpenClaim>();
  readonly #remembered = new Map<string, Remembered>();
  readonly #stop = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #caughtUp = Promise.withResolvers<undefined>();
  readonly #fatal = Promise.withResolvers<never>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.atOnce);
    for (const known of options.memory.claims.values()) this.#remembered.set(known.decision, known);
    this.#fatal.promise.catch(() => undefined);
    this.#caughtUp.promise.catch(() => undefined);
  }

  /** Rejects with what this worker cannot go on after, such as a journal that cannot be written. */
  get fatal(): Promise<never> {
    return this.#fatal.promise;
  }

  /** Verdicts of the issuer's tenant, in the order of its lane. Returns at once: effects take their time elsewhere. */
  take(verdict: VerifiedVerdict, offset: bigint): void {
    const { kind } = verdict;
    if (kind === 'action.decided' && verdict.verdict === 'ESCALATE') this.#escalated(verdict, offset);
    else if (kind === 'action.decided') this.#permitted({ verdict, offset, proposal: verdict.proposal });
    else if (kind === 'escalation.settled') this.#settled(verdict, offset);
    else if (kind === 'claim.granted') this.#granted(verdict);
    else if (kind === 'claim.refused') this.#refused(verdict);
    else if (kind === 'rollback.granted') this.#rollbackGranted(verdict);
    else if (kind === 'effect.uncertain') this.#uncertain(verdict);
    else if (kind === 'outcome.recorded') this.#recorded(verdict);
  }

  /** From here on claims are published: what was already answered has been read. */
  caughtUp(): void {
    this.#caughtUp.resolve(undefined);
  }

  /** Gives up on claims that nobody answered. `next` is the next offset to be read; what is behind us is written down. */
  tick(next: bigint): void {
    const late = this.#options.nowMs() - ANSWER_LATE_MS;
    for (const open of this.#open.values()) {
      const { publishedAtMs, executeByMs, answered, unhealthySinceMs } = open;
      if (unhealthySinceMs !== undefined && late >= unhealthySinceMs + WAY_BACK_MAX_MS) this.#giveUpWayBack(open);
      if (!answered && publishedAtMs !== undefined && late >= Math.max(publishedAtMs, executeByMs))
        this.#answer(open, { kind: 'unanswered' });
    }
    this.#start(() => this.#writePosition(next));
  }

  /** Waits for what runs, and for its report. What has not been granted is claimed again, with the same id, by the next start. */
  async close(next: bigint): Promise<void> {
    const why = new Closed();
    this.#stop.abort(why);
    this.#slots.close(why);
    this.#caughtUp.reject(why);
    for (const { answer, wayBack } of this.#open.values()) {
      answer.reject(why);
      wayBack.reject(why);
    }
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    await this.#writePosition(next);
  }

  /** Its settlement brings the permit, and not the proposal: that is kept until then. */
  #escalated(verdict: VerifiedVerdict, offset: bigint): void {
    const { proposal, statement } = verdict;
    if (proposal === null || !handlerOf(this.#options.handlers, proposal as Parameters<typeof handlerOf>[1])) return;
    if (this.#asked.size < OPEN_MAX) this.#asked.set(statement.predicate.index, { verdict, offset, proposal });
    else this.#tell(verdict, 'BUSY');
  }

  #settled(verdict: VerifiedVerdict, offset: bigint): void {
    const settles = textOf(verdict, 'settles');
    const asked = this.#asked.get(settles);
    this.#asked.delete(settles);
    const isSame = asked && textOf(asked.verdict, 'bindingDigest') === textOf(verdict, 'bindingDigest');
    this.#permitted(isSame ? { ...asked, verdict } : { verdict, offset, proposal: null });
  }

  #permitted(decision: Decision): void {
    const { verdict } = decision;
    const known = this.#remembered.get(verdict.statement.predicate.index);
    if (known?.ended === true || this.#open.has(verdict.statement.predicate.index)) return;
    const { issuer, handlers, nowMs } = this.#options;
    // One that was claimed before a restart is looked at again, however late it is by now.
    const opened = openClaim(decision, { issuer, handlers, nowMs: known ? -Infinity : nowMs() });
    if (opened === undefined) return;
    if (typeof opened === 'string' || (!known && this.#open.size >= OPEN_MAX)) {
      this.#tell(verdict, typeof opened === 'string' ? opened : 'BUSY');
      if (known) this.#start(() => this.#write({ kind: 'ended', claim: known.claim, why: 'passed-over' })); // by another handler set
      return;
    }
    this.#open.set(opened.decision, opened);
    if (known) this.#name(opened, known.claim);
    this.#start(() => this.#carryOut(opened));
  }

  #granted(grant: VerifiedVerdict): void {
    const claim = textOf(grant, 'claim');
    const open = this.#byClaim.get(claim);
    if (!open) {
      this.#takenByAnother(grant);
      return;
    }
    const { issuer, keyid } = this.#options;
    const mismatch = mismatchOf(open, grant, { issuer, keyid });
    if (mismatch === undefined) this.#answer(open, { kind: 'granted', resultBy: textOf(grant, 'resultBy') });
    else this.#tell(grant, 'GRANT_MISMATCH', mismatch);
  }

  #takenByAnother(grant: VerifiedVerdict): void {
    const claim = textOf(grant, 'claim');
    const wanted = this.#open.get(textOf(grant, 'decision'));
    if (wanted?.claim === undefined && wanted) this.#answer(wanted, { kind: 'refused', reasons: ['CLAIM_TAKEN'] });
    else if (textOf(grant, 'executor') === this.#options.issuer && !this.#options.memory.claims.has(claim))
      this.#tell(grant, 'GRANT_UNKNOWN');
  }

  #refused(refusal: VerifiedVerdict): void {
    const open = this.#byClaim.get(textOf(refusal, 'claim'));
    const reasons = refusal.statement.predicate['reasons'];
    if (open) this.#answer(open, { kind: 'refused', reasons: Array.isArray(reasons) ? reasons.map(String) : [] });
  }

  #rollbackGranted(grant: VerifiedVerdict): void {
    if (textOf(grant, 'executor') !== this.#options.issuer) return;
    const open = this.#byClaim.get(textOf(grant, 'claim'));
    if (!open) {
      const isEnded = this.#options.memory.claims.get(textOf(grant, 'claim'))?.ended === true;
      if (!isEnded) this.#tell(grant, 'GRANT_UNKNOWN', 'rollback');
      return;
    }
    const mismatch = mismatchOf(open, grant, { issuer: this.#options.issuer });
    if (mismatch !== undefined) this.#tell(grant, 'GRANT_MISMATCH', mismatch);
    else open.wayBack.resolve({ operation: textOf(grant, 'operation'), resultBy: textOf(grant, 'resultBy') });
  }

  #uncertain(verdict: VerifiedVerdict): void {
    const claim = textOf(verdict, 'claim');
    if (this.#options.memory.claims.has(claim)) this.#tell(verdict, 'UNCERTAIN');
    this.#byClaim.get(claim)?.wayBack.resolve(undefined); // nothing will grant it any more
  }

  #recorded(verdict: VerifiedVerdict): void {
    const claim = textOf(verdict, 'claim');
    if (!this.#options.memory.claims.has(claim)) return;
    this.#tell(verdict, 'RECORDED', textOf(verdict, 'outcome'));
    // A stop holds the way back, too: then nothing is awaited after the health check.
    const isOver = textOf(verdict, 'outcome') === 'healthcheck' && textOf(verdict, 'awaits') === '';
    if (isOver) this.#byClaim.get(claim)?.wayBack.resolve(undefined);
  }

  async #carryOut(open: OpenClaim): Promise<void> {
    const release = await this.#slots.take();
    try {
      await this.#caughtUp.promise.catch(() => undefined);
      const granted = await this.#claimed(open);
      if (!granted) return;
      const context = this.#context(open, granted.claim, granted.resultBy);
      const result = await this.#step(context, 'result', () => this.#effect(context));
      if (!result) {
        await this.#end(open, 'no-result');
        return;
      }
      const { healthcheck } = open.handler;
      if (result.status === 'failed' || !healthcheck || !open.obligations.includes('healthcheck')) {
        await this.#end(open, result.status);
        return;
      }
      const health = await this.#step(context, 'healthcheck', () => checkHealth(context, healthcheck));
      if (health?.status !== 'failed' || !hasRollback(open)) await this.#end(open, 'done');
      else await this.#goBack(open, granted.claim);
    } finally {
      release();
    }
  }

  /** In the slot of the change itself: nobody else's effect comes between it and its way back. */
  async #goBack(open: OpenClaim, claim: string): Promise<void> {
    open.unhealthySinceMs = this.#options.nowMs();
    const wayBack = await open.wayBack.promise;
    if (!wayBack) {
      await this.#end(open, 'no-way-back');
      return;
    }
    const context = this.#context(open, claim, wayBack.resultBy);
    const outcome = await this.#step(context, 'rollback', () => {
      const state = this.#partOf(context, 'rollback');
      return runStep(context, 'rollback', state?.state === 'running' ? state : undefined, rollbackOf(context, wayBack.operation));
    });
    await this.#end(open, outcome ? 'rolled-back' : 'no-result');
  }

  /** The claim's id and deadline once the ledger has granted it; undefined when it never will. */
  async #claimed(open: OpenClaim): Promise<{ claim: string; resultBy: string } | undefined> {
    const { nowMs, newClaimId, claims, memory } = this.#options;
    if (this.#stop.signal.aborted) throw new Closed();
    const known = open.claim === undefined ? undefined : memory.claims.get(open.claim);
    if (known && known.parts.size > 0) return known; // granted before a restart
    if (!open.answered) {
      if (nowMs() >= open.executeByMs && !known) return this.#giveUp(open, 'PERMIT_EXPIRED');
      const claim = known?.claim ?? newClaimId();
      if (!known) {
        const { decision, verdict, offset } = open;
        await this.#write({ kind: 'claimed', claim, decision, action: verdict.actionId, offset: String(offset) });
        this.#name(open, claim);
      }
      // A crash here: the next start claims again with this id.
      const sent = await this.#publish(open, () => claims.claim(claim, { decision: open.decision, receipt: open.verdict.receipt }));
      open.publishedAtMs = nowMs();
      if (sent) this.#tell(open.verdict, 'CLAIMED', '', claim);
      else if (sent === false) return this.#giveUp(open, 'NOT_SENT');
    }
    const answer = await open.answer.promise;
    if (answer.kind === 'refused') return this.#giveUp(open, 'REFUSED', answer.reasons);
    if (answer.kind === 'unanswered') return this.#giveUp(open, 'UNANSWERED');
    if (open.claim === undefined || !(nowMs() < Date.parse(answer.resultBy))) return this.#giveUp(open, 'GRANT_LATE');
    this.#tell(open.verdict, 'GRANTED', '', open.claim);
    return { claim: open.claim, resultBy: answer.resultBy };
  }

  async #effect(context: StepContext): Promise<ReportedOutcome | undefined> {
    const state = this.#partOf(context, 'result');
    const { job, handler } = context;
    return runStep(context, 'result', state?.state === 'running' ? state : undefined, async () => (await handler.run(job)) ?? undefined);
  }

  /** Runs a step unless it ran already, and reports it unless it was reported. undefined: there is nothing that could be reported. */
  async #step(context: StepContext, part: Part, run: () => Promise<ReportedOutcome | undefined>): Promise<ReportedOutcome | undefined> {
    const { claim, decision, actionId } = context.job;
    const state = this.#partOf(context, part);
    const outcome = state && state.state !== 'running' ? state.outcome : await run();
    if (!outcome || state?.state === 'reported') return outcome;
    const body: OutcomeBody = { decision, claim, kind: part, ...outcome };
    const open = this.#byClaim.get(claim);
    const sent = open && (await this.#publish(open, () => this.#options.claims.report(`${claim}/${part}`, body)));
    if (sent !== true) {
      context.tell('NOT_SENT', part);
      return undefined;
    }
    await this.#write({ kind: 'reported', claim, part });
    this.#note({ code: 'REPORTED', actionId, claim, detail: `${part} ${outcome.status}` });
    return outcome;
  }

  /** Tries until Kafka has it: true; false when it can never be sent; undefined when an answer came meanwhile, so it had arrived. */
  async #publish(open: OpenClaim, send: () => Promise<unknown>): Promise<boolean | undefined> {
    const waitsForGrant = !open.answered;
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        await send();
        return true;
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          this.#tell(open.verdict, 'NOT_SENT', error instanceof Error ? error.message : String(error), open.claim);
          return false;
        }
      }
      if (waitsForGrant && open.answered) return undefined;
      await this.#options.pause(pauseMs, this.#stop.signal).catch(() => {
        throw new Closed();
      });
    }
  }

  async #giveUp(open: OpenClaim, code: NoticeCode, reasons: readonly string[] = []): Promise<undefined> {
    this.#tell(open.verdict, code, '', open.claim, reasons);
    await this.#end(open, code);
  }

  #giveUpWayBack(open: OpenClaim): void {
    this.#tell(open.verdict, 'UNANSWERED', 'rollback', open.claim);
    open.wayBack.resolve(undefined);
  }

  async #end(open: OpenClaim, why: string): Promise<void> {
    if (open.claim !== undefined) await this.#write({ kind: 'ended', claim: open.claim, why });
    this.#open.delete(open.decision);
    this.#byClaim.delete(open.claim ?? '');
  }

  #answer(open: OpenClaim, answer: Answer): void {
    open.answered = true;
    open.answer.resolve(answer);
  }

  #name(open: OpenClaim, claim: string): void {
    open.claim = claim;
    this.#byClaim.set(claim, open);
  }

  #context(open: OpenClaim, claim: string, resultBy: string): StepContext {
    const tell = (code: NoticeCode, detail: string): void => {
      this.#tell(open.verdict, code, detail, claim);
    };
    const { handler } = open;
    return { job: jobOf(open, claim, resultBy), handler, tell, write: (record) => this.#write(record), nowMs: this.#options.nowMs };
  }

  #partOf({ job }: StepContext, part: Part) {
    return this.#options.memory.claims.get(job.claim)?.parts.get(part);
  }

  async #write(record: JournalRecord): Promise<void> {
    const { journal, memory } = this.#options;
    await journal.append(record);
    evolveMemory(memory, record);
    if (record.kind === 'claimed') {
      const known = memory.claims.get(record.claim);
      if (known) this.#remembered.set(record.decision, known);
    }
  }

  async #writePosition(next: bigint): Promise<void> {
    const { memory } = this.#options;
    let position = next;
    for (const { offset } of [...this.#open.values(), ...this.#asked.values()]) if (offset < position) position = offset;
    if (memory.position !== undefined && position <= memory.position) return;
    await this.#write({ kind: 'position', offset: String(position) });
    for (const { claim, decision, offset, ended } of memory.claims.values()) {
      if (!ended || offset >= position) continue;
      memory.claims.delete(claim);
      this.#remembered.delete(decision);
    }
  }

  #start(work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => {
        if (!(error instanceof Closed)) this.#fatal.reject(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  #tell({ actionId, statement }: VerifiedVerdict, code: NoticeCode, detail = '', claim?: string, reasons: readonly string[] = []): void {
    const said = statement.predicate['claim'];
    this.#note({ code, actionId, claim: claim ?? (typeof said === 'string' ? said : ''), detail, reasons });
  }

  #note(notice: Omit<Notice, 'level' | 'reasons'> & { readonly reasons?: readonly string[] }): void {
    this.#options.onNotice({ reasons: [], ...notice, level: levelOf(notice.code) });
  }
}

class Closed extends Error {
  override readonly name = 'Closed';
  constructor() {
    super('closed');
  }
}
