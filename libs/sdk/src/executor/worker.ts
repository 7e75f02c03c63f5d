import type { VerifiedVerdict } from '../verdict.ts';
import { Carrier, type CarrierOptions } from './carrier.ts';
import { ClaimAnswers } from './claim-answers.ts';
import { ClaimBook } from './claim-book.ts';
import { Claimant, type ClaimantOptions } from './claimant.ts';
import { handlerOf, type Handlers } from './handler.ts';
import { type Journal, JournalLost, type Memory } from './journal.ts';
import { type Notice, Teller } from './notice.ts';
import { answer, decidedAtOf, type Decision, openClaim, type OpenClaim, textOf } from './open-claim.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import { Slots } from './slots.ts';
import { Closed, Tasks } from './tasks.ts';

export interface WorkerOptions extends ClaimantOptions, CarrierOptions, OutboxOptions {
  readonly issuer: string;
  readonly keyid: string;
  readonly handlers: Handlers;
  readonly journal: Journal;
  readonly memory: Memory;
  /** Effects at once. */
  readonly atOnce: number;
  readonly onNotice: (notice: Notice) => void;
}

/** Unit ms. The ledger's clock may be this far from ours, and its answer on its way. */
const ANSWER_LATE_MS = 60_000;
/** Unit ms. The ledger grants a way back together with the failed health check: after an hour it has not heard of that one. */
const WAY_BACK_MAX_MS = 60 * 60_000;

/**
 * Carries out what the ledger grants to one issuer. An action goes: permit → claim id on disk → claim published → its own grant → running
 * on disk → effect → outcome on disk → outcome published. A crash before `running` claims again with the same id; one after it runs nothing
 * again, unless the handler is idempotent; one after the outcome only reports again. A refusal that may be asked again (a freeze) begins the
 * way anew, with another claim id, as long as the permit lasts.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #teller: Teller;
  readonly #book: ClaimBook;
  readonly #slots: Slots;
  readonly #outbox: Outbox;
  readonly #claimant: Claimant;
  readonly #carrier: Carrier;
  readonly #answers: ClaimAnswers;
  readonly #tasks = new Tasks();
  readonly #caughtUp = Promise.withResolvers<undefined>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#teller = new Teller(options.onNotice);
    this.#book = new ClaimBook(options.journal, options.memory);
    this.#slots = new Slots(options.atOnce);
    this.#outbox = new Outbox(options, this.#teller);
    const tools = { book: this.#book, outbox: this.#outbox, teller: this.#teller };
    this.#claimant = new Claimant(options, tools);
    this.#carrier = new Carrier(options, tools);
    this.#answers = new ClaimAnswers(options, tools);
    this.#caughtUp.promise.catch(() => undefined);
    this.#tasks.fatal.catch((error: unknown) => {
      if (error instanceof JournalLost) this.#teller.note({ code: 'JOURNAL_LOST', actionId: '', claim: '', detail: error.message });
    });
  }

  /** Rejects with what this worker cannot go on after, such as a journal that cannot be written. */
  get fatal(): Promise<never> {
    return this.#tasks.fatal;
  }

  /** Verdicts of the issuer's tenant, in the order of its lane. Returns at once: effects take their time elsewhere. */
  take(verdict: VerifiedVerdict, offset: bigint): void {
    const { kind } = verdict;
    this.#options.clock.hear(decidedAtOf(verdict));
    if (kind === 'action.decided' && verdict.verdict === 'ESCALATE') this.#escalated(verdict, offset);
    else if (kind === 'action.decided') this.#permitted({ verdict, offset, proposal: verdict.proposal });
    else if (kind === 'escalation.settled') this.#settled(verdict, offset);
    else if (kind === 'log.closed') this.#closed(verdict);
    else this.#answers.take(verdict);
  }

  /** The last verdict under this key: whoever has a leaked one could name a successor of his own, so the new trust file comes from elsewhere. */
  #closed(verdict: VerifiedVerdict): void {
    const { successor } = verdict.statement.predicate;
    const next = typeof successor === 'string' ? successor : 'the next log';
    const detail = `nothing more is claimed: open the executor again with the trust file of ${next} (countersign trust prints it)`;
    this.#teller.tell(verdict, 'LOG_CLOSED', { detail });
  }

  /** From here on claims are published: what was already answered has been read. */
  caughtUp(): void {
    this.#caughtUp.resolve(undefined);
  }

  /** Makes claims again that are not answered in time, and gives up on them when their permit is over. `next` is the next offset to be read; what is behind us is written down. */
  tick(next: bigint): void {
    const late = this.#options.clock.nowMs - ANSWER_LATE_MS;
    for (const open of this.#book.open) {
      const { publishedAtMs, executeByMs, answered, unhealthySinceMs } = open;
      if (unhealthySinceMs !== undefined && late >= unhealthySinceMs + WAY_BACK_MAX_MS) this.#giveUpWayBack(open);
      if (!answered && publishedAtMs !== undefined && late >= Math.max(publishedAtMs, executeByMs)) answer(open, { kind: 'unanswered' });
      else if (this.#claimant.isToRenew(open)) this.#tasks.start(() => this.#claimant.renew(open));
    }
    this.#tasks.start(() => this.#book.writePosition(next));
  }

  /** Waits for what runs, and for its report. What has not been granted is claimed again, with the same id, by the next start. */
  async close(next: bigint): Promise<void> {
    const why = new Closed();
    this.#outbox.close(why);
    this.#slots.close(why);
    this.#caughtUp.reject(why);
    for (const open of this.#book.open) {
      open.answer.reject(why);
      open.wayBack.reject(why);
    }
    await this.#tasks.ended();
    await this.#book.writePosition(next).catch((error: unknown) => {
      if (!(error instanceof JournalLost)) throw error; // its new owner keeps the position
    });
  }

  /** Its settlement brings the permit, and not the proposal: that is kept until then. */
  #escalated(verdict: VerifiedVerdict, offset: bigint): void {
    const { proposal } = verdict;
    if (proposal === null || !handlerOf(this.#options.handlers, proposal as Parameters<typeof handlerOf>[1])) return;
    if (!this.#book.ask({ verdict, offset, proposal })) this.#teller.tell(verdict, 'BUSY');
  }

  #settled(verdict: VerifiedVerdict, offset: bigint): void {
    const asked = this.#book.answered(textOf(verdict, 'settles'));
    const isSame = asked && textOf(asked.verdict, 'bindingDigest') === textOf(verdict, 'bindingDigest');
    this.#permitted(isSame ? { ...asked, verdict } : { verdict, offset, proposal: null });
  }

  #permitted(decision: Decision): void {
    const { verdict } = decision;
    const { index } = verdict.statement.predicate;
    const known = this.#book.knownOf(index);
    if (known?.ended === true || this.#book.openOf(index)) return;
    const { issuer, handlers, clock } = this.#options;
    // One that was claimed before a restart is looked at again, however late it is by now.
    const opened = openClaim(decision, { issuer, handlers, nowMs: known ? -Infinity : clock.nowMs });
    if (opened === undefined) return;
    if (typeof opened === 'string' || (!known && this.#book.isFull)) {
      this.#teller.tell(verdict, typeof opened === 'string' ? opened : 'BUSY');
      if (known) this.#tasks.start(() => this.#book.write({ kind: 'ended', claim: known.claim, why: 'passed-over' })); // by another handler set
      return;
    }
    this.#book.add(opened);
    if (known) this.#book.name(opened, known.claim);
    this.#tasks.start(() => this.#inItsTurn(opened));
  }

  /** What is held gives its slot to the others meanwhile: a freeze of one agent must not let everybody's permits run out. */
  async #inItsTurn(open: OpenClaim): Promise<void> {
    while (await this.#isHeld(open)) await this.#claimant.outlast(open);
  }

  async #isHeld(open: OpenClaim): Promise<boolean> {
    const release = await this.#slots.take();
    try {
      await this.#caughtUp.promise.catch(() => undefined);
      const granted = await this.#claimant.claim(open);
      if (granted === 'held') return true;
      if (granted) await this.#carrier.carryOut(open, granted);
      return false;
    } finally {
      release();
    }
  }

  #giveUpWayBack(open: OpenClaim): void {
    this.#teller.tell(open.verdict, 'UNANSWERED', { detail: 'rollback', claim: open.claim });
    open.wayBack.resolve(undefined);
  }
}
