import { isIdentifier, OUTCOME_LIFETIME_MS_MAX, parsePayload, type Json, type PayloadOf } from '#domain';

import { Denied } from './errors.ts';
import { type Published, type PublisherOptions, SignedPublisher, type Writer } from './publish.ts';

type Head = 'ledger' | 'birth' | 'tenant' | 'issuer' | 'keyid' | 'id' | 'issuedAt' | 'expiresAt' | 'blind';
/** Which decision is claimed: its leaf index, and its receipt as `verdicts` brought it. */
export type ClaimBody = Omit<PayloadOf<'claim.requested'>, Head>;
/** What came of a granted claim. */
export type OutcomeBody = Omit<PayloadOf<'outcome.reported'>, Head>;
/** Where a claim or an outcome is. */
export interface PublishedOutcome extends Published {
  readonly topic: 'outcomes';
}

/**
 * Unit ms. How long a claim may wait to be answered. The ledger knows its id for as long, so it is short; what is not answered by then is claimed
 * again, with the same id.
 */
export const CLAIM_LIFETIME_MS = 300_000;
/** Unit ms. A report has a day, as it must arrive. */
const LIFETIME_MS = { 'claim.requested': CLAIM_LIFETIME_MS, 'outcome.reported': OUTCOME_LIFETIME_MS_MAX } as const;

/** Signs an executor's claims and outcomes, and publishes them on `outcomes`. A published claim permits nothing: its grant does. */
export class KafkaClaims {
  readonly #publisher: SignedPublisher;

  private constructor(publisher: SignedPublisher) {
    this.#publisher = publisher;
  }

  /** Does not wait for a broker: the first claim connects. `writer` is for tests. */
  static open(options: PublisherOptions, writer?: Writer): KafkaClaims {
    return new KafkaClaims(SignedPublisher.open(options, writer));
  }

  /**
   * `id` is the claim's own, and nobody else's: two that use one id would both take its grant for theirs. Throws Denied for what cannot be
   * a claim, Unavailable when Kafka did not acknowledge it: claiming again with the same id is harmless, it is answered once.
   */
  claim(id: string, body: ClaimBody): Promise<PublishedOutcome> {
    return this.#publish('claim.requested', 'claim', id, body);
  }

  /** As `claim`. The same id again changes nothing that is on the ledger. */
  report(id: string, body: OutcomeBody): Promise<PublishedOutcome> {
    return this.#publish('outcome.reported', 'outcome', id, body);
  }

  async close(): Promise<void> {
    await this.#publisher.close();
  }

  async #publish(kind: 'claim.requested' | 'outcome.reported', what: string, id: string, body: object): Promise<PublishedOutcome> {
    if (!isIdentifier(id)) throw new Denied('DENY_MALFORMED', 'id is not an identifier');
    checkBody(kind, what, body);
    const published = await this.#publisher.publish({ kind, body, id, expiresInMs: LIFETIME_MS[kind], what });
    return { ...published, topic: 'outcomes' };
  }
}

/** Refuses here what the ledger would refuse as malformed; the head is ours and right. Throws Denied. */
function checkBody(kind: 'claim.requested' | 'outcome.reported', what: string, body: object): void {
  const members = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as Record<string, Json>;
  const parsed = parsePayload(kind, { ...HEAD, ...members });
  if (!parsed.ok) throw new Denied('DENY_MALFORMED', `${what} is malformed: ${parsed.detail}`);
}

const HEAD: Record<Head, string> = {
  ...{ ledger: 'l', birth: '0'.repeat(64), tenant: 't', issuer: 'i', keyid: '0'.repeat(32), id: 'i', blind: 'A'.repeat(43) },
  ...{ issuedAt: '1970-01-01T00:00:00.000Z', expiresAt: '1970-01-01T00:00:00.000Z' },
};
