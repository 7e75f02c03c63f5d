import { type Decision, demandYes } from './answer.ts';
import { Pending, Unavailable } from './errors.ts';
import { membersOf, parseAnswer, refusal } from './http-answer.ts';
import { AnswerProof } from './http-proof.ts';
import { checkProposal, EXPIRES_IN_DEFAULT_MS, type ProposalBody } from './proposal.ts';

export interface HttpProposerOptions {
  /** The gateway's. */
  readonly url: string;
  /** Bearer token with the role propose; `find` needs read as well. */
  readonly token: string;
  /** Trust file of the tenant's log. With it an answer counts only when its receipt verifies; without it the gateway is believed. */
  readonly trust?: string;
  /** For tests. */
  readonly fetch?: typeof globalThis.fetch;
  /** POSIX milliseconds; default Date.now. */
  readonly nowMs?: () => number;
}

/** Unit ms. How much longer than the wait an answer may take before nobody is believed to be there. */
const ANSWER_MARGIN_MS = 10_000;

/**
 * Proposes through a gateway and resolves only when the action is allowed, at once or by people. In `mode: 'shadow'` it resolves with the
 * WOULD_… verdict, which permits nothing. Everything else throws: Denied, Expired, Pending or Unavailable. An id that was allowed long ago
 * is Expired once its permit is over.
 */
export class HttpProposer {
  readonly #options: HttpProposerOptions;
  readonly #proof: AnswerProof | undefined;

  /** Throws TrustError for a trust file that cannot be read. */
  constructor(options: HttpProposerOptions) {
    this.#options = options;
    this.#proof = options.trust === undefined ? undefined : new AnswerProof(options.trust);
  }

  async propose(
    body: ProposalBody,
    options: { readonly id?: string; readonly expiresInMs?: number; readonly waitMs?: number } = {},
  ): Promise<Decision> {
    const { id = crypto.randomUUID(), expiresInMs = EXPIRES_IN_DEFAULT_MS, waitMs = 10_000 } = options;
    checkProposal(body, expiresInMs);
    const request = JSON.stringify({ ...body, id, expiresIn: Math.ceil(expiresInMs / 1000) });
    return this.#ask(body, { id, path: `/v1/actions?wait=${Math.trunc(waitMs)}ms`, waitMs, request });
  }

  /**
   * What became of an action that was proposed before: `body` and `id` as they were then. For what waits for people, where proposing again
   * would ask them again once the proposal's time is over. Resolves and throws as `propose` does.
   */
  async find(body: ProposalBody, { id }: { readonly id: string }): Promise<Decision> {
    return this.#ask(body, { id, path: `/v1/actions/${encodeURIComponent(id)}`, waitMs: 0 });
  }

  async #ask(body: ProposalBody, question: Question): Promise<Decision> {
    const { id } = question;
    const { status, answer } = await this.#answer(question);
    if (status === 202 || (status === 200 && answer['state'] === 'pending')) throw new Pending('PENDING', 'accepted, not decided yet', id);
    if (status !== 200) throw refusal(status, answer, id);
    const answered = parseAnswer(answer, id);
    this.#proof?.check(answered, body, question.request !== undefined);
    const { nowMs = Date.now } = this.#options;
    return demandYes(answered.settlement ?? answered.decision, { isShadow: body.mode === 'shadow', nowMs: nowMs() });
  }

  async #answer({ id, path, waitMs, request }: Question): Promise<{ status: number; answer: Readonly<Record<string, unknown>> }> {
    const { url, token, fetch = globalThis.fetch } = this.#options;
    const authorization = `Bearer ${token}`;
    try {
      const response = await fetch(new URL(path, url), {
        ...(request === undefined
          ? { headers: { authorization } }
          : { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: request }),
        redirect: 'error', // a token goes to the configured gateway and nowhere else
        signal: AbortSignal.timeout(waitMs + ANSWER_MARGIN_MS),
      });
      const answer = membersOf(await response.json());
      if (!answer) throw new TypeError('answer is not an object');
      return { status: response.status, answer };
    } catch (cause) {
      throw new Unavailable('GATEWAY_UNAVAILABLE', 'no answer from the gateway', id, { cause });
    }
  }
}

interface Question {
  readonly id: string;
  readonly path: string;
  readonly waitMs: number;
  /** JSON of a proposal; without it nothing is proposed. */
  readonly request?: string;
}
