/** How often a tenant, and each of its tokens, may ask. A bucket holds what may be asked for at once, and is filled at a steady rate. */
import { Problem } from './problem.ts';

export interface Rate {
  /** Requests a second, for as long as one likes. */
  readonly perSecond: number;
  /** Requests at once, after a time without any. */
  readonly burst: number;
}
export interface Rates {
  /** Proposals of all tokens of a tenant. */
  readonly tenantProposals: Rate;
  /** Everything else that they ask. */
  readonly tenantReads: Rate;
  /** Of one token: the same, each. */
  readonly tokenProposals: Rate;
  readonly tokenReads: Rate;
}

/**
 * A tenth of what a lane decides a second (docs/performance.md): ten tenants at full rate fill a lane, and one alone leaves the others room.
 * A burst is half a second's worth. Reads cost no decision and are mostly answered from memory, so they may be twice as many; one token has
 * half of its tenant's, so that one faulty agent does not silence the others of its tenant.
 */
export const TENANT_RATE_DEFAULT = 300;

export function ratesOf(tenantProposalsPerSecond: number): Rates {
  const rate = (perSecond: number): Rate => ({ perSecond, burst: Math.max(1, Math.ceil(perSecond / 2)) });
  return {
    tenantProposals: rate(tenantProposalsPerSecond),
    tenantReads: rate(tenantProposalsPerSecond * 2),
    tokenProposals: rate(tenantProposalsPerSecond / 2),
    tokenReads: rate(tenantProposalsPerSecond),
  };
}

/** Buckets that are full again say nothing and are forgotten: as many as tenants and tokens ask within a few seconds are kept. */
const BUCKETS_MAX = 20_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimits {
  readonly #rates: Rates;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** `nowMs` is monotonic. */
  constructor(rates: Rates, nowMs: () => number) {
    this.#rates = rates;
    this.#nowMs = nowMs;
  }

  /** Takes one of the tenant's and one of the token's, or none of both. Throws Problem 429 with when to ask again. */
  take({ tenant, token }: { readonly tenant: string; readonly token: string }, isProposal: boolean): void {
    const { tenantProposals, tenantReads, tokenProposals, tokenReads } = this.#rates;
    const kind = isProposal ? 'p' : 'r';
    const asked = [
      [`${kind}\0${tenant}`, isProposal ? tenantProposals : tenantReads, 'tenant'],
      [`${kind}\0${tenant}\0${token}`, isProposal ? tokenProposals : tokenReads, 'token'],
    ] as const;
    const buckets = asked.map(([key, rate, whose]) => ({ bucket: this.#filled(key, rate), rate, whose }));
    const empty = buckets.filter(({ bucket }) => bucket.tokens < 1);
    const waits = empty.map(({ bucket, rate, whose }) => ({ rate, whose, waitS: (1 - bucket.tokens) / rate.perSecond }));
    const [longest] = waits.sort((a, b) => b.waitS - a.waitS);
    if (longest) {
      const { rate, whose, waitS } = longest;
      const said = `the ${whose} has asked for more than ${rate.perSecond} ${isProposal ? 'proposals' : 'reads'} a second`;
      throw new Problem(429, 'RATE_LIMITED', said, { retryAfterS: Math.max(1, Math.ceil(waitS)) });
    }
    for (const { bucket } of buckets) bucket.tokens -= 1;
  }

  #filled(key: string, { perSecond, burst }: Rate): Bucket {
    const nowMs = this.#nowMs();
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    if (known) this.#buckets.delete(key); // the least recently used is the first
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > BUCKETS_MAX) for (const oldest of this.#buckets.keys()) if (this.#buckets.delete(oldest)) break;
    return bucket;
  }
}

/** From COUNTERSIGN_TENANT_RATE: proposals a second of one tenant; the other rates follow from it. */
export function ratesFrom(env: NodeJS.ProcessEnv): Rates {
  const asked = env['COUNTERSIGN_TENANT_RATE'];
  if (asked === undefined || asked === '') return ratesOf(TENANT_RATE_DEFAULT);
  const perSecond = Number(asked);
  if (!Number.isFinite(perSecond) || perSecond <= 0)
    throw new Error(`COUNTERSIGN_TENANT_RATE: proposals a second expected, "${asked}" found`);
  return ratesOf(perSecond);
}
