import type { KafkaClaims } from '../claims.ts';
import type { ClaimBook } from './claim-book.ts';
import type { NoticeCode, Teller } from './notice.ts';
import type { OpenClaim } from './open-claim.ts';
import type { Outbox } from './outbox.ts';
import { Closed } from './tasks.ts';

/** Unit ms. A clock that is set right is noticed after so long. */
const EARLY_PAUSE_MAX_MS = 1000;

export interface ClaimantOptions {
  readonly claims: Pick<KafkaClaims, 'claim' | 'report'>;
  readonly newClaimId: () => string;
  readonly nowMs: () => number;
}
export interface Granted {
  readonly claim: string;
  readonly resultBy: string;
}

/** What every part of an executor writes down with, publishes with, and tells with. */
export interface Tools {
  readonly book: ClaimBook;
  readonly outbox: Outbox;
  readonly teller: Teller;
}

/** From a permit to its own grant: the claim's id on disk, the claim published, the ledger's answer awaited. */
export class Claimant {
  readonly #options: ClaimantOptions;
  readonly #tools: Tools;

  constructor(options: ClaimantOptions, tools: Tools) {
    this.#options = options;
    this.#tools = tools;
  }

  /** The claim's id and deadline once the ledger has granted it; undefined when it never will. */
  async claim(open: OpenClaim): Promise<Granted | undefined> {
    const { nowMs, newClaimId, claims } = this.#options;
    const { book, outbox, teller } = this.#tools;
    if (outbox.isClosed) throw new Closed();
    const known = open.claim === undefined ? undefined : book.known(open.claim);
    if (known && known.parts.size > 0) return known; // granted before a restart
    await this.#untilItsTime(open);
    if (!open.answered) {
      if (nowMs() >= open.executeByMs && !known) return this.#giveUp(open, 'PERMIT_EXPIRED');
      const claim = known?.claim ?? newClaimId();
      if (!known) {
        const { decision, verdict, offset } = open;
        await book.write({ kind: 'claimed', claim, decision, action: verdict.actionId, offset: String(offset) });
        book.name(open, claim);
      }
      // A crash here: the next start claims again with this id.
      const sent = await outbox.send(open, () => claims.claim(claim, { decision: open.decision, receipt: open.verdict.receipt }));
      open.publishedAtMs = nowMs();
      if (sent) teller.tell(open.verdict, 'CLAIMED', { claim });
      else if (sent === false) return this.#giveUp(open, 'NOT_SENT');
    }
    const answer = await open.answer.promise;
    if (answer.kind === 'refused') return this.#giveUp(open, 'REFUSED', answer.reasons);
    if (answer.kind === 'unanswered') return this.#giveUp(open, 'UNANSWERED');
    if (open.claim === undefined || !(nowMs() < Date.parse(answer.resultBy))) return this.#giveUp(open, 'GRANT_LATE');
    teller.tell(open.verdict, 'GRANTED', { claim: open.claim });
    return { claim: open.claim, resultBy: answer.resultBy };
  }

  /** The ledger's clock is ahead of this machine's: by both of them the permit has to have begun. */
  async #untilItsTime({ verdict, notBeforeMs }: OpenClaim): Promise<void> {
    const { nowMs } = this.#options;
    if (nowMs() < notBeforeMs) this.#tools.teller.tell(verdict, 'PERMIT_EARLY');
    while (nowMs() < notBeforeMs) await this.#tools.outbox.pause(Math.min(notBeforeMs - nowMs(), EARLY_PAUSE_MAX_MS));
  }

  async #giveUp(open: OpenClaim, code: NoticeCode, reasons: readonly string[] = []): Promise<undefined> {
    this.#tools.teller.tell(open.verdict, code, { claim: open.claim, reasons });
    await this.#tools.book.end(open, code);
  }
}
