import type { z } from 'zod';

import type { Json } from '../formats/canonical-json.ts';
import { approvalRecorded } from './approvals.ts';
import {
  bundleActivated,
  inputGap,
  issuerRegistered,
  issuerRegisteredRules1,
  issuerRevoked,
  keyAdded,
  keyRevoked,
  keyRotated,
  logRotated,
  isReservedIssuer,
  recoverable,
  ledgerInitialised,
  tenantRegistered,
  timeCorrected,
  tokenIssued,
  tokenIssuedRules1,
  tokenRevoked,
} from './controls.ts';
import { freezeLifted, freezeRaised } from './freezes.ts';
import { inputErased, ofLog } from './erasures.ts';
import { RULES, type Rules } from '../ledger/entry.ts';
import { bound } from './fields.ts';
import type { PayloadKind } from './kinds.ts';
import { claimRequested, effectClosed, outcomeReported } from './outcomes.ts';
import { proposal, proposalRules1 } from './proposal.ts';

const RULES_1 = {
  'action.proposed': proposalRules1,
  'claim.requested': claimRequested,
  'outcome.reported': outcomeReported,
  'ledger.initialised': ledgerInitialised,
  'tenant.registered': tenantRegistered,
  'approval.recorded': approvalRecorded,
  'issuer.registered': issuerRegisteredRules1,
  'issuer.revoked': issuerRevoked,
  'token.issued': tokenIssuedRules1,
  'token.revoked': tokenRevoked,
  'bundle.activated': bundleActivated,
  'freeze.raised': freezeRaised,
  'freeze.lifted': freezeLifted,
  'input.gap': inputGap,
  'input.erased': inputErased,
} as const satisfies Partial<Record<PayloadKind, z.ZodType>>;

/** Of the newest rules. Every record but the birth itself names the birth that it is for. */
export const PAYLOAD_SCHEMAS = {
  'action.proposed': proposal,
  'claim.requested': claimRequested.safeExtend(bound),
  'outcome.reported': outcomeReported.safeExtend(bound),
  'ledger.initialised': ledgerInitialised
    .safeExtend(recoverable)
    .refine(({ rules, recoveryKey }) => rules >= 2 || recoveryKey === undefined, { path: ['recoveryKey'] }),
  'tenant.registered': tenantRegistered.safeExtend(bound),
  'approval.recorded': approvalRecorded.safeExtend(bound),
  'issuer.registered': issuerRegistered.refine(({ registers }) => !isReservedIssuer(registers), { path: ['registers'] }),
  'issuer.revoked': issuerRevoked.safeExtend(bound),
  'key.added': keyAdded.safeExtend(bound),
  'key.revoked': keyRevoked.safeExtend(bound),
  'key.rotated': keyRotated.safeExtend(bound),
  'log.rotated': logRotated.safeExtend(bound),
  'token.issued': tokenIssued,
  'token.revoked': tokenRevoked.safeExtend(bound),
  'bundle.activated': bundleActivated.safeExtend(bound),
  'freeze.raised': freezeRaised.safeExtend(bound),
  'freeze.lifted': freezeLifted.safeExtend(bound),
  'input.gap': inputGap.safeExtend(bound),
  'time.corrected': timeCorrected.safeExtend(bound),
  'input.erased': inputErased.safeExtend(bound).safeExtend(ofLog),
  'effect.closed': effectClosed.safeExtend(bound),
} as const satisfies Record<PayloadKind, z.ZodType>;

const SCHEMAS_OF: Readonly<Record<Rules, Partial<Record<PayloadKind, z.ZodType>>>> = { 1: RULES_1, 2: PAYLOAD_SCHEMAS };

/** Kinds that a ledger of these rules knows; any other is refused by its payload type. */
export const isKindOf = (rules: Rules, kind: PayloadKind): boolean => SCHEMAS_OF[rules][kind] !== undefined;

export type PayloadOf<K extends PayloadKind> = z.infer<(typeof PAYLOAD_SCHEMAS)[K]>;
export type ParsedPayload<K extends PayloadKind> =
  { readonly ok: true; readonly value: PayloadOf<K> } | { readonly ok: false; readonly detail: string };

/**
 * A whole payload, head and body; never throws. `detail` names the member that is wrong by its path in the schema (`actor-kind`,
 * `unknown-member`), so nothing the sender wrote gets into an entry. What `now` decides (expiry) is not checked here.
 */
export function parsePayload<K extends PayloadKind>(kind: K, json: Json, rules: Rules = RULES): ParsedPayload<K> {
  const schema = SCHEMAS_OF[rules][kind];
  if (!schema) return { ok: false, detail: 'payload-type' };
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, value: result.data as PayloadOf<K> };
  const details = result.error.issues.map(detailOf);
  return { ok: false, detail: details.sort()[0] ?? 'body' }; // sorted: not the order in which zod happens to look
}

function detailOf({ code, path }: z.core.$ZodIssue): string {
  const members = path
    .filter((step) => typeof step === 'string')
    .map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  if (code === 'unrecognized_keys') members.push('unknown-member');
  return members.length === 0 ? 'body' : members.join('-');
}
