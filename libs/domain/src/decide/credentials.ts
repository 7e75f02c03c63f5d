/** Who stands behind a proposal: a platform that is registered, or a token that the gateway names. Rules 2. */
import { type ActorRule, checkActor, type SaidActor } from '../payloads/actors.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { isStillAdmitted } from './issuer-keys.ts';
import { REVOKED_TOKEN_KNOWN_MS } from './memory/lifetimes.ts';
import { askerKey, type EntryActor, type Sender, senderOf, type Token } from './sender.ts';
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

/** Tokens past their end: no permit and no question outlives its token, so one that is forgotten is missed by no decision. */
export function forgetEnded(tokens: Map<string, Token>, nowMs: number): void {
  for (const [id, { validUntilMs }] of tokens) if (nowMs >= validUntilMs) tokens.delete(id);
}

/** It is known until no permit that it asked for can be claimed, so that its name can be another token's then. */
export function revokeToken(token: Token, nowMs: number): void {
  token.revoked = true;
  token.validUntilMs = Math.min(token.validUntilMs, nowMs + REVOKED_TOKEN_KNOWN_MS);
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

type Said = Pick<CheckedEnvelope, 'issuer' | 'payload'> & { readonly facts: Facts };

const tokenOf = ({ facts, issuer, payload }: Said): Token | undefined => facts.tokens.get(senderOf(issuer, payload['token']).token ?? '');

/** Of the gateway its token's, of a platform its own. */
const listOf = (said: Said): readonly ActorRule[] | undefined =>
  (said.issuer === 'gateway' ? tokenOf(said) : said.facts.issuers.get(said.issuer))?.actors;

/** What the ledger lets the sender say of its actor. The gateway speaks for the token that it names, and for nothing else. */
export function spokenFor({ rules }: LaneState, by: Said, said: SaidActor, nowMs: number): Spoken {
  const { facts, issuer } = by;
  const actor = { id: said.id, kind: said.kind };
  if (rules === 1) {
    const isOther = issuer !== 'gateway' && facts.issuers.get(issuer)?.agents?.includes(said.id) === false;
    return isOther ? { actor, refused: { reason: 'DENY_UNKNOWN_ISSUER' } } : { actor };
  }
  const fault = issuer === 'gateway' ? tokenFault(tokenOf(by), nowMs) : undefined;
  if (fault !== undefined) return { actor, refused: { reason: 'DENY_TOKEN', detail: fault } };
  const check = checkActor(listOf(by), said);
  if (!check.ok) return { actor, refused: { reason: 'DENY_ACTOR', detail: check.fault } };
  return { actor: check.listedAs === 'id' ? actor : { ...actor, listedAs: check.listedAs } };
}

/** Whose limits of a bundle the actor counts towards, where that is more than itself: what one credential says under a `*` is one actor's. */
export function sharedAsker(by: Said, said: SaidActor): string | undefined {
  const check = checkActor(listOf(by), said);
  if (!check.ok || check.listedAs === 'id') return undefined;
  return askerKey({ ...said, listedAs: check.listedAs }, senderOf(by.issuer, by.payload['token']));
}
