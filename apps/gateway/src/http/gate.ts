import type { FastifyRequest } from 'fastify';

import { authenticate } from './credential.ts';
import { Problem } from './problem.ts';
import type { LedgerIndex } from '../index/ledger-index.ts';
import type { TokenFact } from '../index/token-book.ts';
import type { Follower } from '../kafka/follower.ts';

/** Unit ms. A broker that restarts or elects a leader is away for seconds; what is asked for meanwhile may be answered from facts this old. */
export const STALE_MAX_MS = 10_000;

type Facts = Pick<Follower, 'isCaughtUp' | 'hasCaughtUp' | 'isBrokerAway' | 'haltOf' | 'silentMs'>;

/**
 * Asked before a request's body is read. Fails closed: facts that are not complete admit nobody, and no proposal is taken while they cannot
 * be kept up to date (no broker, or a halted lane), because a token could have been revoked where we did not look. What was folded before
 * stays readable for STALE_MAX_MS, no longer: a revoked token must stop reading too.
 */
export class Gate {
  readonly #index: LedgerIndex;
  readonly #follower: Facts;
  readonly #nowMs: () => number;
  readonly #admitted = new WeakMap<object, TokenFact>();

  constructor(index: LedgerIndex, follower: Facts, nowMs: () => number) {
    this.#index = index;
    this.#follower = follower;
    this.#nowMs = nowMs;
  }

  /** Throws Problem 401 or 503. A lane's trouble is that of its own tenants. */
  admit(request: FastifyRequest): void {
    const credential = this.#credentialIn(request);
    const lane = this.#index.logs.get(credential.tenant)?.lane;
    const isStale = lane === undefined || this.#follower.silentMs(lane) > STALE_MAX_MS;
    const isComplete = lane !== undefined && this.#follower.hasCaughtUp(lane);
    if (request.method === 'POST' || isStale || !isComplete) this.#checkFollowed(lane, isStale);
    if (!isComplete) throw notReady();
    this.#admitted.set(request, credential);
  }

  /** While some lane is still being read, a token that is unknown may be one of that lane's. */
  #credentialIn(request: FastifyRequest): TokenFact {
    try {
      return authenticate(request.headers.authorization, this.#index.tokens, this.#nowMs());
    } catch (error) {
      if (this.#follower.isCaughtUp) throw error;
      throw this.#follower.isBrokerAway ? brokerAway() : notReady();
    }
  }

  #checkFollowed(lane: number | undefined, isStale: boolean): void {
    const halt = lane === undefined ? 'UNKNOWN_LANE' : this.#follower.haltOf(lane);
    if (halt !== undefined)
      throw new Problem(503, 'LANE_HALTED', `the tenant's lane is halted (${halt}): an operator is needed`, { members: { halt } });
    if (this.#follower.isBrokerAway || (isStale && lane !== undefined && this.#follower.hasCaughtUp(lane))) throw brokerAway();
  }

  /** Who was admitted with the request; with `tenant`, only when it is the credential's own: others do not exist for it. */
  credentialOf(request: FastifyRequest, tenant?: string): TokenFact {
    const credential = this.#admitted.get(request);
    if (!credential) throw new Error('a route under /v1 was reached without the gate');
    if (tenant !== undefined && tenant !== credential.tenant) throw new Problem(404, 'NOT_FOUND', 'no such tenant');
    return credential;
  }
}

const notReady = (): Problem =>
  new Problem(503, 'NOT_READY', "the index of the tenant's lane is being rebuilt from the ledger", { retryAfterS: 2 });

const brokerAway = (): Problem =>
  new Problem(503, 'BROKER_UNAVAILABLE', 'no Kafka broker answers: nothing is accepted, and nothing shown that may be out of date', {
    retryAfterS: 2,
  });
