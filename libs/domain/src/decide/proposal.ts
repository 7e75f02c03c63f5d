import { formatTime } from '../formats/time.ts';
import { judge } from '../policy/judge.ts';
import type { Judgement, Proposal } from '../policy/types.ts';
import type { Spent } from '../policy/limit.ts';
import { bindingDigest, ruleSetDigest } from '../payloads/digests.ts';
import { parsePayload } from '../payloads/parse.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import { draft, recordSource, treeOf, type EntryContent, type RecordInput } from './draft.ts';
import { laneNow } from './lane-time.ts';
import { sharedAsker, spokenFor, untilOf } from './credentials.ts';
import { agentOf, freezeFor } from './freeze.ts';
import { identify } from './identity.ts';
import { identifyRules1 } from './identity-rules-1.ts';
import { holdsUntil, writtenOf } from './conditions.ts';
import { countFacts, TOTALS_PER_LANE_MAX } from './limits.ts';
import { pick } from './members.ts';
import type { Fields, Identified, Step } from './proposal-step.ts';
import { askerKey, type EntryActor, senderOf } from './sender.ts';
import { hasRoom } from './shares.ts';
import { USED_PER_LANE_MAX } from './used.ts';
import type { LaneState } from './state.ts';
import type { DecideContext, Decided } from './types.ts';

/** More pending questions from one actor drown the people who answer them. */
export const OPEN_ESCALATIONS_PER_ACTOR_MAX = 20;
/** The people of one tenant answer all of its questions, and in a day no more than about this many: the rest would only expire unread. */
export const OPEN_ESCALATIONS_PER_TENANT_MAX = 2000;
/** Lists in an entry stay readable and E below 16 KiB. */
const LIST_MAX = 32;

/** One proposal, in the order that names the reason: what its id says of it, then policy. */
export function decideProposal(state: LaneState, input: RecordInput, context: DecideContext, checked: CheckedEnvelope): Decided {
  const nowMs = laneNow(state, context.nowMs);
  const step: Step = { state, input, context, checked, nowMs };
  const parsed = parsePayload('action.proposed', checked.payload, state.rules);
  const found = state.rules === 1 ? identifyRules1(step, parsed) : identify(step, parsed);
  if (found.is === 'repeated') return repeated(step, found);
  if (found.is === 'denied') return decided(step, found.id, denial(step, found.reason, found.detail, found.more), found.facts);
  if (!parsed.ok) throw new Error('a proposal that is malformed has no new id'); // identify never says so
  const proposal = parsed.value as unknown as Proposal & ProposalTimes;
  const members = judged(step, proposal, found.expiresAtMs);
  const counted = countFacts(state.bundle, proposal, () => sharedAsker(checked, proposal.actor));
  return decided(step, found.id, { ...members, ...found.more }, { ...found.facts, ...counted });
}

interface ProposalTimes {
  readonly expiresAt: string;
  readonly blind: string;
}

function judged(step: Step, proposal: Proposal & ProposalTimes, expiresAtMs: number): Fields {
  const { state, checked, nowMs } = step;
  const mode = proposal.mode;
  const { actor, refused } = spokenFor(state, checked, proposal.actor, nowMs);
  const base = {
    ...denialBase(step),
    mode,
    actor,
    class: proposal.class,
    operation: proposal.operation,
    ...(proposal.connector === undefined ? {} : { connector: proposal.connector }),
    expiresAt: formatTime(expiresAtMs),
  };
  const judgement = refused ? deny(refused.reason) : judgementOf(step, proposal, actor);
  const rules = { policies: judgement.policies, ruleSet: judgement.rules.map((rule) => rule.id), contractDigest: judgement.contractDigest };
  const verdict = mode === 'shadow' ? `WOULD_${judgement.verdict}` : judgement.verdict;
  const frozen = judgement.freeze === undefined ? {} : { freeze: judgement.freeze };
  const during = judgement.incident === undefined ? {} : { incident: judgement.incident };
  const exceeded = judgement.exceeded === undefined ? {} : { exceeded: judgement.exceeded };
  const outcome = {
    ...base,
    ...rules,
    ...(refused?.detail === undefined ? {} : { detail: refused.detail }),
    ...frozen,
    ...during,
    ...exceeded,
    ruleSetDigest: ruleSetDigest(judgement.rules),
    verdict,
    reasons: judgement.reasons,
  };
  if (judgement.verdict === 'DENY' || mode === 'shadow') return outcome; // only what may still happen is bound
  const withinMs = judgement.verdict === 'ALLOW' ? judgement.executeWithinMs : judgement.approveWithinMs;
  const sender = senderOf(checked.issuer, checked.payload['token']);
  // No longer than the credential lasts, nor than what it rests on.
  const until = formatTime(Math.min(untilOf(checked.facts, sender, nowMs + withinMs), holdsUntil(judgement.conditions)));
  const tree = treeOf(state, checked.tree);
  const binding = bindingDigest({
    proposal: checked.payload as unknown as Proposal, // as it was signed, and so in canonical order
    blind: proposal.blind,
    contractDigest: judgement.contractDigest,
    expiresAt: until,
    index: String(tree.range.size),
    origin: tree.origin,
    ruleSetDigest: outcome.ruleSetDigest,
  });
  const counted = judgement.counts === undefined ? {} : { counted: judgement.counts.map(({ limit }) => limit) };
  const bound = { ...outcome, ...counted, ...writtenOf(judgement.conditions), bindingDigest: binding };
  if (judgement.verdict === 'ESCALATE') {
    const grants = owedOf(judgement);
    return { ...bound, approvalDeadline: until, ...(Object.keys(grants).length === 0 ? {} : { grants }) };
  }
  return { ...bound, permit: permitOf(judgement, until) };
}

/** Who may act, until when, what they owe afterwards, the way back that was approved with it, and what undoes it. */
const permitOf = (judgement: Judgement, executeBy: string): Fields => ({
  executeBy,
  executors: judgement.executors,
  ...owedOf(judgement),
});

const owedOf = ({ obligations, resultWithinSeconds, rollback, revert }: Judgement): Fields => ({
  ...(obligations.length === 0 ? {} : { obligations }),
  ...(resultWithinSeconds === null ? {} : { resultWithinSeconds }),
  ...(rollback === null ? {} : { rollback }),
  ...(revert === null ? {} : { revert }),
});

type DecidedJudgement = Judgement & { readonly freeze?: string };

/** Policy's word, unless a freeze is in force, after the limits that keep actors from flooding their approvers. Anything that throws denies. */
function judgementOf({ state, checked, nowMs, context }: Step, proposal: Proposal, actor: EntryActor): DecidedJudgement {
  const bundle = state.bundle;
  if (!bundle) return deny('DENY_NO_MATCH');
  if (!Object.hasOwn(bundle.tables.classes, proposal.class)) return deny('DENY_UNKNOWN_CLASS');
  const { tenant, connector } = proposal;
  const frozen = freezeFor(state, { tenant, class: proposal.class, connector, ...agentOf(actor) }, nowMs);
  if (frozen) return { ...deny(frozen.level === 'stop' ? 'DENY_STOPPED' : 'DENY_FROZEN'), freeze: frozen.freeze };
  const asker = askerKey(actor, senderOf(checked.issuer, checked.payload['token']));
  let judgement: Judgement;
  try {
    const { limits, used } = checked.facts;
    const spent: Spent = (count) => limits.spent(count, nowMs);
    const timesUsed = (digest: string): number => used.timesUsed(digest, nowMs);
    const shared = sharedAsker(checked, proposal.actor);
    const keys = (keyid: string) => evidenceKey(checked, keyid);
    judgement = judge({ bundle, proposal, asker: shared, nowMs, engine: context.engine, spent, timesUsed, evidenceKey: keys });
  } catch {
    return deny('DENY_EVALUATION_ERROR');
  }
  const tooLong = [judgement.policies, judgement.rules, judgement.reasons, judgement.executors].some((list) => list.length > LIST_MAX);
  if (tooLong) return deny('DENY_LIMIT');
  const mayHappen = judgement.verdict !== 'DENY' && proposal.mode === 'enforce';
  if (mayHappen && !isRemembered(state, checked.facts, judgement, nowMs)) return deny('DENY_LIMIT');
  const asks = judgement.verdict === 'ESCALATE' && proposal.mode === 'enforce';
  return asks && isFlooded(checked.facts, asker) ? deny('DENY_LIMIT') : judgement;
}

/** Room to remember what it counts towards, and which statements it uses: what is forgotten would count again. */
function isRemembered({ tenants }: LaneState, { limits, used }: CheckedEnvelope['facts'], judgement: Judgement, nowMs: number): boolean {
  const [totals, statements] = [judgement.counts?.length ?? 0, judgement.conditions?.evidence.length ?? 0];
  const all = [...(totals + statements > 0 ? tenants.values() : [])];
  const isRoomForTotals =
    totals === 0 || hasRoom({ mine: limits, all: all.map((each) => each.limits), more: totals, max: TOTALS_PER_LANE_MAX }, nowMs);
  return (
    isRoomForTotals &&
    (statements === 0 || hasRoom({ mine: used, all: all.map((each) => each.used), more: statements, max: USED_PER_LANE_MAX }, nowMs))
  );
}

function isFlooded({ openByActor }: CheckedEnvelope['facts'], asker: string): boolean {
  if ((openByActor.get(asker) ?? 0) >= OPEN_ESCALATIONS_PER_ACTOR_MAX) return true;
  let open = 0;
  for (const ofActor of openByActor.values()) open += ofActor;
  return open >= OPEN_ESCALATIONS_PER_TENANT_MAX;
}

/** Keys that may sign evidence: registered, unrevoked, and of a party other than the proposer. */
function evidenceKey(
  { facts, issuer }: CheckedEnvelope,
  keyid: string,
): { issuer: string; type: string; publicKey: Uint8Array } | undefined {
  for (const party of facts.issuers.values()) {
    const publicKey = party.keys.get(keyid);
    if (publicKey && !party.revoked && party.id !== issuer) return { issuer: party.id, type: party.type, publicKey };
  }
  return undefined;
}

function repeated(step: Step, { id, first, more }: Extract<Identified, { is: 'repeated' }>): Decided {
  const content: EntryContent = {
    kind: 'action.repeated',
    actionId: id,
    payloadDigest: step.checked.payloadDigest,
    members: { first: String(first), ...denialBase(step), ...more },
    inputForm: 'sealed',
  };
  return { entries: [entryOf(step, content)], facts: {}, deadLetter: false };
}

function decided(step: Step, id: string | undefined, members: Fields, facts: Decided['facts'] | undefined): Decided {
  const content = (fields: Fields): EntryContent => ({
    kind: 'action.decided',
    ...(id === undefined ? {} : { actionId: id }),
    payloadDigest: step.checked.payloadDigest,
    members: fields,
    inputForm: 'sealed',
  });
  try {
    return { entries: [entryOf(step, content(members))], facts: facts ?? {}, deadLetter: false };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const small = { ...denial(step, 'DENY_LIMIT', 'entry-bytes'), ...(facts ? pick(members, ['askedAt', 'expiresAt']) : {}) };
    return { entries: [entryOf(step, content(small))], facts: facts ?? {}, deadLetter: false };
  }
}

const entryOf = ({ state, context, checked, input }: Step, content: EntryContent) =>
  draft(state, context, treeOf(state, checked.tree), recordSource(state, input), content);

const denialBase = ({ state, checked }: Step): Fields => ({
  ...senderOf(checked.issuer, state.rules === 1 ? undefined : checked.payload['token']),
  keyid: checked.envelope.keyid,
});

/** A denial before policy is asked: constant size, nothing of the body repeated. */
const denial = (step: Step, reason: string, detail: string, more: Fields = {}): Fields => ({
  ...denialBase(step),
  verdict: step.checked.payload['mode'] === 'shadow' ? 'WOULD_DENY' : 'DENY',
  reasons: [reason],
  detail,
  ...more,
});

const deny = (reason: string): DecidedJudgement => ({
  verdict: 'DENY',
  reasons: [reason],
  policies: [],
  rules: [],
  contractDigest: null,
  executors: [],
  obligations: [],
  resultWithinSeconds: null,
  rollback: null,
  revert: null,
  executeWithinMs: 0,
  approveWithinMs: 0,
});
