import type { Json, PayloadOf } from '#domain';

import type { VerifiedVerdict } from '../verdict.ts';
import type { GrantedTime } from './executor-clock.ts';
import { type Handler, handlerOf, type Handlers, type Job } from './handler.ts';
import type { NoticeCode } from './notice.ts';

/** How the ledger answered a claim, or why nobody waits for an answer any more. `copy`: hex digest of the one that it granted. */
export type Answer =
  | ({ readonly kind: 'granted'; readonly copy: string } & Required<GrantedTime>)
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  | { readonly kind: 'unanswered' };

/** Of a refusal that consumed nothing. */
export interface Held {
  /** The one that was refused. */
  readonly claim: string;
  readonly reasons: readonly string[];
  /** Unit ms, before the next claim. */
  readonly pauseMs: number;
}

export interface WayBack extends Required<GrantedTime> {
  readonly operation: string;
}

/** A permit for this executor, from its verdict until nothing more can come of it. */
export interface OpenClaim {
  readonly verdict: VerifiedVerdict;
  readonly offset: bigint;
  readonly notBeforeMs: number;
  readonly executeByMs: number;
  readonly decision: string;
  readonly handler: Handler;
  readonly proposal: PayloadOf<'action.proposed'>;
  /** What the ledger awaits beside the result: healthcheck, state-hash. */
  readonly obligations: readonly string[];
  /** The latest; undefined until there is a slot for it. */
  claim: string | undefined;
  /** Of its last copy, unit ms; undefined until it is published. */
  publishedAtMs: number | undefined;
  /** Monotonic time from which it is published again, as no answer came. Unit ms; undefined while none is awaited. */
  renewAtMs: number | undefined;
  /** Hex digest of each copy that was published → monotonic time before that, unit ms. */
  copies: Map<string, number>;
  /** Monotonic time before it was published first; undefined when an earlier process did that. Unit ms. */
  askedAtMs: number | undefined;
  answered: boolean;
  granted: boolean;
  answer: PromiseWithResolvers<Answer>;
  /** The last refusal after which it is claimed again, under another id; undefined unless there was one. */
  held: Held | undefined;
  /** What comes of an unhealthy change: the ledger's grant of the way back, or undefined when it will never come. */
  readonly wayBack: PromiseWithResolvers<WayBack | undefined>;
  /** Unit ms; undefined unless it waits for the way back. */
  unhealthySinceMs: number | undefined;
  /** Monotonic time before its failed health check was reported; undefined when an earlier process may have done that. Unit ms. */
  wayBackAskedAtMs: number | undefined;
}

/** A decision that may lead to a permit: its own, or the one of the settlement when people say yes. */
export interface Decision {
  readonly verdict: VerifiedVerdict;
  /** Of the verdict that brought the proposal. */
  readonly offset: bigint;
  readonly proposal: VerifiedVerdict['proposal'];
}
interface Holder {
  readonly issuer: string;
  readonly handlers: Handlers;
  readonly nowMs: number;
}

/** undefined: no permit for this issuer. A code: a permit for it, with which nothing can be done. */
export function openClaim({ verdict, offset, proposal: decided }: Decision, holder: Holder): OpenClaim | NoticeCode | undefined {
  const { permit, statement } = verdict;
  if (!isYes(verdict) || !permit?.executors.includes(holder.issuer)) return undefined;
  if (decided === null) return 'NO_PROPOSAL';
  const proposal = decided as PayloadOf<'action.proposed'>; // valid, as it was allowed; its digest was compared
  const [notBeforeMs, executeByMs] = [Date.parse(permit.notBefore), Date.parse(permit.executeBy)];
  if (!(notBeforeMs < executeByMs && holder.nowMs < executeByMs)) return 'PERMIT_EXPIRED';
  const handler = handlerOf(holder.handlers, proposal);
  const { obligations = [] } = permit;
  if (!handler || (obligations.includes('healthcheck') && !handler.healthcheck)) return 'NO_HANDLER'; // what cannot be finished is not begun
  const decision = statement.predicate.index;
  const wayBack = Promise.withResolvers<WayBack | undefined>();
  wayBack.promise.catch(() => undefined);
  const fresh = { claim: undefined, held: undefined, unhealthySinceMs: undefined, wayBackAskedAtMs: undefined, ...unanswered(), wayBack };
  return { verdict, offset, notBeforeMs, executeByMs, decision, handler, proposal, obligations, ...fresh };
}

/** Of a claim that takes the place of a refused one. */
export function awaitAnswer(open: OpenClaim): void {
  Object.assign(open, unanswered());
}

/** Whether this claim has no answer yet. One that is held had one, though a later copy of it may still be granted. */
export const isAwaited = ({ answered, held, claim }: OpenClaim, asked: string | undefined): boolean =>
  !answered && claim === asked && held?.claim !== asked;

/** Of a claim that was refused: a later copy of it may have been granted, and is heard of next. */
export function awaitLater(open: OpenClaim): void {
  Object.assign(open, awaiting());
}

/**
 * A grant counts also after a refusal of the same id: the ledger has forgotten an id once all its copies that it read have expired, and answers a
 * later one for itself. Nothing else takes the place of an answer.
 */
export function answer(open: OpenClaim, given: Answer): void {
  const isGranted = given.kind === 'granted';
  if (isGranted && open.answered && !open.granted) awaitLater(open);
  open.answered = true;
  open.granted ||= isGranted;
  open.answer.resolve(given);
}

function unanswered() {
  return { copies: new Map<string, number>(), askedAtMs: undefined, ...awaiting() };
}

function awaiting() {
  const answer = Promise.withResolvers<Answer>();
  answer.promise.catch(() => undefined); // closed before anybody waited for it
  return { publishedAtMs: undefined, renewAtMs: undefined, answered: false, granted: false, answer };
}

const isYes = ({ kind, verdict }: VerifiedVerdict): boolean =>
  (kind === 'action.decided' && verdict === 'ALLOW') || (kind === 'escalation.settled' && verdict === 'ALLOW_APPROVED');

/** What in a grant is not about this claim, this decision and this key; undefined when everything is. */
export function mismatchOf(
  open: OpenClaim,
  grant: VerifiedVerdict,
  { issuer, keyid }: { issuer: string; keyid?: string },
): string | undefined {
  const { predicate } = grant.statement;
  const decided = open.verdict.statement.predicate;
  const expected: Readonly<Record<string, Json | undefined>> = {
    origin: decided.origin,
    claim: open.claim,
    decision: open.decision,
    executor: issuer,
    ...(keyid === undefined ? {} : { keyid, bindingDigest: decided['bindingDigest'], operation: open.proposal.operation }),
  };
  if (grant.actionId !== open.verdict.actionId) return 'action';
  return Object.keys(expected).find((member) => predicate[member] !== expected[member]);
}

export function jobOf({ verdict, decision, proposal }: OpenClaim, claim: string, resultBy: string): Job {
  const { tenant, actionId } = verdict;
  return { tenant, actionId, claim, decision, proposal, parameters: proposal.parameters, resultBy };
}

/** Unit ms. NaN for none. */
export const decidedAtOf = ({ statement }: VerifiedVerdict): number => Date.parse(statement.predicate.decidedAt);

export const textOf = (verdict: VerifiedVerdict, member: string): string => {
  const value = verdict.statement.predicate[member];
  return typeof value === 'string' ? value : '';
};

/** Whether a way back was approved with the change. */
export const hasRollback = ({ verdict }: OpenClaim): boolean => verdict.permit?.rollback !== undefined;
