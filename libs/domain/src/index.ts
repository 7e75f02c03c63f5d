export * from './formats/errors.ts';
export * from './formats/bytes.ts';
export * from './formats/canonical-json.ts';
export * from './formats/exact-number.ts';
export * from './formats/strict-json.ts';
export * from './formats/merkle.ts';
export * from './formats/merkle-prove.ts';
export * from './formats/known-nodes.ts';
export * from './formats/merkle-verify.ts';
export * from './formats/keys.ts';
export * from './formats/vkey.ts';
export * from './formats/signed-note.ts';
export * from './formats/decimal.ts';
export * from './formats/checkpoint.ts';
export * from './formats/cosignature.ts';
export * from './formats/log-key.ts';
export * from './formats/tlog-proof.ts';
export * from './formats/trust-file.ts';
export * from './formats/quorum.ts';
export * from './formats/receipt.ts';
export * from './formats/consistency-file.ts';
export * from './formats/tiles.ts';
export * from './formats/dsse.ts';
export * from './formats/lane.ts';
export * from './formats/time.ts';
export * from './formats/ids.ts';

// ledger records and what entries are
export { entryName } from './ledger/entry-name.ts';
export * from './ledger/record.ts';
export * from './ledger/entry.ts';
export * from './ledger/permit.ts';
export * from './ledger/heads.ts';
export * from './ledger/encoded-tree.ts';
export * from './ledger/statement.ts';
export { placeMac, samePlace, saidOf } from './ledger/source.ts';
export * from './ledger/seal.ts';
export * from './ledger/sealed-batch.ts';
export * from './ledger/void.ts';
export * from './ledger/build-batch.ts';

// deciding
export * from './decide/types.ts';
export * from './decide/state.ts';
export * from './decide/decide.ts';
export { NOT_JUDGED_DETAIL } from './decide/controls.ts';
export * from './decide/rehearse.ts';
export { personOf } from './decide/approvals.ts';
export * from './decide/evolve.ts';
export * from './decide/facts.ts';
export * from './decide/snapshot.ts';
export { firstDue } from './decide/due.ts';
export type { OpenEscalation } from './decide/open.ts';
export { type Freeze, FREEZES_PER_LEVEL_MAX, freezeFor, type FreezeLevel, type FreezeScope, isInForce } from './decide/freeze.ts';
export { hasRoom } from './decide/memory/records.ts';
export { LaneIds } from './decide/memory/lane-ids.ts';
export { CLOCK_DIFFERENCE_MAX_MS, isAhead, laneNow } from './decide/lane-time.ts';
export type { RefusalCode } from './decide/envelope-check.ts';
export * from './decide/memory/lifetimes.ts';
export { OPEN_ESCALATIONS_PER_ACTOR_MAX } from './decide/proposal.ts';
export type * from './policy/types.ts';
export { NOT_JUDGED } from './policy/types.ts';

// policy
export * from './policy/tables.ts';
export * from './policy/bundle.ts';
export * from './policy/faults.ts';
export * from './policy/guards.ts';
export * from './policy/evidence.ts';
export { summaryOf } from './policy/summary.ts';
export * from './policy/request.ts';
export * from './policy/judge.ts';
export * from './policy/own-tests.ts';
export type { JudgeInput } from './policy/case.ts';

// payloads
export * from './payloads/kinds.ts';
export * from './payloads/digests.ts';
export * from './payloads/envelope.ts';
export { isKindOf, type ParsedPayload, parsePayload, PAYLOAD_SCHEMAS, type PayloadOf } from './payloads/parse.ts';
export { proposalBody } from './payloads/proposal.ts';
export { ACTING_FOR_MAX, ACTOR_KINDS, type ActorKind, type ActorRule, ANY, checkActor, type SaidActor } from './payloads/actors.ts';
export { RESERVED_ISSUERS } from './payloads/controls.ts';
export { EVIDENCE_MAX, ISSUER_KEYS_MAX, JUSTIFICATION_MAX, LABEL_MAX, LANES_MAX, LIST_MAX } from './payloads/fields.ts';

// notary
export { erasedNames } from './decide/erase.ts';
export * from './notary/log-keys.ts';
export * from './payloads/key-offer.ts';
export * from './notary/notarise.ts';
export * from './notary/position.ts';

// the one checker
export * from './checker/report.ts';
export * from './checker/lane-checker.ts';
export type { Acknowledgement, TopicHoldings } from './checker/citations.ts';
export { type ReplayInput, unjudging } from './checker/replay.ts';

// explaining
export * from './explain/reasons.ts';
export { type NextAfterNo, nextAfterNo, nextOf } from './explain/next.ts';
export * from './explain/explain.ts';
export * from './explain/text.ts';
export { type CredentialQuestion, CredentialReport, formatCredential, type ToldCredential } from './explain/credential.ts';
export { EffectList, type ListedEffect } from './explain/effects.ts';
export { proofNames } from './explain/proofs.ts';
export type { ToldInput } from './explain/inputs.ts';
export { placeOf, type ToldEntry } from './explain/members.ts';
export type { ToldContract, ToldPolicy, ToldRule } from './explain/policies.ts';
