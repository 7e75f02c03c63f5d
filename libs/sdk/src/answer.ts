/** What a decision, or what ended its escalation, means for whoever asked: the same over HTTP and over Kafka. */
import type { Permit } from '#domain';

import { Denied, Expired, Pending, Unavailable } from './errors.ts';
import type { VerifiedVerdict } from './verdict.ts';

/** A yes: ALLOW, or ALLOW_APPROVED when people were asked. In shadow mode what would have been said, which permits nothing. */
export interface Decision {
  readonly id: string;
  readonly verdict: string;
  readonly reasons: readonly string[];
  /** Of the entry that says so, decimal: a claim names it, with its receipt. */
  readonly index: string;
  readonly receipt: string;
  readonly permit?: Permit;
}
export interface Asked {
  readonly isShadow: boolean;
  /** POSIX milliseconds. */
  readonly nowMs: number;
}

/**
 * The decision behind a verdict that `onVerdict` hands over, if it is a yes. Everything else throws as `HttpProposer` does: Denied, Expired
 * or Pending. `mode: 'shadow'` takes the WOULD_… verdicts, which permit nothing, and no other. TypeError: it answers no proposal.
 */
export function demandAllowed(verdict: VerifiedVerdict, options: { readonly mode?: 'shadow'; readonly nowMs?: number } = {}): Decision {
  const { kind, actionId, reasons, statement, receipt, permit } = verdict;
  if (kind !== 'action.decided' && kind !== 'escalation.settled') throw new TypeError(`${kind} answers no proposal`);
  const { mode, nowMs = Date.now() } = options;
  const told = { id: actionId, verdict: verdict.verdict, reasons, index: statement.predicate.index, receipt, ...(permit && { permit }) };
  return demandYes(told, { isShadow: mode === 'shadow', nowMs });
}

/** `told` is a decision, or the settlement in its place; what it says has been verified, or is believed. */
export function demandYes(told: Decision, { isShadow, nowMs }: Asked): Decision {
  const { id, verdict, reasons, receipt, permit } = told;
  if (isShadow && verdict.startsWith('WOULD_')) return told;
  if (!isShadow && isYes(verdict)) {
    if (!permit) throw new Unavailable('ANSWER_MALFORMED', 'a yes without a permit', id);
    if (nowMs < Date.parse(permit.executeBy)) return told;
    throw new Expired('PERMIT_EXPIRED', 'allowed once, but its permit is over', reasons, receipt);
  }
  if (verdict === 'ESCALATE') throw new Pending(reasons[0] ?? verdict, 'waits for approval', id, receipt);
  const code = verdict === 'DENY' || verdict === 'REFUSED' ? (reasons[0] ?? verdict) : verdict; // how an escalation ended is its own reason
  const NoMore = TOO_LATE.has(code) ? Expired : Denied;
  throw new NoMore(code, `verdict ${verdict}`, reasons.length === 0 ? [code] : reasons, receipt);
}

export const isYes = (verdict: string): boolean => verdict === 'ALLOW' || verdict === 'ALLOW_APPROVED';

const TOO_LATE: ReadonlySet<string> = new Set(['DENY_EXPIRED', 'EXPIRED_NO_DECISION']);
