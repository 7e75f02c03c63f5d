/** Every control of a ledger, made where its admin key is: one ready Kafka record each, or one per lane. */
import { randomBytes } from 'node:crypto';

import { sha256Hex } from '#crypto';
import {
  type ActorRule,
  type BundleDocument,
  base64url,
  formatTime,
  type FreezeLevel,
  type FreezeScope,
  hex,
  type IssuerType,
  signPayload,
  SYSTEM_TENANT,
  type TokenRole,
  utf8,
} from '#domain';

import { initialisedPayloadOf } from '../home/config.ts';
import { drawLog } from '../home/create-ledger.ts';
import type { Home } from '../home/home.ts';
import { control, type ControlRecord, drawId, ofTenant, onEveryLane, seal } from './signed-control.ts';

export type { ControlRecord } from './signed-control.ts';

/** LedgerInitialised, the same payload as the first record of every lane; made again it gives the same bytes. */
export function initialisedEnvelopes(home: Home): ControlRecord[] {
  const payload = initialisedPayloadOf(home.config);
  const envelope = signPayload({ kind: 'ledger.initialised', payload, seed: home.key('admin'), tenant: SYSTEM_TENANT, lane: 0 });
  return onEveryLane(home, { envelope, id: 'ledger.initialised' });
}

/** Draws the tenant's log: run once per tenant, where the ledger's seed is. */
export function registerTenant(home: Home, tenant: string): ControlRecord {
  const { lane } = ofTenant(home, tenant);
  const log = drawLog(home.config.name, home.newestLedgerSeed());
  return control(home, 'tenant.registered', { tenant: SYSTEM_TENANT, lane }, { registers: tenant, lane, ...log });
}

export interface IssuerOptions {
  readonly tenant: string;
  readonly issuer: string;
  readonly type: IssuerType;
  /** 32-byte Ed25519 public keys, 1 to 8. */
  readonly publicKeys: readonly { readonly keyid: string; readonly publicKey: string }[];
  /** Of a platform: what it may say of actors; absent: nothing. */
  readonly actors?: readonly ActorRule[] | undefined;
  /** On a ledger of rules 1 instead: actors it may speak for; absent: any. */
  readonly agents?: readonly string[] | undefined;
}

export function registerIssuer(home: Home, { tenant, issuer, type, publicKeys, actors, agents }: IssuerOptions): ControlRecord {
  return control(home, 'issuer.registered', ofTenant(home, tenant), { registers: issuer, type, keys: publicKeys, actors, agents });
}

export function revokeIssuer(home: Home, tenant: string, issuer: string): ControlRecord {
  return control(home, 'issuer.revoked', ofTenant(home, tenant), { revokes: issuer });
}

/** One more key for a party, beside those that it has. */
export function addIssuerKey(home: Home, tenant: string, issuer: string, key: IssuerOptions['publicKeys'][number]): ControlRecord {
  return control(home, 'key.added', ofTenant(home, tenant), { holder: issuer, adds: key });
}

/** From its entry on the key counts for nothing; the party's other keys go on. */
export function revokeIssuerKey(home: Home, tenant: string, issuer: string, keyid: string): ControlRecord {
  return control(home, 'key.revoked', ofTenant(home, tenant), { holder: issuer, revokes: keyid });
}

export interface TokenOptions {
  readonly tenant: string;
  readonly roles: readonly TokenRole[];
  /** With the role propose: what it may say of actors; absent: nothing. */
  readonly actors?: readonly ActorRule[] | undefined;
  /** On a ledger of rules 1 instead: actors it may speak for; absent: any. */
  readonly agents?: readonly string[] | undefined;
  readonly validUntilMs: number;
}

/** `bearer` exists only in this answer: the ledger has its hash. */
export function issueToken(home: Home, options: TokenOptions): { envelope: ControlRecord; bearer: string; tokenId: string } {
  const { tenant, roles, actors, agents, validUntilMs } = options;
  const bearer = `cs_${base64url(randomBytes(32))}`;
  const tokenId = `token-${hex(randomBytes(8))}`;
  const body = { token: tokenId, tokenHash: tokenHashOf(bearer), roles, actors, agents, validUntil: formatTime(validUntilMs) };
  return { envelope: control(home, 'token.issued', ofTenant(home, tenant), body), bearer, tokenId };
}

/** What the ledger keeps of a bearer string. It has 256 random bits, so a plain hash hides it. */
export function tokenHashOf(bearer: string): string {
  return sha256Hex(utf8(bearer));
}

export function revokeToken(home: Home, tenant: string, tokenId: string): ControlRecord {
  return control(home, 'token.revoked', ofTenant(home, tenant), { revokes: tokenId });
}

/** In force on a lane from its entry there; confirmed when every lane has one. */
export function activateBundle(home: Home, bundle: BundleDocument): ControlRecord[] {
  return onEveryLane(home, seal(home, 'bundle.activated', { tenant: SYSTEM_TENANT, lane: 0 }, { bundle }));
}

export interface FreezeOptions {
  readonly level: FreezeLevel;
  readonly scope: FreezeScope;
  readonly why: string;
  /** The person, who cannot lift it. */
  readonly by: string;
  /** Absent: until lifted. */
  readonly untilMs?: number | undefined;
  /** Absent: drawn. */
  readonly id?: string | undefined;
}

/** Its records have one id, the freeze's own. In force on a lane from its entry there; confirmed when every lane has one. */
export function raiseFreeze(home: Home, { level, scope, why, by, untilMs, id: name = drawId(level) }: FreezeOptions): ControlRecord[] {
  const until = untilMs === undefined ? undefined : formatTime(untilMs);
  return onEveryLane(home, seal(home, 'freeze.raised', { tenant: SYSTEM_TENANT, lane: 0 }, { level, scope, why, by, until }, { id: name }));
}

export function liftFreeze(home: Home, lifts: string, { by, why }: { readonly by: string; readonly why: string }): ControlRecord[] {
  return onEveryLane(home, seal(home, 'freeze.lifted', { tenant: SYSTEM_TENANT, lane: 0 }, { lifts, by, why }));
}

export interface GapOptions {
  readonly topic: 'actions' | 'outcomes';
  readonly lane: number;
  /** Offsets: the first one missing, and the first one that is there again. */
  readonly from: bigint;
  readonly to: bigint;
  /** The new one: one more than before when the topic was made again. */
  readonly epoch: number;
}

/** An operator's word that input is gone for good. */
export function declareGap(home: Home, { topic, lane, from, to, epoch }: GapOptions): ControlRecord {
  const body = { topic, lane, from: from.toString(), to: to.toString(), epoch };
  return control(home, 'input.gap', { tenant: SYSTEM_TENANT, lane }, body);
}

/** Sets the time of a lane back to the clock's: `laneTime` is the one that is wrong, the lane's last `decidedAt`. */
export function correctTime(home: Home, { lane, laneTimeMs }: { readonly lane: number; readonly laneTimeMs: number }): ControlRecord {
  return control(home, 'time.corrected', { tenant: SYSTEM_TENANT, lane }, { lane, laneTime: formatTime(laneTimeMs) });
}

export interface VoteOptions {
  readonly tenant: string;
  /** Leaf index of the decision that escalated. */
  readonly decision: number;
  /** Its own: what was asked, and what the answer is bound to. */
  readonly bindingDigest: string;
  readonly vote: 'approve' | 'deny';
  /** The person. */
  readonly by: string;
}

/** A person's answer to an escalation, vouched for by the admin key. */
export function recordApproval(home: Home, { tenant, decision, bindingDigest, vote, by }: VoteOptions): ControlRecord {
  return control(home, 'approval.recorded', ofTenant(home, tenant), { decision: String(decision), bindingDigest, vote, by });
}

export interface CloseOptions {
  readonly tenant: string;
  /** Leaf index of the decision whose effect is uncertain, decimal. */
  readonly decision: string;
  /** The person who looked. */
  readonly by: string;
  /** What was found; never in an entry. */
  readonly why: string;
}

/** No report of this effect is awaited any more. */
export function closeEffect(home: Home, { tenant, ...body }: CloseOptions): ControlRecord {
  return control(home, 'effect.closed', ofTenant(home, tenant), body);
}

export interface ErasureOptions {
  readonly tenant: string;
  readonly action: string;
  /** Leaf indexes of its entries, in any order, 1 to 64. */
  readonly indexes: readonly number[];
  /** Kept for ever: it must name nothing that is to be forgotten. */
  readonly why: string;
  /** Origin of a closed log of the tenant that holds them; absent: the one that goes on. */
  readonly log?: string | undefined;
}

/** The inputs of these entries can be read by nobody from its entry on. */
export function eraseInput(home: Home, { tenant, action, indexes, why, log }: ErasureOptions): ControlRecord {
  const ascending = indexes.toSorted((a, b) => a - b).map(String);
  return control(home, 'input.erased', ofTenant(home, tenant), { action, indexes: ascending, why, log });
}
