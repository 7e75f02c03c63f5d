/**
 * Claims: nobody acts on a permit without one. A claim brings the decision's own receipt, so the lane keeps nothing for permits that nobody
 * claims, and the decider believes no copy of a permit, only what its log committed to.
 */
import { utf8 } from '../formats/bytes.ts';
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
import { laneNow } from './lane-time.ts';
import { OPEN_EFFECTS_PER_TENANT_MAX, RESULT_WITHIN_MS, subjectOf } from './effects.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { freezeFor } from './freeze.ts';
import { idKey } from './ids.ts';
import { pick } from './members.ts';
import { idsExhausted } from './proposal.ts';
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
}
type Members = Readonly<Record<string, unknown>>;

/** `claim.granted`, or `claim.refused` with the reason; bytes that are no claim are refused as controls are. */
export function decideClaim(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope): Decided {
  const nowMs = laneNow(state, context.nowMs);
  const stale = staleness(checked, nowMs);
  if (stale !== undefined && stale !== 'repeated') return refuse(state, input, context, checked, stale);
  const parsed = parsePayload('claim.requested', checked.payload, state.rules);
  if (!parsed.ok) return refuse(state, input, context, checked, parsed.detail);
  const claim = parsed.value;
  const proved = provedBy(state, checked, claim);
  const refusal = stale === 'repeated' ? repetition(checked, claim.id, nowMs) : refusalOf(state, checked, claim, proved, nowMs);
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

function repetition({ facts, issuer }: CheckedEnvelope, id: string, nowMs: number): Members {
  const first = facts.ids.firstOf(idKey(issuer, id), nowMs);
  return { reasons: ['CLAIM_REPEATED'], ...(first ? { first: String(first.index) } : {}) };
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
  if (idsExhausted(state, facts, nowMs)) return { reasons: ['CLAIM_LIMIT'] }; // and its id is not remembered
  if (!proved) return no('CLAIM_RECEIPT');
  const { permit, predicate } = proved;
  if (!permit) return no('CLAIM_NO_PERMIT');
  if (!permit.executors.includes(issuer)) return no('CLAIM_NOT_EXECUTOR');
  if (nowMs >= parseTime(permit.executeBy)) return no('CLAIM_EXPIRED');
  const taken = facts.claims.firstOf(claim.decision, nowMs);
  if (taken) return no('CLAIM_TAKEN', { first: String(taken.index) });
  if (isRevoked(state, facts, predicate, nowMs)) return no('CLAIM_REVOKED');
  const frozen = freezeFor(state, subjectOf(checked.tree, predicate), nowMs);
  if (frozen) return no(frozen.level === 'stop' ? 'CLAIM_STOPPED' : 'CLAIM_FROZEN', { freeze: frozen.freeze });
  if (facts.effects.size >= OPEN_EFFECTS_PER_TENANT_MAX) return no('CLAIM_LIMIT');
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
    ...pick(permit, ['executeBy', 'obligations', 'rollback', 'revert']),
    resultBy: formatTime(nowMs + withinMs),
  };
}

/** The decision that the receipt proves to be in this tenant's own tree; undefined when it proves no such thing. */
function provedBy(state: LaneState, checked: CheckedEnvelope, { decision, receipt }: PayloadOf<'claim.requested'>): Proved | undefined {
  const { origin, vkey, range } = treeOf(state, checked.tree);
  try {
    const { statement: json, index } = verifyReceipt(utf8(receipt), { origin, vkey });
    const statement = json as unknown as Statement;
    const { predicate, predicateType } = statement;
    const isVerdict = predicateType === DECIDED || predicateType === SETTLED;
    if (index !== parseU64(decision) || index >= BigInt(range.size) || !isVerdict) return undefined;
    const isYes = predicateType === DECIDED ? predicate.verdict === 'ALLOW' : predicate['outcome'] === 'ALLOW_APPROVED';
    const permit = isYes ? permitOf(predicate) : undefined;
    return { actionId: statement.subject[0].name, predicate, permit };
  } catch {
    return undefined; // whatever is wrong with it, it proves nothing
  }
}
