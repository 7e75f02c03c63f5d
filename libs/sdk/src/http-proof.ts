/** Whether receipts prove what a gateway's answer says, about the action that was proposed. */
import { isDeepStrictEqual } from 'node:util';

import { parseTrust, permitOf, type Statement, type Trust, utf8 } from '#domain';

import { type Decision, isYes } from './answer.ts';
import { Unavailable } from './errors.ts';
import { type Answered, readPermit } from './http-answer.ts';
import type { ProposalBody } from './proposal.ts';
import { ReceiptVerifier } from './receipt-verifier.ts';

export class AnswerProof {
  readonly #trust: Trust;
  readonly #verifier = new ReceiptVerifier();

  /** Throws TrustError for a trust file that cannot be read. */
  constructor(trust: string) {
    this.#trust = parseTrust(trust);
  }

  /** Throws Unavailable, RECEIPT_UNVERIFIED. */
  check({ decision, settlement }: Answered, body: ProposalBody): void {
    const decided = this.#proved(decision, 'action.decided');
    if (decided.verdict !== decision.verdict) throw unverified(decision, 'it has another verdict');
    // What a no is for decides what the asker does next.
    if (!isDeepStrictEqual(decision.reasons, decided['reasons'] ?? [])) throw unverified(decision, 'it has other reasons');
    checkPermit(decision, decided);
    if (!settlement) {
      if (isYes(decision.verdict)) checkYes(decision, decided, body);
      return;
    }
    const settled = this.#proved(settlement, 'escalation.settled');
    if (settled['settles'] !== decided.index) throw unverified(settlement, 'it settles another decision');
    if (settled['outcome'] !== settlement.verdict) throw unverified(settlement, 'it has another outcome');
    checkPermit(settlement, settled);
    if (isYes(settlement.verdict)) checkYes(settlement, settled, body);
  }

  /** What a receipt says, once it is verified and of this action, kind and index. */
  #proved(said: Decision, kind: string): Statement['predicate'] {
    const { log } = this.#trust;
    let proved;
    try {
      proved = this.#verifier.verify(utf8(said.receipt), { origin: log.name, verifier: log, trust: this.#trust });
    } catch (cause) {
      throw unverified(said, cause instanceof Error ? cause.message : 'unreadable', cause);
    }
    const { statement } = proved;
    if (proved.kind !== kind || statement.subject[0].name !== said.id) throw unverified(said, 'it is of another action');
    if (statement.predicate.index !== said.index) throw unverified(said, 'it has another index');
    return statement.predicate;
  }
}

/** A yes has to be about what was proposed. */
function checkYes(said: Decision, proved: Statement['predicate'], body: ProposalBody): void {
  const isSame = proved['class'] === body.class && proved['operation'] === body.operation && proved['connector'] === body.connector;
  const actor = proved['actor'] as { kind?: unknown; id?: unknown } | undefined;
  if (!isSame || actor?.kind !== body.actor.kind || actor.id !== body.actor.id) throw unverified(said, 'it allows another action');
}

/** Of the verdicts that permit nothing as well: one in shadow mode is handed over with whatever permit it has. */
function checkPermit(said: Decision, proved: Statement['predicate']): void {
  if (!isDeepStrictEqual(said.permit, readPermit(permitOf(proved)))) throw unverified(said, 'it has another permit');
}

const unverified = ({ id }: Decision, why: string, cause?: unknown): Unavailable =>
  new Unavailable('RECEIPT_UNVERIFIED', `answer without a valid receipt: ${why}`, id, { cause });
