import type { InputTopic, Rules } from '../ledger/entry.ts';
import { emptyHeads, type LaneHeads } from '../ledger/heads.ts';
import type { IssuerType } from '../payloads/kinds.ts';
import type { Bundle } from '../policy/types.ts';
import { emptyDue, type DueBook } from './due.ts';
import type { ActorRule } from '../payloads/actors.ts';
import type { Token } from './sender.ts';
import type { OpenEffect } from './open.ts';
import type { FreezeBook } from './freeze.ts';
import { IdBook } from './ids.ts';
import { Counts } from './memory/counts.ts';
import { LaneIds } from './memory/lane-ids.ts';
import { LimitBook } from './limits.ts';
import { UsedBook } from './used.ts';

/** A party whose keys the ledger admits for one tenant. */
export interface Issuer {
  readonly id: string;
  readonly type: IssuerType;
  /** keyid → Ed25519 public key, of those that count. */
  readonly keys: Map<string, Uint8Array>;
  /** keyids that counted once, and never count again. */
  readonly revokedKeys: Set<string>;
  /** Rules 1: ids of actors it may speak for; undefined: any. */
  readonly agents: readonly string[] | undefined;
  /** Rules 2: what it may say of actors; undefined: nothing. */
  readonly actors: readonly ActorRule[] | undefined;
  revoked: boolean;
}

/** What decisions in one tenant's tree depend on, beyond its head. */
export interface TenantFacts {
  lastDecidedAtMs: number;
  readonly issuers: Map<string, Issuer>;
  /** Tokens ever issued, by id. */
  readonly tokens: Map<string, Token>;
  /** Under rules 1; later LaneState.ids. */
  ids: IdBook;
  /** Issuer → everything that it issued up to then and that is not remembered is refused: there was no room to remember it. */
  readonly floors: Map<string, number>;
  /** Open escalations, by what their actors' credentials are bound to: `askerKey`. */
  readonly openByActor: Map<string, number>;
  /** Claimed effects that are not over, by the leaf index of their decision. */
  readonly effects: Map<number, OpenEffect>;
  /** Under rules 1: decisions that somebody claimed, by leaf index, until they can no longer be claimed. */
  claims: IdBook;
  /** What cumulative limits have counted. */
  limits: LimitBook;
  /** Statements that have counted. */
  used: UsedBook;
}

/** Where the next record of an input topic stands: kept by the ledger, never by the consumer group. */
export interface InputPosition {
  readonly epoch: number;
  readonly next: bigint;
}

export interface LedgerKey {
  readonly keyid: string;
  readonly publicKey: Uint8Array;
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
  admin: LedgerKey;
  gateway: LedgerKey;
  /** Pinned at the birth, kept offline: rotates what is lost or stolen. undefined: the ledger was born without. */
  recovery: LedgerKey | undefined;
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
  /** What was asked or signed before this is over, after a correction of the lane's time. 0: there was none. */
  floorMs: number;
  /** Under rules 1: ids remembered on the whole lane. */
  idCount: number;
  /** From rules 2 on: every id of the lane that something may still be signed under. */
  ids: LaneIds;
  /** Claimed effects that are not over, by tenant and executor. */
  readonly effectCounts: Counts;
  /** Those of them of which nobody knows whether they happened. */
  readonly uncertainCounts: Counts;
}

/** What every service knows of its ledger from outside: the configuration that pins LedgerInitialised. */
export interface LedgerBirth {
  /** Decision semantics of the whole ledger. */
  readonly rules: Rules;
  readonly ledger: string;
  readonly lanes: number;
  /** Hex SHA-256 of the LedgerInitialised payload. */
  readonly initialisedDigest: string;
  readonly admin: LedgerKey;
  readonly gateway: LedgerKey;
  readonly recovery?: LedgerKey | undefined;
  readonly deciderKeys: readonly LedgerKey[];
  readonly systemLogs: readonly { readonly lane: number; readonly origin: string; readonly vkey: string }[];
}

/** The lane before its first record. */
export function emptyLane(birth: LedgerBirth, lane: number): LaneState {
  const heads = emptyHeads(birth, lane);
  const start: InputPosition = { epoch: 0, next: 0n };
  return {
    rules: birth.rules,
    birth: birth.initialisedDigest,
    heads,
    lanes: birth.lanes,
    admin: birth.admin,
    gateway: birth.gateway,
    recovery: birth.recovery,
    ledgerKeys: new Set([birth.admin, birth.gateway, birth.recovery, ...birth.deciderKeys].flatMap((key) => key?.keyid ?? [])),
    tenants: new Map([...heads.trees.keys()].map((tenant) => [tenant, emptyTenant()])),
    positions: { controls: start, outcomes: start, actions: start },
    bundle: null,
    due: emptyDue(),
    freezes: new Map(),
    lastDecidedAtMs: 0,
    floorMs: 0,
    idCount: 0,
    ids: new LaneIds(),
    effectCounts: new Counts(),
    uncertainCounts: new Counts(),
  };
}

export const emptyTenant = (): TenantFacts => ({
  lastDecidedAtMs: 0,
  issuers: new Map(),
  tokens: new Map(),
  ids: new IdBook(),
  floors: new Map(),
  openByActor: new Map(),
  effects: new Map(),
  claims: new IdBook(),
  limits: new LimitBook(),
  used: new UsedBook(),
});
