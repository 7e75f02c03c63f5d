import { nextAfterNo } from '#domain';

import { CLAIM_LIFETIME_MS, type KafkaClaims } from '../claims.ts';
import type { ClaimBook } from './claim-book.ts';
import type { BeginBy, ExecutorClock } from './executor-clock.ts';
import type { NoticeCode, Teller } from './notice.ts';
import { awaitLater, isAwaited, type OpenClaim } from './open-claim.ts';
import type { Outbox } from './outbox.ts';

/** Unit ms. A clock that is set right is noticed after so long. */
const EARLY_PAUSE_MAX_MS = 1000;

export interface ClaimantOptions {
  readonly claims: Pick<KafkaClaims, 'claim' | 'report'>;
  readonly newClaimId: () => string;
  readonly clock: ExecutorClock;
}
export interface Granted {
  readonly claim: string;
  readonly resultBy: string;
  readonly beginBy: BeginBy;
}

/** What every part of an executor writes down with, publishes with, and tells with. */
export interface Tools {
  readonly book: ClaimBook;
  readonly outbox: Outbox;
  readonly teller: Teller;
}

/**
 * Unit ms, before what was refused and may be asked again is claimed anew; doubles up to the second. The first is short, as most freezes that
 * are a mistake are lifted at once. Each refusal is an entry for ever, and its id one of those that the ledger remembers for a day: at this
 * pace a permit of a quarter of an hour makes 12 of them.
 */
const HELD_MS = 5_000;
const HELD_MAX_MS = 120_000;

/**
 * Unit ms, from one copy of an unanswered claim to the next. A minute before the former's life is over: the ledger, which has an answer for it and
 * has read the new one meanwhile, then knows the id for as long as both, and answers it once.
 */
const RENEW_MS = CLAIM_LIFETIME_MS - 60_000;

/** From a permit to its own grant: the claim's id on disk, the claim published, the ledger's answer awaited. */
export class Claimant {
  readonly #options: ClaimantOptions;
  readonly #tools: Tools;

  constructor(options: ClaimantOptions, tools: Tools) {
    this.#options = options;
    this.#tools = tools;
  }

  /**
   * The claim's id and deadline once the ledger has granted it; undefined when it never will. `held`: refused with what the table of reasons
   * says to retry, so the permit is still there, to be claimed anew after `outlast`.
   */
  async claim(open: OpenClaim): Promise<Granted | 'held' | undefined> {
    const { clock } = this.#options;
    const { book, outbox, teller } = this.#tools;
    outbox.expectOpen();
    const { held } = open;
    const known = open.claim === undefined || held ? undefined : book.known(open.claim);
    if (known && known.parts.size > 0) {
      const { claim, resultBy } = known; // granted before a restart
      return { claim, resultBy, beginBy: clock.beginBy({ resultBy }, undefined) };
    }
    await this.#untilItsTime(open);
    if (!open.answered) {
      if (clock.nowMs >= open.executeByMs && !known) return this.#giveUp(open, 'PERMIT_EXPIRED', held?.reasons);
      const claim = known?.claim ?? (await this.#nameAnew(open));
      // A crash here: the next start claims again with this id.
      const sent = claim === undefined ? undefined : await this.#publish(open, claim);
      if (sent) teller.tell(open.verdict, 'CLAIMED', { claim });
      else if (sent === false) return this.#giveUp(open, 'NOT_SENT');
    }
    const answer = await open.answer.promise;
    if (answer.kind === 'refused') return this.#refused(open, answer.reasons);
    if (answer.kind === 'unanswered') return this.#giveUp(open, 'UNANSWERED');
    if (open.claim === undefined) throw new Error('a claim without an id cannot be granted');
    teller.tell(open.verdict, 'GRANTED', { claim: open.claim });
    return { claim: open.claim, resultBy: answer.resultBy, beginBy: clock.beginBy(answer, open.copies.get(answer.copy) ?? open.askedAtMs) };
  }

  /** Its next id, on disk; undefined when the refused one was granted meanwhile after all: that one goes on, and this one is never made. */
  async #nameAnew(open: OpenClaim): Promise<string | undefined> {
    const { book, outbox } = this.#tools;
    const { decision, verdict, offset } = open;
    const written = { kind: 'claimed', decision, action: verdict.actionId, offset: String(offset) } as const;
    const claim = this.#options.newClaimId();
    // A crash here, after a refusal: the next start reads that refusal again, and goes on from it.
    await book.write({ ...written, claim });
    outbox.expectOpen(); // an answer that is awaited from now on would not be given up by close
    if (open.granted && open.claim !== undefined) {
      await book.write({ ...written, claim: open.claim });
      return undefined;
    }
    book.name(open, claim);
    open.askedAtMs = this.#options.clock.monotonicMs(); // before the first try: it may have arrived though it was not acknowledged
    return claim;
  }

  /** Whether its last copy has waited so long that the lane may not read it in time, and the permit still lasts. */
  isToRenew({ answered, renewAtMs, executeByMs }: OpenClaim): boolean {
    const { clock } = this.#options;
    return !answered && renewAtMs !== undefined && clock.monotonicMs() >= renewAtMs && clock.nowMs < executeByMs;
  }

  /** Publishes another copy: a lane that was away for longer than the first one lives has never answered it. */
  async renew(open: OpenClaim): Promise<void> {
    const { claim } = open;
    if (claim === undefined) return;
    open.renewAtMs = undefined; // until this copy is there
    const sent = await this.#publish(open, claim);
    if (sent && isAwaited(open, claim)) this.#tools.teller.tell(open.verdict, 'CLAIMED', { claim, detail: 'again, as no answer came' });
  }

  /** true: Kafka has it, or it is awaited no more. */
  async #publish(open: OpenClaim, claim: string): Promise<boolean | undefined> {
    const { clock, claims } = this.#options;
    let atMs = 0;
    const sent = await this.#tools.outbox.send(open, async () => {
      if (!isAwaited(open, claim)) return;
      atMs = clock.monotonicMs();
      const { digest } = await claims.claim(claim, { decision: open.decision, receipt: open.verdict.receipt });
      if (open.claim === claim) open.copies.set(digest, atMs);
    });
    if (!isAwaited(open, claim)) return sent;
    open.publishedAtMs = clock.nowMs;
    if (sent) open.renewAtMs = atMs + RENEW_MS;
    return sent;
  }

  /** A permit begins with its decision, unless it says otherwise. */
  async #untilItsTime({ verdict, notBeforeMs }: OpenClaim): Promise<void> {
    const { clock } = this.#options;
    if (clock.nowMs < notBeforeMs) this.#tools.teller.tell(verdict, 'PERMIT_EARLY');
    while (clock.nowMs < notBeforeMs) await this.#tools.outbox.pause(Math.min(notBeforeMs - clock.nowMs, EARLY_PAUSE_MAX_MS));
  }

  /** Until a held claim may be made anew, or its permit is over. Rejects with Closed when the executor ends. */
  async outlast(open: OpenClaim): Promise<void> {
    const leftMs = Math.max(0, open.executeByMs - this.#options.clock.nowMs);
    await Promise.race([this.#tools.outbox.pause(Math.min(open.held?.pauseMs ?? HELD_MS, leftMs)), open.answer.promise]);
  }

  async #refused(open: OpenClaim, reasons: readonly string[]): Promise<'held' | undefined> {
    if (nextAfterNo(...reasons) !== 'retry') return this.#giveUp(open, 'REFUSED', reasons);
    const before = open.held;
    open.held = { claim: open.claim ?? '', reasons, pauseMs: before ? Math.min(2 * before.pauseMs, HELD_MAX_MS) : HELD_MS };
    if (String(before?.reasons) !== String(reasons)) this.#tools.teller.tell(open.verdict, 'HELD', { claim: open.claim, reasons });
    if (!open.granted) awaitLater(open);
    return 'held';
  }

  async #giveUp(open: OpenClaim, code: NoticeCode, reasons: readonly string[] = []): Promise<undefined> {
    this.#tools.teller.tell(open.verdict, code, { claim: open.claim, reasons });
    await this.#tools.book.end(open, code);
  }
}
