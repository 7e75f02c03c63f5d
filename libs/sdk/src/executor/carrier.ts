import type { KafkaClaims, OutcomeBody } from '../claims.ts';
import type { Granted, Tools } from './claimant.ts';
import type { ExecutorClock } from './executor-clock.ts';
import type { Part, ReportedOutcome } from './journal.ts';
import type { NoticeCode } from './notice.ts';
import { hasRollback, jobOf, type OpenClaim } from './open-claim.ts';
import { checkHealth, rollbackOf, runStep, type StepContext } from './steps.ts';

export interface CarrierOptions {
  readonly claims: Pick<KafkaClaims, 'claim' | 'report'>;
  readonly clock: ExecutorClock;
}

/** From a grant to the last report: the effect, its health check, and the way back, each run once and reported. */
export class Carrier {
  readonly #options: CarrierOptions;
  readonly #tools: Tools;

  constructor(options: CarrierOptions, tools: Tools) {
    this.#options = options;
    this.#tools = tools;
  }

  async carryOut(open: OpenClaim, granted: Granted): Promise<void> {
    const { claim } = granted;
    const context = this.#context(open, granted);
    const result = await this.#step(context, 'result', () => this.#effect(context));
    if (!result) {
      await this.#tools.book.end(open, 'no-result');
      return;
    }
    const { healthcheck } = open.handler;
    if (result.status === 'failed' || !healthcheck || !open.obligations.includes('healthcheck')) {
      await this.#tools.book.end(open, result.status);
      return;
    }
    const health = await this.#step(context, 'healthcheck', () => checkHealth(context, healthcheck));
    if (health?.status !== 'failed' || !hasRollback(open)) await this.#tools.book.end(open, 'done');
    else await this.#goBack(open, claim);
  }

  /** In the slot of the change itself: nobody else's effect comes between it and its way back. */
  async #goBack(open: OpenClaim, claim: string): Promise<void> {
    open.unhealthySinceMs = this.#options.clock.nowMs;
    const wayBack = await open.wayBack.promise;
    if (!wayBack) {
      await this.#tools.book.end(open, 'no-way-back');
      return;
    }
    const beginBy = this.#options.clock.beginBy(wayBack, open.wayBackAskedAtMs);
    const context = this.#context(open, { claim, resultBy: wayBack.resultBy, beginBy });
    const outcome = await this.#step(context, 'rollback', () => {
      const state = this.#tools.book.partOf(claim, 'rollback');
      return runStep(context, 'rollback', state?.state === 'running' ? state : undefined, rollbackOf(context, wayBack.operation));
    });
    await this.#tools.book.end(open, outcome ? 'rolled-back' : 'no-result');
  }

  async #effect(context: StepContext): Promise<ReportedOutcome | undefined> {
    const { job, handler } = context;
    const state = this.#tools.book.partOf(job.claim, 'result');
    return runStep(context, 'result', state?.state === 'running' ? state : undefined, async () => (await handler.run(job)) ?? undefined);
  }

  /** Runs a step unless it ran already, and reports it unless it was reported. undefined: there is nothing that could be reported. */
  async #step(context: StepContext, part: Part, run: () => Promise<ReportedOutcome | undefined>): Promise<ReportedOutcome | undefined> {
    const { claim, decision, actionId } = context.job;
    const state = this.#tools.book.partOf(claim, part);
    const outcome = state && state.state !== 'running' ? state.outcome : await run();
    if (!outcome || state?.state === 'reported') return outcome;
    const body: OutcomeBody = { decision, claim, kind: part, ...outcome };
    const open = this.#tools.book.openBy(claim);
    // Of one that ran before a restart an earlier report may have arrived.
    if (part === 'healthcheck' && open && state === undefined) open.wayBackAskedAtMs = this.#options.clock.monotonicMs();
    const sent = open && (await this.#tools.outbox.send(open, () => this.#options.claims.report(`${claim}/${part}`, body)));
    if (sent !== true) {
      context.tell('NOT_SENT', part);
      return undefined;
    }
    await this.#tools.book.write({ kind: 'reported', claim, part });
    this.#tools.teller.note({ code: 'REPORTED', actionId, claim, detail: `${part} ${outcome.status}` });
    return outcome;
  }

  #context(open: OpenClaim, { claim, resultBy, beginBy }: Granted): StepContext {
    const tell = (code: NoticeCode, detail: string): void => {
      this.#tools.teller.tell(open.verdict, code, { detail, claim });
    };
    const { handler } = open;
    return {
      job: jobOf(open, claim, resultBy),
      handler,
      tell,
      write: (record) => this.#tools.book.write(record),
      whyLate: () => this.#options.clock.lateFor(beginBy),
    };
  }
}
