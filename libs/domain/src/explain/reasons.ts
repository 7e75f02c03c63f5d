/** What each reason code means, and what the asker should do next. docs/reasons.md says the same: a test compares them. */

/** `act once`: within the permit; `stop`: asking again changes nothing; `retry`: the same again, later; `ask again`: another proposal; `wait`: for an answer. */
export type NextStep = 'act once' | 'wait' | 'stop' | 'retry' | 'ask again';

export interface Reason {
  /** Kind of entry that it stands on; `sdk` for what is never on the ledger. */
  readonly on: 'action.decided' | 'escalation.settled' | 'claim.refused' | 'input.refused' | 'sdk';
  readonly means: string;
  readonly next: NextStep;
}

/** Closed. What a code means never says what would have been allowed. */
export const REASONS: ReadonlyMap<string, Reason> = new Map([
  ...on('action.decided', {
    ALLOW_POLICY: ['a permit of the bundle matched and needs no person', 'act once'],
    ESCALATE_APPROVAL_REQUIRED: ['a permit matched and its approval rule must be met first', 'wait'],
    DENY_POLICY: ['a forbid of the bundle matched', 'stop'],
    DENY_NO_MATCH: ['no permit matched; nothing is allowed by default', 'stop'],
    DENY_UNKNOWN_CLASS: ['the bundle knows no such class', 'stop'],
    DENY_UNKNOWN_ISSUER: ['the signer may not speak for this actor', 'stop'],
    DENY_TENANT_SCOPE: ['a tenant pointer of the contract names another tenant', 'stop'],
    DENY_FROZEN: ['a freeze is in force for this; freeze is its id', 'ask again'],
    DENY_STOPPED: ['an emergency stop is in force for this; freeze is its id', 'stop'],
    DENY_CONTRACT: ['no contract, not this operation, another digest than pinned, or parameters that do not fit', 'ask again'],
    DENY_ENVELOPE: ['outside of what this tenant may ask for at all', 'stop'],
    DENY_WINDOW: ["outside of the class's change window", 'ask again'],
    DENY_MISSING_EVIDENCE: ['required evidence or rollback path is missing, or does not vouch for exactly this', 'ask again'],
    DENY_EVALUATION_ERROR: ['the engine failed twice; it fails closed', 'ask again'],
    DENY_MALFORMED: ['a valid signature over a body that is not a proposal, or an expiresAt beyond 24 h', 'ask again'],
    DENY_CONFLICT: ['this id was used for something else; the first decision stands', 'ask again'],
    DENY_EXPIRED: ['came after its own expiresAt', 'ask again'],
    DENY_LIMIT: [
      'too many remembered ids or open escalations of this actor (20) or this tenant (2,000), or an entry beyond 16 KiB',
      'ask again',
    ],
  }),
  ...on('escalation.settled', {
    EXPIRED_NO_DECISION: ['nobody answered by the approval deadline: neither a yes nor a denial', 'ask again'],
    ALLOW_APPROVED: ['enough people approved exactly this; the entry carries the permit', 'act once'],
    DENY_HUMAN: ['a person said no', 'stop'],
    SUPERSEDED: ['other rules are in force than those that people were asked under', 'ask again'],
    CANCELLED_ERASED: ['the action was erased while people were still asked', 'stop'],
  }),
  ...on('claim.refused', {
    CLAIM_RECEIPT: ["the receipt does not prove a decision of this tenant's log at that index", 'ask again'],
    CLAIM_NO_PERMIT: ['that decision allowed nothing: denied, escalated, or in shadow mode', 'stop'],
    CLAIM_NOT_EXECUTOR: ['the permit does not name this executor', 'stop'],
    CLAIM_EXPIRED: ["after the permit's executeBy", 'stop'],
    CLAIM_TAKEN: ['another claim has it; first is the index of that grant', 'stop'],
    CLAIM_REPEATED: ["this claim's id was answered before; first is the index of that answer, which stands", 'stop'],
    CLAIM_FROZEN: ['a freeze stands in the way; freeze is its id', 'retry'],
    CLAIM_STOPPED: ['an emergency stop stands in the way; freeze is its id', 'retry'],
    CLAIM_REVOKED: ['the proposer was revoked since', 'stop'],
    CLAIM_LIMIT: ['too many open effects of this tenant (2,000), or too many remembered ids', 'retry'],
  }),
  ...on('input.refused', {
    REFUSED_ENCODING: ['not one Avro envelope, not canonical JSON, or copies outside that differ from what is signed', 'stop'],
    REFUSED_SIGNATURE: ["the signature is not that key's over this payload", 'stop'],
    REFUSED_LANE: ["on another lane than its tenant's, or than it says", 'stop'],
    REFUSED_SIZE: ['payload too large or nested too deep', 'stop'],
    REFUSED_ISSUER: ['the ledger admits no such key for this issuer, tenant and kind', 'stop'],
    REFUSED_BODY: ['signed and admitted, and still not something to act on: detail says which member, or why', 'ask again'],
  }),
  ...on('sdk', {
    PERMIT_EXPIRED: ['allowed once, but the permit is over', 'ask again'],
    PENDING: ['accepted, not decided yet: not a yes', 'wait'],
    GATEWAY_UNAVAILABLE: ['nobody answered: not a yes', 'retry'],
    RECEIPT_UNVERIFIED: ["the answer's receipt does not verify, or proves something else than it says", 'retry'],
    ANSWER_MALFORMED: ['the answer is not about this proposal, or half of one', 'retry'],
  }),
]);

function on(kind: Reason['on'], codes: Readonly<Record<string, readonly [means: string, next: NextStep]>>): [string, Reason][] {
  return Object.entries(codes).map(([code, [means, next]]) => [code, { on: kind, means, next }]);
}
