import { fromBase64 } from '../formats/bytes.ts';
import { parseTime } from '../formats/time.ts';
import type { Predicate, Source } from '../ledger/entry.ts';
import { admitEntry, systemTree } from '../ledger/heads.ts';
import type { ActorRule } from '../payloads/actors.ts';
import { askedBy, personOf } from './approvals.ts';
import { evolveEffects } from './effects.ts';
import { closeEscalation, findEscalation, openEscalation } from './due.ts';
import { forgetRequests } from './erase.ts';
import { type FreezeLevel, type FreezeScope, lift, raise } from './freeze.ts';
import { idKey } from './ids.ts';
import { useStatements } from './conditions.ts';
import { rememberProposal, settleProposal } from './memory/proposals.ts';
import { rememberRecord } from './memory/records.ts';
import { countDecision } from './limits.ts';
import { evolveKeys } from './issuer-keys.ts';
import { evolveLedgerKeys } from './ledger-keys.ts';
import { askerKey, type EntryActor, senderOf, type Token } from './sender.ts';
import { forgetEnded, revokeToken } from './credentials.ts';
import { emptyTenant, type Issuer, type LaneState, type TenantFacts } from './state.ts';
import { floorOf } from './lane-time.ts';
import type { EvolvedEntry, InputFacts } from './types.ts';
import { text } from '../ledger/text.ts';

/**
 * Moves the state over one entry, in place. Throws LedgerBroken when the entry is not exactly the next of its tree. `facts` is what
 * only the input holds; without it (erased) the id stays known and any repeat is a conflict.
 */
export function evolve(state: LaneState, entry: EvolvedEntry, facts: InputFacts): LaneState {
  admitEntry(state.heads, entry.tenant, entry.kind, entry.statement, entry.bytes, entry.leaf);
  return evolveFacts(state, entry, facts);
}

/** The same for an entry whose tree has already been advanced by a reader of sealed batches. */
export function evolveFacts(state: LaneState, entry: EvolvedEntry, facts: InputFacts): LaneState {
  const { predicate, subject } = entry.statement;
  const tenant = tenantFacts(state, entry.tenant);
  const decidedAtMs = parseTime(predicate.decidedAt);
  if (state.rules === 1) {
    state.idCount -= tenant.ids.forgetExpired(decidedAtMs);
    tenant.claims.forgetExpired(decidedAtMs);
  } else state.ids.sweep(decidedAtMs);
  tenant.lastDecidedAtMs = Math.max(tenant.lastDecidedAtMs, decidedAtMs);
  state.lastDecidedAtMs = Math.max(state.lastDecidedAtMs, decidedAtMs);
  advancePosition(state, entry.source);
  rememberControl(state, tenant, entry.tenant, predicate);
  switch (entry.kind) {
    case 'tenant.registered':
      state.tenants.set(text(predicate['registers']), emptyTenant());
      break;
    case 'issuer.registered':
      tenant.issuers.set(text(predicate['issuer']), issuerOf(predicate));
      break;
    case 'issuer.revoked': {
      const issuer = tenant.issuers.get(text(predicate['issuer']));
      if (issuer) issuer.revoked = true;
      break;
    }
    case 'key.added':
    case 'key.revoked':
      evolveKeys(tenant, entry.kind, predicate);
      break;
    case 'log.closed':
      state.ids.closeLog(entry.tenant, predicate.origin);
      break;
    case 'key.rotated':
      if (entry.tenant === systemTree(state.heads.lane)) evolveLedgerKeys(state, predicate);
      break;
    case 'token.issued':
      if (state.rules >= 2) forgetEnded(tenant.tokens, decidedAtMs);
      tenant.tokens.set(text(predicate['token']), tokenOf(predicate));
      break;
    case 'token.revoked': {
      const token = tenant.tokens.get(text(predicate['token']));
      if (token && state.rules === 1) token.revoked = true;
      else if (token) revokeToken(token, decidedAtMs);
      break;
    }
    case 'bundle.activated':
      if (facts.bundle && entry.tenant === systemTree(state.heads.lane)) state.bundle = facts.bundle;
      break;
    case 'freeze.raised':
    case 'freeze.lifted':
      if (entry.tenant === systemTree(state.heads.lane)) freeze(state, entry.kind, predicate, decidedAtMs);
      break;
    case 'action.decided':
      if (state.rules >= 2) rememberProposal(state, entry, subject[0].name, facts);
      decided(state, tenant, entry, subject[0].name, facts);
      break;
    case 'escalation.settled':
      settled(state, tenant, entry, predicate);
      break;
    case 'approval.recorded': {
      const open = findEscalation(state.due, entry.tenant, Number(predicate['decision']));
      const by = personOf(text(predicate['by']));
      if (open && predicate['vote'] === 'approve' && !open.votes.includes(by)) open.votes.push(by);
      break;
    }
    case 'claim.granted':
    case 'claim.refused':
    case 'outcome.recorded':
    case 'effect.uncertain':
    case 'effect.closed':
      evolveEffects(state, tenant, { name: entry.tenant, kind: entry.kind, actionId: subject[0].name, predicate });
      break;
    case 'time.corrected':
      if (entry.tenant === systemTree(state.heads.lane)) correctTime(state, decidedAtMs);
      break;
    case 'input.gap':
      gap(state, predicate);
      break;
    case 'input.erased':
      forgetRequests(state, entry.tenant, predicate['erases'] as readonly string[], predicate['log']);
      break;
    case 'action.repeated':
      if (state.rules >= 2) rememberProposal(state, entry, subject[0].name, facts);
      break;
    case 'input.refused':
      if (state.rules >= 2 && typeof predicate['issuer'] === 'string') {
        rememberRecord(state, entry.tenant, predicate['issuer'], predicate['recordId'], predicate);
      }
      break;
    case 'genesis':
    case 'log.rotated':
    case 'rollback.granted':
      break; // nothing beyond what every entry does
  }
  return state;
}

function decided(state: LaneState, tenant: TenantFacts, entry: EvolvedEntry, actionId: string, facts: InputFacts): void {
  const { predicate } = entry.statement;
  if (typeof predicate['expiresAt'] !== 'string') return; // refused before its id counted
  const issuer = text(predicate['issuer']);
  const deadline = predicate['approvalDeadline'];
  const index = Number(predicate.index);
  const isOpen = typeof deadline === 'string';
  if (state.rules === 1) {
    const known = { index, digest: facts.requestDigest ?? null, expiresAtMs: parseTime(predicate['expiresAt']), open: isOpen };
    tenant.ids.remember(idKey(issuer, actionId), known);
    state.idCount += 1;
  }
  const counts = countDecision(state.bundle, tenant.limits, predicate, facts);
  const uses = useStatements(tenant.used, predicate);
  if (!isOpen) return;
  const sender = senderOf(issuer, predicate['token']);
  const asker = askerKey(predicate['actor'] as unknown as EntryActor, sender);
  const asked = askedBy(predicate, state.bundle, facts);
  const signed = state.rules >= 2 ? { keyid: text(predicate['keyid']) } : {};
  const open = {
    tenant: entry.tenant,
    index,
    ...sender,
    ...signed,
    actionId,
    asker,
    deadlineMs: parseTime(deadline),
    votes: [],
    ...counts,
    ...uses,
  };
  openEscalation(state.due, asked ? { ...open, asked } : open);
  tenant.openByActor.set(asker, (tenant.openByActor.get(asker) ?? 0) + 1);
}

function settled(state: LaneState, tenant: TenantFacts, entry: EvolvedEntry, predicate: Predicate): void {
  const closed = closeEscalation(state.due, entry.tenant, Number(predicate['settles']));
  if (!closed) return;
  if (predicate['outcome'] !== 'ALLOW_APPROVED') {
    for (const count of closed.counts ?? []) tenant.limits.release(count, predicate.origin, closed.index);
    for (const digest of closed.uses ?? []) tenant.used.release({ digest });
  }
  if (state.rules === 1) tenant.ids.settle(idKey(closed.issuer, closed.actionId));
  else settleProposal(state, entry, closed);
  const left = (tenant.openByActor.get(closed.asker) ?? 1) - 1;
  if (left > 0) tenant.openByActor.set(closed.asker, left);
  else tenant.openByActor.delete(closed.asker);
}

/** Only the last part moves the position: a record counts once all its entries are there. */
function advancePosition(state: LaneState, source: Source): void {
  if (source.kind === 'tick' || source.part !== source.parts - 1) return;
  state.positions[source.topic] = { epoch: source.epoch, next: BigInt(source.offset) + 1n };
}

function rememberControl(state: LaneState, tenant: TenantFacts, name: string, predicate: Predicate): void {
  const { controlId, expiresAt } = predicate as { controlId?: unknown; expiresAt?: unknown };
  if (state.rules >= 2 && controlId !== undefined) {
    rememberRecord(state, name, predicate['signedBy'] === 'recovery' ? 'recovery' : 'admin', controlId, predicate);
    return;
  }
  if (typeof controlId !== 'string' || typeof expiresAt !== 'string') return;
  const known = { index: Number(predicate.index), digest: null, expiresAtMs: parseTime(expiresAt), open: false };
  const signedBy = predicate['signedBy'] === 'recovery' ? 'recovery' : 'admin';
  tenant.ids.remember(idKey(signedBy, controlId), known);
  state.idCount += 1;
}

/** Only the system tree's part counts: the tenants' tell their owners. */
function freeze(state: LaneState, kind: 'freeze.raised' | 'freeze.lifted', predicate: Predicate, nowMs: number): void {
  if (kind === 'freeze.lifted') {
    lift(state.freezes, text(predicate['lifts']));
    return;
  }
  const { level, scope, until } = predicate as unknown as { level: FreezeLevel; scope: FreezeScope; until?: string };
  const untilMs = until === undefined ? null : parseTime(until);
  raise(state.freezes, { id: text(predicate['freeze']), level, scope, by: text(predicate['by']), untilMs }, nowMs);
}

/** What time decided meanwhile stays; from here on it goes on from the corrected moment. */
function correctTime(state: LaneState, nowMs: number): void {
  state.lastDecidedAtMs = nowMs;
  state.floorMs = floorOf(nowMs);
  for (const tenant of state.tenants.values()) tenant.lastDecidedAtMs = Math.min(tenant.lastDecidedAtMs, nowMs);
}

function gap(state: LaneState, predicate: Predicate): void {
  const topic = predicate['topic'] as 'actions' | 'outcomes';
  state.positions[topic] = { epoch: Number(predicate['newEpoch']), next: BigInt(text(predicate['to'])) };
}

function issuerOf(predicate: Predicate): Issuer {
  const keys = predicate['keys'] as unknown as readonly { keyid: string; publicKey: string }[];
  return {
    id: text(predicate['issuer']),
    type: predicate['type'] as Issuer['type'],
    keys: new Map(keys.map(({ keyid, publicKey }) => [keyid, fromBase64(publicKey)])),
    revokedKeys: new Set(),
    agents: predicate['agents'] as string[] | undefined,
    actors: actorsOf(predicate),
    revoked: false,
  };
}

function tokenOf(predicate: Predicate): Token {
  return {
    id: text(predicate['token']),
    roles: predicate['roles'] as unknown as Token['roles'],
    actors: actorsOf(predicate),
    validUntilMs: parseTime(text(predicate['validUntil'])),
    revoked: false,
  };
}

/** In one order of members, whoever wrote them: a snapshot of the state is the same bytes from every replay. */
function actorsOf(predicate: Predicate): Issuer['actors'] {
  const rules = predicate['actors'] as readonly ActorRule[] | undefined;
  return rules?.map(({ kind, id, actingFor }) => ({ kind, id, ...(actingFor === undefined ? {} : { actingFor }) }));
}

function tenantFacts(state: LaneState, tenant: string): TenantFacts {
  const facts = state.tenants.get(tenant);
  if (!facts) throw new Error(`no tenant ${tenant}`);
  return facts;
}
