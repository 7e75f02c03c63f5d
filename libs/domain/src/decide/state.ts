import type { InputTopic, Rules } from '../ledger/entry.ts';
import { emptyHeads, type LaneHeads } from '../ledger/heads.ts';
import type { IssuerType } from '../payloads/kinds.ts';
import type { Bundle } from '../policy/types.ts';
import { emptyDue, type DueBook } from './due.ts';
import type { OpenEffect } from './open.ts';
import type { FreezeBook } from './freeze.ts';
import { IdBook } from './ids.ts';
import { LimitBook } from './limits.ts';

/** A party whose keys the ledger admits for one tenant. */
export interface Issuer {
  readonly id: string;
  readonly type: IssuerType;
  /** keyid → Ed25519 public key, of those that count. */
  readonly keys: Map<string, Uint8Array>;
  /** keyids that counted once, and never count again. */
  readonly revokedKeys: Set<string>;
  /** Actors it may speak for; undefined: any. */
  readonly agents: readonly string[] | undefined;
  revoked: boolean;
}

/** What decisions in one tenant's tree depend on, beyond its head. */
export interface TenantFacts {
  lastDecidedAtMs: number;
  readonly issuers: Map<string, Issuer>;
  /** Token ids ever issued; true once revoked. */
  readonly tokens: Map<string, boolean>;
  ids: IdBook;
  /** Open escalations per actor. */
  readonly openByActor: Map<string, number>;
  /** Claimed effects that are not over, by the leaf index of their decision. */
  readonly effects: Map<number, OpenEffect>;
  /** Decisions that somebody claimed, by leaf index, until they can no longer be claimed. */
  claims: IdBook;
  /** What cumulative limits have counted. */
  limits: LimitBook;
}

/** Where the next record of an input topic stands: kept by the ledger, never by the consumer group. */
export interface InputPosition {
  readonly epoch: number;
  readonly next: bigint;
}

/**
 * Everything `decide` looks at, on one lane. `evolve` changes it in place: the decider drops it whole on any error, so no half
 * step survives, and nothing is copied on the hot path.
 */
export interface LaneState {
  /** The ledger's, for ever. */
  readonly rules: Rules;
  /** Hex SHA-256 of the LedgerInitialised payload: what every signed record is bound to from rules 2 on. */
  readonly birth: string;
  readonly heads: LaneHeads;
  readonly lanes: number;
  readonly admin: { readonly keyid: string; readonly publicKey: Uint8Array };
  readonly gateway: { readonly keyid: string; readonly publicKey: Uint8Array };
  /** keyids that are or were the ledger's own: no party may have them. */
  readonly ledgerKeys: Set<string>;
  readonly tenants: Map<string, TenantFacts>;
  readonly positions: Record<InputTopic, InputPosition>;
  bundle: Bundle | null;
  readonly due: DueBook;
  /** Freezes and stops, in force and just ended. */
  readonly freezes: FreezeBook;
  /** Latest decision on the lane, POSIX milliseconds: its time goes back by a `time.corrected` only. */
  lastDecidedAtMs: number;
  /** The last correction's moment: what was signed before it is over. 0: there was none. */
  floorMs: number;
  /** Ids remembered on the whole lane. */
  idCount: number;
}

/** What every service knows of its ledger from outside: the configuration that pins LedgerInitialised. */
export interface LedgerBirth {
  /** Decision semantics of the whole ledger. */
  readonly rules: Rules;
  readonly ledger: string;
  readonly lanes: number;
  /** Hex SHA-256 of the LedgerInitialised payload. */
  readonly initialisedDigest: string;
  readonly admin: LaneState['admin'];
  readonly gateway: LaneState['gateway'];
  readonly deciderKeys: readonly { readonly keyid: string; readonly publicKey: Uint8Array }[];
  readonly systemLogs: readonly { readonly lane: number; readonly origin: string; readonly vkey: string }[];
}

/** The lane before its first record. */
export function emptyLane(birth: LedgerBirth, lane: number): LaneState {
  const system = birth.systemLogs.find((log) => log.lane === lane);
  if (!system) throw new Error(`lane ${lane}: the ledger has ${birth.lanes} lanes`);
  const heads = emptyHeads(birth.ledger, lane, system);
  const start: InputPosition = { epoch: 0, next: 0n };
  return {
    rules: birth.rules,
    birth: birth.initialisedDigest,
    heads,
    lanes: birth.lanes,
    admin: birth.admin,
    gateway: birth.gateway,
    ledgerKeys: new Set([birth.admin, birth.gateway, ...birth.deciderKeys].map(({ keyid }) => keyid)),
    tenants: new Map([...heads.trees.keys()].map((tenant) => [tenant, emptyTenant()])),
    positions: { controls: start, outcomes: start, actions: start },
    bundle: null,
    due: emptyDue(),
    freezes: new Map(),
    lastDecidedAtMs: 0,
    floorMs: 0,
    idCount: 0,
  };
}

export const emptyTenant = (): TenantFacts => ({
  lastDecidedAtMs: 0,
  issuers: new Map(),
  tokens: new Map(),
  ids: new IdBook(),
  openByActor: new Map(),
  effects: new Map(),
  claims: new IdBook(),
  limits: new LimitBook(),
});

export const actorKey = (actor: { readonly kind: string; readonly id: string }): string => `${actor.kind}:${actor.id}`;
