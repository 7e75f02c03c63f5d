import { parseTrust, type Trust, utf8 } from '#domain';

import { Denied, Expired, Pending, Unavailable } from './errors.ts';
import { checkProposal, EXPIRES_IN_DEFAULT_MS, type ProposalBody } from './proposal.ts';
import { ReceiptVerifier } from './receipt-verifier.ts';

export interface HttpProposerOptions {
  /** The gateway's. */
  readonly url: string;
  /** Bearer token with the role propose. */
  readonly token: string;
  /** Trust file of the tenant's log. With it an answer counts only when its receipt verifies; without it the gateway is believed. */
  readonly trust?: string;
  /** For tests. */
  readonly fetch?: typeof globalThis.fetch;
  /** POSIX milliseconds; default Date.now. */
  readonly nowMs?: () => number;
}
/** The gateway's answer about a decision; the members of docs/http-api.md that callers need. */
export interface Decision {
  readonly id: string;
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly index: string;
  readonly receipt: string;
  readonly permit?: { readonly executors: readonly string[]; readonly executeBy: string };
}

/** Unit ms. How much longer than the wait an answer may take before nobody is believed to be there. */
const ANSWER_MARGIN_MS = 10_000;

/**
 * Proposes through a gateway and resolves only when the action is allowed. In `mode: 'shadow'` it resolves with the WOULD_… verdict,
 * which permits nothing. Everything else throws: Denied, Expired, Pending or Unavailable. An id that was allowed long ago is Expired once
 * its permit is over.
 */
export class HttpProposer {
  readonly #options: HttpProposerOptions;
  readonly #trust: Trust | undefined;
  readonly #verifier = new ReceiptVerifier();

  /** Throws TrustError for a trust file that cannot be read. */
  constructor(options: HttpProposerOptions) {
    this.#options = options;
    this.#trust = options.trust === undefined ? undefined : parseTrust(options.trust);
  }

  async propose(
    body: ProposalBody,
    options: { readonly id?: string; readonly expiresInMs?: number; readonly waitMs?: number } = {},
  ): Promise<Decision> {
    const { id = crypto.randomUUID(), expiresInMs = EXPIRES_IN_DEFAULT_MS, waitMs = 10_000 } = options;
    checkProposal(body, expiresInMs);
    const request = { ...body, id, expiresIn: Math.ceil(expiresInMs / 1000) };
    const { status, answer } = await this.#post(request, id, waitMs);
    if (status === 202) throw new Pending('PENDING', 'accepted, not decided yet', id);
    if (status !== 200) throw refusal(status, answer, id);
    const decision = parseDecision(answer, id);
    this.#verify(decision, body, id);
    const { nowMs = Date.now } = this.#options;
    return allowed(decision, answer, { isShadow: body.mode === 'shadow', nowMs: nowMs() });
  }

  async #post(request: object, id: string, waitMs: number): Promise<{ status: number; answer: Record<string, unknown> }> {
    const { url, token, fetch = globalThis.fetch } = this.#options;
    try {
      const response = await fetch(new URL(`/v1/actions?wait=${Math.trunc(waitMs)}ms`, url), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(request),
        redirect: 'error', // a token goes to the configured gateway and nowhere else
        signal: AbortSignal.timeout(waitMs + ANSWER_MARGIN_MS),
      });
      const answer: unknown = await response.json();
      if (typeof answer !== 'object' || answer === null) throw new TypeError('answer is not an object');
      return { status: response.status, answer: answer as Record<string, unknown> };
    } catch (cause) {
      throw new Unavailable('GATEWAY_UNAVAILABLE', 'no answer from the gateway', id, { cause });
    }
  }

  /** The receipt has to say what the answer says, about the action that was proposed. */
  #verify(decision: Decision, body: ProposalBody, id: string): void {
    if (!this.#trust) return;
    const unverified = (why: string, cause?: unknown) =>
      new Unavailable('RECEIPT_UNVERIFIED', `answer without a valid receipt: ${why}`, id, { cause });
    let proved;
    try {
      proved = this.#verifier.verify(utf8(decision.receipt), {
        origin: this.#trust.log.name,
        verifier: this.#trust.log,
        trust: this.#trust,
      });
    } catch (cause) {
      throw unverified(cause instanceof Error ? cause.message : 'unreadable', cause);
    }
    const { statement, kind } = proved;
    const { predicate } = statement;
    if (kind !== 'action.decided' || statement.subject[0].name !== id) throw unverified('it is of another action');
    if (predicate.verdict !== decision.verdict || predicate.index !== decision.index) throw unverified('it has another verdict');
    const isSame =
      predicate['class'] === body.class && predicate['operation'] === body.operation && predicate['connector'] === body.connector;
    const actor = predicate['actor'] as { kind?: unknown; id?: unknown } | undefined;
    const permits = decision.verdict === 'ALLOW';
    if (permits && !(isSame && actor?.kind === body.actor.kind && actor.id === body.actor.id)) throw unverified('it allows another action');
    if (permits && !isSamePermit(predicate['permit'], decision.permit)) throw unverified('it has another permit');
  }
}

function allowed(decision: Decision, answer: Record<string, unknown>, { isShadow, nowMs }: { isShadow: boolean; nowMs: number }): Decision {
  const { verdict, reasons, receipt, id, permit } = decision;
  if (isShadow && verdict.startsWith('WOULD_')) return decision;
  if (verdict === 'ALLOW' && !isShadow) {
    if (!permit) throw new Unavailable('ANSWER_MALFORMED', 'an ALLOW without a permit', id);
    if (nowMs < Date.parse(permit.executeBy)) return decision;
    throw new Expired('PERMIT_EXPIRED', 'allowed once, but its permit is over', reasons, receipt);
  }
  const reason = reasons[0] ?? verdict;
  const settlement = answer['settlement'] as { outcome?: unknown } | undefined;
  if (settlement)
    throw new Expired(
      typeof settlement.outcome === 'string' ? settlement.outcome : 'SETTLED',
      'the escalation ended without approval',
      reasons,
      receipt,
    );
  if (reasons.includes('DENY_EXPIRED')) throw new Expired('DENY_EXPIRED', 'decided too late', reasons, receipt);
  if (verdict === 'ESCALATE') throw new Pending(reason, 'waits for approval', id, receipt);
  throw new Denied(reason, `verdict ${verdict}`, reasons, receipt);
}

/** 4xx: the same request will be refused again. The rest may pass. */
function refusal(status: number, answer: Record<string, unknown>, id: string): Denied | Unavailable {
  const code = typeof answer['code'] === 'string' ? answer['code'] : `HTTP_${status}`;
  const detail = typeof answer['detail'] === 'string' ? answer['detail'] : 'refused by the gateway';
  return status >= 400 && status < 500 ? new Denied(code, detail) : new Unavailable(code, detail, id);
}

function parseDecision(answer: Record<string, unknown>, id: string): Decision {
  const { verdict, reasons, index, receipt } = answer;
  const isWhole = typeof verdict === 'string' && typeof index === 'string' && typeof receipt === 'string' && isTexts(reasons);
  if (!isWhole || (answer['id'] !== id && verdict !== 'REFUSED'))
    throw new Unavailable('ANSWER_MALFORMED', 'the answer is not about this proposal', id);
  const permit = permitOf(answer['permit']);
  return { id, verdict, reasons, index, receipt, ...(permit && { permit }) };
}

function permitOf(value: unknown): Decision['permit'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { executors, executeBy } = value as Record<string, unknown>;
  return isTexts(executors) && typeof executeBy === 'string' ? { executors, executeBy } : undefined;
}

function isSamePermit(proved: unknown, said: Decision['permit']): boolean {
  const permit = permitOf(proved);
  if (permit?.executeBy !== said?.executeBy) return false;
  return permit?.executors.join('\n') === said?.executors.join('\n');
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
