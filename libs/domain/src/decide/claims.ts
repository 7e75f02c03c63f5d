/**
 * Claims: nobody acts on a permit without one. A claim brings the decision's own receipt, so the lane keeps nothing for permits that nobody
 * claims, and the decider believes no copy of a permit, only what its log committed to.
 */
import { equalBytes, utf8 } from '../formats/bytes.ts';
import { leafHash } from '../formats/merkle.ts';
import { parseU64 } from '../formats/decimal.ts';
import { formatTime, parseTime } from '../formats/time.ts';
import { verifyReceipt } from '../formats/receipt.ts';
import type { Predicate, Statement } from '../ledger/entry.ts';
import { type Permit, permitOf } from '../ledger/permit.ts';
import { text } from '../ledger/text.ts';
import { parsePayload, type PayloadOf } from '../payloads/parse.ts';
import { refuse, staleness } from './controls.ts';
import { isLive } from './credentials.ts';
import { draft, recordSource, treeOf, type EntryContent, type RecordInput } from './draft.ts';
import {
  OPEN_EFFECTS_PER_LANE_MAX,
  OPEN_EFFECTS_PER_TENANT_MAX,
  RESULT_WITHIN_MS,
  subjectOf,
  UNCERTAIN_PER_EXECUTOR_MAX,
} from './effects.ts';
import { laneNow } from './lane-time.ts';
import { conditionsIn, lapsed } from './conditions.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { freezeFor } from './freeze.ts';
import { idKey } from './ids.ts';
import { pick } from './members.ts';
import { admits } from './memory/counts.ts';
import { citing, type IdName, type RememberedId } from './memory/lane-ids.ts';
import { capacityOf, hasRoom } from './memory/records.ts';
import { idsExhausted } from './identity-rules-1.ts';
import { senderOf } from './sender.ts';
import type { LaneState } from './state.ts';
import type { DecideContext, Decided } from './types.ts';

const DECIDED = 'urn:countersign:action.decided:v1';
const SETTLED = 'urn:countersign:escalation.settled:v1';

interface Proved {
  readonly actionId: string;
  readonly predicate: Predicate;
  /** Of `action.decided`, and of `escalation.settled` when people said yes. Its time has begun: a lane's never goes back. */
  readonly permit: Permit | undefined;
  /** Of the entry that the receipt proves. */
  readonly leaf: Uint8Array;
}
type Members = Readonly<Record<string, unknown>>;

/** `claim.granted`, or `claim.refused` with the reason; bytes that are no claim are refused as controls are. */
export function decideClaim(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope): Decided {
  const nowMs = laneNow(state, context.nowMs);
  const stale = staleness(state, checked, nowMs);
  if (stale !== undefined && stale !== 'repeated') return refuse(state, input, context, checked, stale);
  const parsed = parsePayload('claim.requested', checked.payload, state.rules);
  if (!parsed.ok) return refuse(state, input, context, checked, parsed.detail);
  const claim = parsed.value;
  const proved = provedBy(state, checked, claim);
  const refusal = stale === 'repeated' ? repetition(state, checked, claim, nowMs) : refusalOf(state, checked, claim, proved, nowMs);
  const common = { decision: claim.decision, claim: claim.id, executor: checked.issuer, keyid: checked.envelope.keyid };
  const content: EntryContent =
    refusal || !proved?.permit
      ? { kind: 'claim.refused', members: { ...common, ...refusal }, ...about(checked, proved) }
      : {
          kind: 'claim.granted',
          members: { ...common, ...granted(proved, proved.permit, nowMs), ...life(claim) },
          ...about(checked, proved),
        };
  return {
    entries: [draft(state, context, treeOf(state, checked.tree), recordSource(state, input), content)],
    facts: {},
    deadLetter: false,
  };
}

function about({ payloadDigest }: CheckedEnvelope, proved: Proved | undefined) {
  return { payloadDigest, inputForm: 'sealed' as const, ...(proved ? { actionId: proved.actionId } : {}) };
}

/** So that the claim's id is remembered as long as it could be decided again. */
const life = ({ expiresAt }: PayloadOf<'claim.requested'>): Members => ({ expiresAt });

function repetition(
  state: LaneState,
  { facts, issuer, tree }: CheckedEnvelope,
  claim: PayloadOf<'claim.requested'>,
  nowMs: number,
): Members {
  const { id } = claim;
  const isOld = state.rules === 1;
  const known = isOld ? facts.ids.firstOf(idKey(issuer, id), nowMs) : state.ids.find({ tenant: tree, issuer, id }, nowMs);
  const first = known ? citing({ log: undefined, ...known }) : {};
  // A copy that was signed anew may count for longer: it is known for as long.
  return { reasons: ['CLAIM_REPEATED'], ...first, ...(isOld ? {} : life(claim)) };
}

/** In this order; undefined when it is granted. */
function refusalOf(
  state: LaneState,
  checked: CheckedEnvelope,
  claim: PayloadOf<'claim.requested'>,
  proved: Proved | undefined,
  nowMs: number,
): Members | undefined {
  const { facts, issuer } = checked;
  const no = (reason: string, more: Members = {}): Members => ({ reasons: [reason], ...more, ...life(claim) });
  if (!hasRoomFor(state, checked, nowMs)) {
    return { reasons: ['CLAIM_LIMIT'], ...(state.rules === 1 ? {} : { issuedAt: claim.issuedAt }) }; // and its id is not remembered
  }
  if (!proved) return no('CLAIM_RECEIPT');
  const { permit, predicate } = proved;
  const decided = state.rules === 1 ? undefined : state.ids.find(decidedName(checked, proved), nowMs);
  if (!permit) return no('CLAIM_NO_PERMIT');
  if (!permit.executors.includes(issuer)) return no('CLAIM_NOT_EXECUTOR');
  if (nowMs >= parseTime(permit.executeBy)) return no('CLAIM_EXPIRED');
  // The log's key alone makes no permit: only what this lane decided itself, and remembers, is one.
  if (state.rules >= 2 && !isSameLeaf(decided?.permit, proved.leaf)) return no('CLAIM_RECEIPT');
  const taken = takenBy(state, checked, claim, decided, nowMs);
  if (taken) return no('CLAIM_TAKEN', taken);
  if (isRevoked(state, facts, predicate, nowMs)) return no('CLAIM_REVOKED');
  const frozen = freezeFor(state, subjectOf(checked.tree, predicate), nowMs);
  if (frozen) return no(frozen.level === 'stop' ? 'CLAIM_STOPPED' : 'CLAIM_FROZEN', { freeze: frozen.freeze });
  const lapse = lapsed(state, facts, conditionsIn(predicate), nowMs);
  if (lapse) return no(lapse === 'window' ? 'CLAIM_WINDOW' : 'CLAIM_EVIDENCE');
  if (hasTooManyEffects(state, checked)) return no('CLAIM_LIMIT');
  return undefined;
}

/** Whether the credential that proposed it could no longer propose it: what had to be true for the permit must be true for the claim. */
function isRevoked({ rules }: LaneState, facts: CheckedEnvelope['facts'], predicate: Predicate, nowMs: number): boolean {
  const issuer = text(predicate['issuer']);
  if (rules === 1) return facts.issuers.get(issuer)?.revoked === true;
  return !isLive(facts, { ...senderOf(issuer, predicate['token']), keyid: text(predicate['keyid']) }, nowMs);
}

function granted({ predicate }: Proved, permit: Permit, nowMs: number): Members {
  const withinMs = permit.resultWithinSeconds === undefined ? RESULT_WITHIN_MS : permit.resultWithinSeconds * 1000;
  return {
    ...pick(predicate, ['actor', 'bindingDigest', 'class', 'connector', 'operation']),
    ...(predicate.rules === 1 ? {} : pick(predicate, ['issuer'])),
    ...pick(permit, ['executeBy', 'obligations', 'rollback', 'revert']),
    resultBy: formatTime(nowMs + withinMs),
  };
}

/** Under which id the lane remembers what was decided. */
function decidedName({ tree }: CheckedEnvelope, { predicate, actionId }: Proved): IdName {
  const issuer = predicate['issuer'];
  return { tenant: tree, issuer: typeof issuer === 'string' ? issuer : '', id: actionId };
}

const isSameLeaf = (remembered: Uint8Array | null | undefined, leaf: Uint8Array): boolean =>
  remembered !== null && remembered !== undefined && equalBytes(remembered, leaf.subarray(0, remembered.length));

/** What tells of an earlier claim of the decision, if there was one. */
function takenBy(
  { rules }: LaneState,
  { facts }: CheckedEnvelope,
  { decision }: PayloadOf<'claim.requested'>,
  decided: RememberedId | undefined,
  nowMs: number,
): Members | undefined {
  if (rules >= 2) {
    const effect = facts.effects.get(Number(decision));
    return decided?.claimed === true ? { ...(effect ? { first: effect.granted } : {}) } : undefined;
  }
  const taken = facts.claims.firstOf(decision, nowMs);
  return taken && { first: String(taken.index) };
}

const hasRoomFor = (state: LaneState, { tree: tenant, issuer, facts }: CheckedEnvelope, nowMs: number): boolean =>
  state.rules === 1 ? !idsExhausted(state, facts, nowMs) : hasRoom(state, { tenant, issuer }, nowMs);

/** One executor's trouble is its own: what it leaves uncertain, and what it has under way, keeps no other from claiming. */
function hasTooManyEffects(state: LaneState, { tree: tenant, issuer, facts }: CheckedEnvelope): boolean {
  if (state.rules === 1) return facts.effects.size >= OPEN_EFFECTS_PER_TENANT_MAX;
  if (state.uncertainCounts.ofIssuer(tenant, issuer) >= UNCERTAIN_PER_EXECUTOR_MAX) return true;
  return !admits(state.effectCounts, capacityOf(state, tenant, OPEN_EFFECTS_PER_LANE_MAX), { tenant, issuer });
}

/** The decision that the receipt proves to be in this tenant's own tree; undefined when it proves no such thing. */
function provedBy(state: LaneState, checked: CheckedEnvelope, { decision, receipt }: PayloadOf<'claim.requested'>): Proved | undefined {
  const { origin, vkey, range } = treeOf(state, checked.tree);
  try {
    const { statement: json, index, entry } = verifyReceipt(utf8(receipt), { origin, vkey });
    const statement = json as unknown as Statement;
    const { predicate, predicateType } = statement;
    const isVerdict = predicateType === DECIDED || predicateType === SETTLED;
    if (index !== parseU64(decision) || index >= BigInt(range.size) || !isVerdict) return undefined;
    const isYes = predicateType === DECIDED ? predicate.verdict === 'ALLOW' : predicate['outcome'] === 'ALLOW_APPROVED';
    const permit = isYes ? permitOf(predicate) : undefined;
    return { actionId: statement.subject[0].name, predicate, permit, leaf: leafHash(entry) };
  } catch {
    return undefined; // whatever is wrong with it, it proves nothing
  }
}
