/**
 * One proposal decided as on a lane that has nothing else to decide: by the decider itself, its limits on lists, bytes and ids included. What
 * `policy test` and `policy diff` say is what the decider would say.
 */
import { parseCanonical, type Json } from '../formats/canonical-json.ts';
import type { Rules } from '../ledger/entry.ts';
import { newTree } from '../ledger/heads.ts';
import type { SignedEnvelope } from '../ledger/record.ts';
import type { ActorRule } from '../payloads/actors.ts';
import { type IssuerType, NESTING_MAX } from '../payloads/kinds.ts';
import type { Count, Spent } from '../policy/limit.ts';
import type { Bundle, PolicyEngine } from '../policy/types.ts';
import { decide } from './decide.ts';
import { LimitBook } from './limits.ts';
import type { Token } from './sender.ts';
import { emptyLane, emptyTenant, type Issuer, type LaneState, type LedgerBirth } from './state.ts';

export interface Rehearsal {
  /** Of an action.proposed. Its signature was looked at when it was decided in earnest: here it is believed. */
  readonly envelope: SignedEnvelope;
  readonly bundle: Bundle;
  readonly engine: PolicyEngine;
  readonly nowMs: number;
  readonly rules: Rules;
  /** Keys that may sign evidence. */
  readonly parties: readonly RehearsalParty[];
  /** What cumulative limits have counted before; absent: nothing. */
  readonly spent?: Spent;
}
export interface RehearsalParty {
  readonly issuer: string;
  readonly type: IssuerType;
  readonly keyid: string;
  readonly publicKey: Uint8Array;
}

export interface Rehearsed {
  /** As in enforce mode; REFUSED: it would not even be looked at. */
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly policies: readonly string[];
  /** Ids of the approval rules. */
  readonly ruleSet: readonly string[];
}

export function rehearse(rehearsal: Rehearsal): Rehearsed {
  const { envelope, engine, nowMs } = rehearsal;
  const birth = birthFor(rehearsal);
  const context = { nowMs, engine, birth, wire: { decodeEnvelope: () => envelope }, verify: () => true };
  const input = { kind: 'record', topic: 'actions', offset: 0n, value: envelope.payload, inputKey: new Uint8Array(32) } as const;
  const [entry] = decide(laneFor(rehearsal, birth), input, context).entries;
  const { verdict, reasons, policies, ruleSet, code } = (entry?.statement.predicate ?? {}) as Readonly<Record<string, unknown>>;
  const list = (of: unknown): readonly string[] => (Array.isArray(of) ? of.map(String) : []);
  if (typeof verdict !== 'string') return { verdict: 'REFUSED', reasons: list([code]), policies: [], ruleSet: [] };
  return { verdict: verdict.replace('WOULD_', ''), reasons: list(reasons), policies: list(policies), ruleSet: list(ruleSet) };
}

const NOBODY = { keyid: '', publicKey: new Uint8Array(32) };
/** As long as an origin gets in earnest: an entry that fits here fits there. */
const ORIGIN = 'o'.repeat(255);

/** The ledger that the proposal says it is for. */
function birthFor({ envelope, rules }: Rehearsal): LedgerBirth {
  const { ledger, birth } = payloadOf(envelope);
  return {
    rules,
    ledger: typeof ledger === 'string' ? ledger : '',
    lanes: 1,
    initialisedDigest: typeof birth === 'string' ? birth : '',
    admin: NOBODY,
    gateway: { keyid: envelope.keyid, publicKey: NOBODY.publicKey },
    deciderKeys: [],
    systemLogs: [{ lane: envelope.lane, origin: ORIGIN, vkey: '' }],
  };
}

function laneFor({ envelope, bundle, parties, spent }: Rehearsal, birth: LedgerBirth): LaneState {
  const lane = emptyLane(birth, envelope.lane);
  const { tenant } = envelope;
  const { issuer, token, actor } = payloadOf(envelope);
  const actors = allowing(actor);
  const issuers = issuersOf(parties, actors);
  if (typeof issuer === 'string' && issuer !== 'gateway') issuers.set(issuer, proposerOf(issuer, envelope.keyid, actors));
  const tokens = new Map<string, Token>();
  if (typeof token === 'string') tokens.set(token, { id: token, roles: ['propose'], actors, validUntilMs: Infinity, revoked: false });
  lane.heads.trees.set(tenant, newTree(tenant, ORIGIN, ''));
  lane.tenants.set(tenant, { ...emptyTenant(), issuers, tokens, limits: new ToldLimits(spent) });
  return { ...lane, bundle, heads: { ...lane.heads, nextSeq: 1 } };
}

/** What credentials may say comes before policy, and is the same under every bundle: here they may say exactly this actor. */
function allowing(actor: Json | undefined): readonly ActorRule[] {
  const { kind, id, actingFor } = (typeof actor === 'object' && actor !== null ? actor : {}) as Record<string, Json | undefined>;
  return [{ kind, id, ...(actingFor === undefined ? {} : { actingFor: [actingFor] }) } as ActorRule];
}

function issuersOf(parties: readonly RehearsalParty[], actors: readonly ActorRule[]): Map<string, Issuer> {
  const issuers = new Map<string, Issuer>();
  for (const { issuer: id, type, keyid, publicKey } of parties) {
    const known = issuers.get(id);
    if (known) known.keys.set(keyid, publicKey);
    else issuers.set(id, { ...proposerOf(id, keyid, actors), type, keys: new Map([[keyid, publicKey]]) });
  }
  return issuers;
}

const proposerOf = (id: string, keyid: string, actors: readonly ActorRule[]): Issuer => ({
  ...{ id, type: 'platform', keys: new Map([[keyid, NOBODY.publicKey]]), revokedKeys: new Set<string>() },
  ...{ agents: undefined, actors, revoked: false },
});

/** Says what the caller says has been counted. */
class ToldLimits extends LimitBook {
  constructor(private readonly told: Spent = () => 0) {
    super();
  }
  override spent(count: Count): number | 'unknown' {
    return this.told(count);
  }
}

function payloadOf({ payload }: SignedEnvelope): Readonly<Record<string, Json | undefined>> {
  try {
    const json = parseCanonical(payload, { maxDepth: NESTING_MAX });
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {};
  } catch {
    return {}; // decide says what is wrong with it
  }
}
