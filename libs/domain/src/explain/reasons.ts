/** What each reason code means, and what the asker should do next. docs/reasons.md says the same: a test compares them. */

/** `act once`: within the permit; `stop`: asking again changes nothing; `retry`: the same again, later; `ask again`: another proposal; `wait`: for an answer. */
export type NextStep = 'act once' | 'wait' | 'stop' | 'retry' | 'ask again';

export interface Reason {
  /** Kind of entry that it stands on; `gateway` and `sdk` say what is never on the ledger. */
  readonly on: 'action.decided' | 'escalation.settled' | 'claim.refused' | 'input.refused' | 'gateway' | 'sdk';
  readonly means: string;
  readonly next: NextStep;
}

/** Closed. What a code means never says what would have been allowed. */
export const REASONS: ReadonlyMap<string, Reason> = new Map([
  ...on('action.decided', {
    ALLOW_POLICY: ['a permit of the bundle matched and needs no person', 'act once'],
    ESCALATE_APPROVAL_REQUIRED: ['a permit matched and its approval rule must be met first', 'wait'],
    ESCALATE_CUMULATIVE: ['it would go over a cumulative limit, so people must approve it; exceeded names the limits', 'wait'],
    DENY_POLICY: ['a forbid of the bundle matched', 'stop'],
    DENY_NO_MATCH: ['no permit matched; nothing is allowed by default', 'stop'],
    DENY_UNKNOWN_CLASS: ['the bundle knows no such class', 'stop'],
    DENY_UNKNOWN_ISSUER: ['the signer may not speak for this actor', 'stop'],
    DENY_ACTOR: ['the credential may not say this actor, or not for whom it acts; detail says which of the two', 'ask again'],
    DENY_TOKEN: ['the token that the gateway names is unknown, revoked, expired or has not the role propose; detail says which', 'stop'],
    DENY_TENANT_SCOPE: ['a tenant pointer of the contract names another tenant', 'stop'],
    DENY_FROZEN: ['a freeze is in force for this; freeze is its id', 'ask again'],
    DENY_STOPPED: ['an emergency stop is in force for this; freeze is its id', 'stop'],
    DENY_CONTRACT: ['no contract, not this operation, another digest than pinned, or parameters that do not fit', 'ask again'],
    DENY_ENVELOPE: ['outside of what this tenant may ask for at all', 'stop'],
    DENY_WINDOW: ["outside of the class's change window", 'ask again'],
    DENY_MISSING_EVIDENCE: ['required evidence or rollback path is missing, or does not vouch for exactly this', 'ask again'],
    DENY_CUMULATIVE: ['it would go over a cumulative limit; exceeded names the limits', 'ask again'],
    DENY_EVIDENCE_USED: ['a statement that it needs has counted as often as it may: another one is needed', 'ask again'],
    DENY_EVALUATION_ERROR: ['the engine failed twice; it fails closed', 'ask again'],
    DENY_MALFORMED: [
      'a valid signature over a body that is not a proposal, or one that lives longer than its id is known (15 minutes from askedAt)',
      'ask again',
    ],
    DENY_CONFLICT: ['this id was used for something else; the first decision stands', 'ask again'],
    DENY_EXPIRED: ["came after its own expiresAt, or was issued more than a minute ahead of the lane's time", 'ask again'],
    DENY_LIMIT: [
      'too many remembered ids, counted totals, used statements, or open escalations of this actor (20) or this tenant (2,000), or an entry beyond 16 KiB',
      'ask again',
    ],
  }),
  ...on('escalation.settled', {
    EXPIRED_NO_DECISION: ['nobody answered by the approval deadline: neither a yes nor a denial', 'ask again'],
    ALLOW_APPROVED: ['enough people approved exactly this; the entry carries the permit', 'act once'],
    DENY_HUMAN: ['a person said no', 'stop'],
    SUPERSEDED: ['other rules are in force than those that people were asked under', 'ask again'],
    CANCELLED_REVOKED: ['the credential that asked was revoked while people were still asked', 'stop'],
    CANCELLED_ERASED: ['the action was erased while people were still asked', 'stop'],
  }),
  ...on('claim.refused', {
    CLAIM_RECEIPT: ['the receipt does not prove a decision that this lane made and remembers', 'ask again'],
    CLAIM_NO_PERMIT: ['that decision allowed nothing: denied, escalated, or in shadow mode', 'stop'],
    CLAIM_NOT_EXECUTOR: ['the permit does not name this executor', 'stop'],
    CLAIM_EXPIRED: ["after the permit's executeBy", 'stop'],
    CLAIM_TAKEN: ['another claim has it; first is the index of that grant', 'stop'],
    CLAIM_REPEATED: ["this claim's id was answered before; first is the index of that answer, which stands", 'stop'],
    CLAIM_FROZEN: ['a freeze stands in the way; freeze is its id', 'retry'],
    CLAIM_STOPPED: ['an emergency stop stands in the way; freeze is its id', 'retry'],
    CLAIM_REVOKED: ['the credential that proposed it was revoked or has ended since, or is not known any more', 'stop'],
    CLAIM_EVIDENCE: ['a party whose evidence it rests on was revoked since, or the key that signed it', 'ask again'],
    CLAIM_WINDOW: ['no change window that it needs is open, by the bundle in force', 'retry'],
    CLAIM_LIMIT: ['no room for its id, too many effects under way, or too many uncertain ones of this executor (1,000)', 'retry'],
  }),
  ...on('input.refused', {
    REFUSED_ENCODING: ['not one Avro envelope, not canonical JSON, or copies outside that differ from what is signed', 'stop'],
    REFUSED_SIGNATURE: ["the signature is not that key's over this payload", 'stop'],
    REFUSED_LANE: ["on another lane than its tenant's, or than it says", 'stop'],
    REFUSED_SIZE: ['payload too large or nested too deep', 'stop'],
    REFUSED_ISSUER: ['the ledger admits no such key for this issuer, tenant and kind', 'stop'],
    REFUSED_BODY: ['signed and admitted, and still not something to act on: detail says which member, or why', 'ask again'],
  }),
  ...on('gateway', {
    TOKEN_MISSING: ['no credential was sent', 'stop'],
    TOKEN_UNKNOWN: ['no credential that the ledger admits', 'stop'],
    TOKEN_EXPIRED: ["the credential's time is over", 'stop'],
    TOKEN_REVOKED: ['the credential was revoked', 'stop'],
    ROLE_MISSING: ['the credential is not for this', 'stop'],
    ACTOR_NOT_ALLOWED: ['the credential may not say this actor, or not for whom it acts', 'ask again'],
    JSON_INVALID: ['the body is not JSON', 'ask again'],
    JSON_DUPLICATE_KEY: ['a member of the body stands twice', 'ask again'],
    JSON_LONE_SURROGATE: ['half a character in the body', 'ask again'],
    JSON_DEPTH: ['the body is nested too deep', 'ask again'],
    JSON_NUMBER: ['a number in the body would become another one when it is read: send it as a string', 'ask again'],
    JSON_UTF8: ['the body is not valid UTF-8', 'ask again'],
    MEMBER_NOT_YOURS: ['the body names what only the credential may say', 'ask again'],
    BODY_MALFORMED: ['a member of the body is not of its form', 'ask again'],
    QUERY_MALFORMED: ['a query parameter is not of its form', 'ask again'],
    REQUEST_MALFORMED: ['the request is not of its form, or did not come whole in time', 'ask again'],
    NOT_FOUND: ["not there, not attested yet, another tenant's, or forgotten by this gateway", 'retry'],
    METHOD_NOT_ALLOWED: ['this resource is not used in that way', 'stop'],
    BODY_TOO_LARGE: ['the body is too large', 'ask again'],
    PAYLOAD_TOO_LARGE: ['the signed payload would be too large', 'ask again'],
    MEDIA_TYPE: ['the body is not said to be JSON', 'ask again'],
    NOT_READY: ['the gateway is still reading the ledger', 'retry'],
    LAGGING: ["the gateway's facts of the lane are too old: more waits than it has read", 'retry'],
    LANE_HALTED: ['the ledger cannot be read any further: people have to look', 'retry'],
    BROKER_UNAVAILABLE: ['Kafka did not answer; so for the code of any other fault of Kafka', 'retry'],
    RATE_LIMITED: ['the tenant or the token asks more often than it may: the answer says when to ask again', 'retry'],
    OVERLOADED: ['more in flight than the gateway holds', 'retry'],
    INTERNAL: ['a defect of the gateway', 'retry'],
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
