/** Who stands behind a proposal: a platform that is registered, or a token that the gateway names. Rules 2. */
import { checkActor, type SaidActor } from '../payloads/actors.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { isStillAdmitted } from './issuer-keys.ts';
import { type EntryActor, type Sender, senderOf, type Token } from './sender.ts';
import type { LaneState, TenantFacts } from './state.ts';

type Facts = Pick<TenantFacts, 'issuers' | 'tokens'>;
export type TokenFault = 'unknown' | 'revoked' | 'expired' | 'role';

/** Why this token proposes nothing at `nowMs`; undefined when it may. */
export function tokenFault(token: Token | undefined, nowMs: number): TokenFault | undefined {
  if (!token) return 'unknown';
  if (token.revoked) return 'revoked';
  if (nowMs >= token.validUntilMs) return 'expired';
  return token.roles.includes('propose') ? undefined : 'role';
}

/** Whether what it proposed may still become a permit, or be claimed. One that is no longer known counts as revoked. */
export function isLive(facts: Facts, { issuer, keyid, token }: Sender, nowMs: number): boolean {
  if (issuer === 'gateway') return tokenFault(facts.tokens.get(token ?? ''), nowMs) === undefined;
  return facts.issuers.has(issuer) && isStillAdmitted(facts, issuer, keyid);
}

/** No permit, and no question to people, outlives the token that asked for it. */
export function untilOf({ tokens }: Pick<Facts, 'tokens'>, { token }: Sender, untilMs: number): number {
  return token === undefined ? untilMs : Math.min(untilMs, tokens.get(token)?.validUntilMs ?? untilMs);
}

export interface Spoken {
  /** As the entry names it. */
  readonly actor: EntryActor;
  /** Why the sender may not say this actor; `detail`: in one word what of it. */
  readonly refused?: { readonly reason: 'DENY_UNKNOWN_ISSUER' | 'DENY_TOKEN' | 'DENY_ACTOR'; readonly detail?: string };
}

/** What the ledger lets the sender say of its actor. The gateway speaks for the token that it names, and for nothing else. */
export function spokenFor({ rules }: LaneState, checked: CheckedEnvelope, said: SaidActor, nowMs: number): Spoken {
  const { facts, issuer, payload } = checked;
  const actor = { id: said.id, kind: said.kind };
  const party = facts.issuers.get(issuer);
  if (rules === 1) {
    const isOther = issuer !== 'gateway' && party?.agents?.includes(said.id) === false;
    return isOther ? { actor, refused: { reason: 'DENY_UNKNOWN_ISSUER' } } : { actor };
  }
  const token = facts.tokens.get(senderOf(issuer, payload['token']).token ?? '');
  const fault = issuer === 'gateway' ? tokenFault(token, nowMs) : undefined;
  if (fault !== undefined) return { actor, refused: { reason: 'DENY_TOKEN', detail: fault } };
  const check = checkActor((issuer === 'gateway' ? token : party)?.actors, said);
  if (!check.ok) return { actor, refused: { reason: 'DENY_ACTOR', detail: check.fault } };
  return { actor: check.listedAs === 'id' ? actor : { ...actor, listedAs: check.listedAs } };
}
