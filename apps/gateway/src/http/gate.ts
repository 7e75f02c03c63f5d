import type { FastifyRequest } from 'fastify';

import { authenticate } from './credential.ts';
import { Problem } from './problem.ts';
import type { RateLimits } from './rates.ts';
import type { LedgerIndex } from '../index/ledger-index.ts';
import type { TokenFact } from '../index/token-book.ts';
import type { Follower } from '../kafka/follower.ts';
import { STALE_MAX_MS } from '../kafka/freshness.ts';

type Facts = Pick<Follower, 'isCaughtUp' | 'hasCaughtUp' | 'isBrokerAway' | 'haltOf' | 'staleMs' | 'silentMs'>;

/**
 * Asked before a request's body is read. Fails closed: facts that are not complete admit nobody, and no proposal is taken while they cannot
 * be kept up to date (no broker, or a halted lane), because a token could have been revoked where we did not look. What was folded before
 * stays readable for STALE_MAX_MS, no longer: a revoked token must stop reading too. How old facts are is told by the end of the log that was
 * reached: a broker that answers with the first of a million records makes none of them fresh.
 */
export class Gate {
  readonly #index: LedgerIndex;
  readonly #follower: Facts;
  readonly #nowMs: () => number;
  readonly #rates: Pick<RateLimits, 'take'>;
  readonly #admitted = new WeakMap<object, TokenFact>();

  constructor(index: LedgerIndex, follower: Facts, rates: Pick<RateLimits, 'take'>, nowMs: () => number) {
    this.#index = index;
    this.#follower = follower;
    this.#rates = rates;
    this.#nowMs = nowMs;
  }

  /** Throws Problem 401, 429 or 503. A lane's trouble is that of its own tenants, and a tenant's haste its own. */
  admit(request: FastifyRequest): void {
    const credential = this.#credentialIn(request);
    const lane = this.#index.logs.get(credential.tenant)?.lane;
    const isStale = lane === undefined || this.#follower.staleMs(lane) > STALE_MAX_MS;
    const isComplete = lane !== undefined && this.#follower.hasCaughtUp(lane);
    if (request.method === 'POST' || isStale || !isComplete) this.#checkFollowed(lane, isStale);
    if (!isComplete) throw notReady();
    this.#rates.take(credential, request.method === 'POST');
    this.#admitted.set(request, credential);
  }

  /** While some lane is still being read, a token that is unknown may be one of that lane's. */
  #credentialIn(request: FastifyRequest): TokenFact {
    try {
      const { authorization } = request.headers;
      const credential = authenticate(authorization, this.#index.tokens, this.#nowMs());
      // A clock of ours that is behind must not keep a token alive that has ended on the ledger.
      const laneMs = this.#index.laneTimeMs(credential.tenant);
      return laneMs > this.#nowMs() ? authenticate(authorization, this.#index.tokens, laneMs) : credential;
    } catch (error) {
      if (this.#follower.isCaughtUp) throw error;
      throw this.#follower.isBrokerAway ? brokerAway() : notReady();
    }
  }

  #checkFollowed(lane: number | undefined, isStale: boolean): void {
    const halt = lane === undefined ? 'UNKNOWN_LANE' : this.#follower.haltOf(lane);
    if (halt !== undefined)
      throw new Problem(503, 'LANE_HALTED', `the tenant's lane is halted (${halt}): an operator is needed`, { members: { halt } });
    if (this.#follower.isBrokerAway) throw brokerAway();
    if (!isStale || lane === undefined || !this.#follower.hasCaughtUp(lane)) return;
    throw this.#follower.silentMs(lane) > STALE_MAX_MS ? brokerAway() : lagging();
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

const lagging = (): Problem =>
  new Problem(503, 'LAGGING', "the index of the tenant's lane is behind its ledger: a token may have been revoked in what waits", {
    retryAfterS: 2,
  });

const brokerAway = (): Problem =>
  new Problem(503, 'BROKER_UNAVAILABLE', 'no Kafka broker answers: nothing is accepted, and nothing shown that may be out of date', {
    retryAfterS: 2,
  });
