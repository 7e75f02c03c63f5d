/** People's answers to an escalation: one denial ends it, enough approvals of different people turn it into a permit. */
import { formatTime } from '../formats/time.ts';
import type { Predicate } from '../ledger/entry.ts';
import { text } from '../ledger/text.ts';
import { own } from '../policy/pointer.ts';
import { EXECUTE_WITHIN_SECONDS } from '../policy/tables.ts';
import type { Bundle } from '../policy/types.ts';
import { conditionsIn, lapsed, untilIn } from './conditions.ts';
import { isLive, untilOf } from './credentials.ts';
import { subjectOf } from './effects.ts';
import type { EntryContent } from './draft.ts';
import { freezeFor } from './freeze.ts';
import { pick } from './members.ts';
import type { Asked, OpenEscalation } from './open.ts';
import { CANCELLED_REVOKED } from './revoke.ts';
import { settlement } from './settlement.ts';
import type { LaneState, TenantFacts } from './state.ts';
import type { InputFacts } from './types.ts';

type Members = Readonly<Record<string, unknown>>;

/** Another spelling in upper and lower case is no other person. */
export const personOf = (id: string): string => id.toLowerCase();

/**
 * From the entry and from what only its input holds. undefined when the entry asks nobody, and when its input can no longer be read: then
 * nobody knows for whom the actor acts, and so who must not answer.
 */
export function askedBy(predicate: Predicate, bundle: Bundle | null, { requestDigest, actingFor }: InputFacts): Asked | undefined {
  if (typeof predicate['approvalDeadline'] !== 'string' || !bundle || !requestDigest) return undefined;
  const rules = predicate['ruleSet'] as readonly string[];
  const seats = rules.reduce((sum, id) => sum + (own(bundle.tables.approvalRules, id)?.min ?? Number.MAX_SAFE_INTEGER), 0);
  const actor = (predicate['actor'] as { readonly id: string }).id;
  return {
    bindingDigest: text(predicate['bindingDigest']),
    bundle: bundle.digest,
    seats,
    notBy: (actingFor === undefined ? [actor] : [actor, actingFor]).map(personOf),
    members: pick(predicate, ['actor', 'bindingDigest', 'class', 'connector', 'operation', 'grants', 'conditions']),
  };
}

/** Details of a refused vote. Each depends on what the decision's input says. */
export const VOTE_FAULTS = ['not-open', 'another-binding', 'own-action'] as const;

/** Why a vote does not count, in one word. */
export function voteFault(
  open: OpenEscalation | undefined,
  { by, bindingDigest }: { by: string; bindingDigest: string },
): (typeof VOTE_FAULTS)[number] | undefined {
  if (!open?.asked) return 'not-open';
  if (open.asked.bindingDigest !== bindingDigest) return 'another-binding';
  if (open.asked.notBy.includes(personOf(by))) return 'own-action';
  return undefined;
}

/** The settlement that this vote brings about; undefined while more are needed. */
export function settlementOf(
  state: LaneState,
  facts: TenantFacts,
  open: OpenEscalation,
  { by, vote, nowMs, payloadDigest }: { by: string; vote: string; nowMs: number; payloadDigest: string },
): EntryContent | undefined {
  if (vote === 'deny') return settlement(open, { outcome: 'DENY_HUMAN' }, payloadDigest);
  if (!open.asked || new Set([...open.votes, personOf(by)]).size < open.asked.seats) return undefined;
  return settlement(open, approved(state, facts, open.asked, { open, nowMs }), payloadDigest);
}

/** Everything that may have changed since it was asked is looked at again, at this place of the ledger. */
function approved(
  state: LaneState,
  facts: TenantFacts,
  { bundle: digest, members }: Asked,
  { open, nowMs }: { open: OpenEscalation; nowMs: number },
): Members & { readonly outcome: string } {
  const { bundle } = state;
  const rule = bundle && own(bundle.tables.classes, text(members['class']));
  if (!rule || bundle.digest !== digest) return { outcome: 'SUPERSEDED' }; // other rules than those that people were asked under
  if (state.rules === 1 && facts.issuers.get(open.issuer)?.revoked === true) return { outcome: 'DENY_UNKNOWN_ISSUER' };
  if (state.rules > 1 && !isLive(facts, open, nowMs)) return { outcome: CANCELLED_REVOKED };
  const frozen = freezeFor(state, subjectOf(open.tenant, members as Predicate), nowMs);
  if (frozen) return { outcome: frozen.level === 'stop' ? 'DENY_STOPPED' : 'DENY_FROZEN', freeze: frozen.freeze };
  const conditions = conditionsIn(members);
  const lapse = lapsed(state, facts, conditions, nowMs);
  if (lapse) return { outcome: lapse === 'window' ? 'DENY_WINDOW' : 'DENY_MISSING_EVIDENCE' };
  const { grants, ...copied } = members;
  const executeWithinMs = (rule.executeWithinSeconds ?? EXECUTE_WITHIN_SECONDS) * 1000;
  const executeBy = formatTime(Math.min(untilOf(facts, open, nowMs + executeWithinMs), untilIn(conditions)));
  const permit = { executeBy, executors: [...rule.executors].sort(), ...(grants as Members | undefined) };
  return { outcome: 'ALLOW_APPROVED', ...copied, permit };
}
