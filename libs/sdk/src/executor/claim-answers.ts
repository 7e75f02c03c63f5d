import type { VerifiedVerdict } from '../verdict.ts';
import type { ClaimBook } from './claim-book.ts';
import type { Teller } from './notice.ts';
import { answer, decidedAtOf, isAwaited, mismatchOf, textOf } from './open-claim.ts';

/** What the ledger says of claims that were made: brought to whoever waits for it, once it fits exactly that claim. */
export class ClaimAnswers {
  readonly #me: { readonly issuer: string; readonly keyid: string };
  readonly #book: ClaimBook;
  readonly #teller: Teller;

  constructor(
    { issuer, keyid }: { readonly issuer: string; readonly keyid: string },
    parts: { readonly book: ClaimBook; readonly teller: Teller },
  ) {
    this.#me = { issuer, keyid };
    this.#book = parts.book;
    this.#teller = parts.teller;
  }

  /** Verdicts of any other kind are passed over. */
  take(verdict: VerifiedVerdict): void {
    const { kind } = verdict;
    if (kind === 'claim.granted') this.#granted(verdict);
    else if (kind === 'claim.refused') this.#refused(verdict);
    else if (kind === 'rollback.granted') this.#rollbackGranted(verdict);
    else if (kind === 'effect.uncertain') this.#uncertain(verdict);
    else if (kind === 'outcome.recorded') this.#recorded(verdict);
  }

  #granted(grant: VerifiedVerdict): void {
    const open = this.#book.openBy(textOf(grant, 'claim'));
    if (!open) {
      this.#takenByAnother(grant);
      return;
    }
    const mismatch = mismatchOf(open, grant, this.#me);
    if (mismatch === undefined) answer(open, { kind: 'granted', copy: grant.statement.subject[0].digest.sha256, ...timeOf(grant) });
    else this.#teller.tell(grant, 'GRANT_MISMATCH', { detail: mismatch });
  }

  #takenByAnother(grant: VerifiedVerdict): void {
    const wanted = this.#book.openOf(textOf(grant, 'decision'));
    if (wanted?.claim === undefined && wanted) answer(wanted, { kind: 'refused', reasons: ['CLAIM_TAKEN'] });
    else if (textOf(grant, 'executor') === this.#me.issuer && !this.#book.known(textOf(grant, 'claim')))
      this.#teller.tell(grant, 'GRANT_UNKNOWN');
  }

  #refused(refusal: VerifiedVerdict): void {
    const open = this.#book.openBy(textOf(refusal, 'claim'));
    const reasons = refusal.statement.predicate['reasons'];
    if (open && isAwaited(open, open.claim)) answer(open, { kind: 'refused', reasons: Array.isArray(reasons) ? reasons.map(String) : [] });
  }

  #rollbackGranted(grant: VerifiedVerdict): void {
    if (textOf(grant, 'executor') !== this.#me.issuer) return;
    const claim = textOf(grant, 'claim');
    const open = this.#book.openBy(claim);
    if (!open) {
      if (this.#book.known(claim)?.ended !== true) this.#teller.tell(grant, 'GRANT_UNKNOWN', { detail: 'rollback' });
      return;
    }
    const mismatch = mismatchOf(open, grant, { issuer: this.#me.issuer });
    if (mismatch !== undefined) this.#teller.tell(grant, 'GRANT_MISMATCH', { detail: mismatch });
    else open.wayBack.resolve({ operation: textOf(grant, 'operation'), ...timeOf(grant) });
  }

  #uncertain(verdict: VerifiedVerdict): void {
    const claim = textOf(verdict, 'claim');
    if (this.#book.known(claim)) {
      this.#teller.tell(verdict, 'UNCERTAIN');
      this.#book.hear(claim);
    }
    this.#book.openBy(claim)?.wayBack.resolve(undefined); // nothing will grant it any more
  }

  #recorded(verdict: VerifiedVerdict): void {
    const claim = textOf(verdict, 'claim');
    if (!this.#book.known(claim)) return;
    this.#teller.tell(verdict, 'RECORDED', { detail: textOf(verdict, 'outcome') });
    this.#book.hear(claim);
    // A stop holds the way back, too: then nothing is awaited after the health check.
    const isOver = textOf(verdict, 'outcome') === 'healthcheck' && textOf(verdict, 'awaits') === '';
    if (isOver) this.#book.openBy(claim)?.wayBack.resolve(undefined);
  }
}

const timeOf = (grant: VerifiedVerdict) => ({ resultBy: textOf(grant, 'resultBy'), decidedAtMs: decidedAtOf(grant) });
