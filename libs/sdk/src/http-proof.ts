/** Whether receipts prove what a gateway's answer says, about the action that was proposed. */
import { isDeepStrictEqual } from 'node:util';

import { sha256Hex } from '#crypto';
import { NESTING_MAX, parseCanonical, parseTrust, permitOf, proposalBody, type Statement, type Trust, utf8 } from '#domain';

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
  check({ decision, settlement, proposal, isRepeat }: Answered, body: ProposalBody, isAnswerToRequest = false): void {
    const { predicate: decided, digest } = this.#proved(decision, 'action.decided');
    if (isAnswerToRequest && !isRepeat) checkProposal(decision, { digest, proposal, body });
    if (decided.verdict !== decision.verdict) throw unverified(decision, 'it has another verdict');
    // What a no is for decides what the asker does next.
    if (!isDeepStrictEqual(decision.reasons, decided['reasons'] ?? [])) throw unverified(decision, 'it has other reasons');
    checkPermit(decision, decided);
    if (!settlement) {
      if (isYes(decision.verdict)) checkYes(decision, decided, body);
      return;
    }
    const { predicate: settled } = this.#proved(settlement, 'escalation.settled');
    if (settled['settles'] !== decided.index) throw unverified(settlement, 'it settles another decision');
    if (settled['outcome'] !== settlement.verdict) throw unverified(settlement, 'it has another outcome');
    checkPermit(settlement, settled);
    if (isYes(settlement.verdict)) checkYes(settlement, settled, body);
  }

  /** What a receipt says, once it is verified and of this action, kind and index. */
  #proved(said: Decision, kind: string): { predicate: Statement['predicate']; digest: string } {
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
    return { predicate: statement.predicate, digest: statement.subject[0].digest.sha256 };
  }
}

/**
 * The receipt is about exactly what was asked for: its subject is the digest of the payload that the gateway signed, and the payload says what
 * the caller said. An answer that brings no payload, or another one, is an answer to something else.
 */
function checkProposal(
  said: Decision,
  { digest, proposal, body }: { digest: string; proposal: Uint8Array | undefined; body: ProposalBody },
): void {
  if (!proposal) throw unverified(said, 'it does not say which payload it is about');
  if (sha256Hex(proposal) !== digest) throw unverified(said, 'it is of another payload');
  const payload = payloadOf(said, proposal);
  const asked = JSON.parse(JSON.stringify(body)) as Readonly<Record<string, unknown>>; // as it was sent: without what is undefined
  for (const member of Object.keys(proposalBody.shape)) {
    const meant = member === 'mode' ? 'enforce' : undefined;
    if (!isDeepStrictEqual(payload[member] ?? meant, asked[member] ?? meant))
      throw unverified(said, `another ${member} was signed than was asked for`);
  }
}

function payloadOf(said: Decision, proposal: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const payload = parseCanonical(proposal, { maxDepth: NESTING_MAX });
    if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload;
  } catch (cause) {
    throw unverified(said, 'its payload is not canonical JSON', cause);
  }
  throw unverified(said, 'its payload is no object');
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
