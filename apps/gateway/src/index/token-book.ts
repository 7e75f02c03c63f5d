import { createHash, timingSafeEqual } from 'node:crypto';

import type { ActorRule, TokenRole } from '#domain';

/** Of actors: under rules 1 ids of any kind, undefined: any; since rules 2 a list, undefined: nothing. */
export type TokenSays =
  | { readonly rules: 1; readonly agents: readonly string[] | undefined }
  | { readonly rules: 2; readonly actors: readonly ActorRule[] | undefined };

/** What the ledger says of one bearer token. */
export interface TokenFact {
  readonly tenant: string;
  readonly token: string;
  /** SHA-256 of the bearer string. */
  readonly hash: Buffer;
  readonly roles: readonly TokenRole[];
  readonly says: TokenSays;
  readonly validUntilMs: number;
  readonly revoked: boolean;
}
export type TokenAnswer = { readonly ok: TokenFact } | { readonly refused: 'TOKEN_UNKNOWN' | 'TOKEN_EXPIRED' | 'TOKEN_REVOKED' };

/** Tokens as ledger facts, some 300 bytes each. The ledger bounds the live ones: 10,000 a tenant. One that is over is kept, so that its caller is told so. */
export class TokenBook {
  /** By a part of the hash: a lookup's timing tells at most that part, and the rest is compared in constant time. */
  readonly #byPrefix = new Map<string, TokenFact[]>();
  readonly #prefixOf = new Map<string, string>();

  issue(fact: Omit<TokenFact, 'hash' | 'revoked'> & { readonly tokenHash: string }): void {
    const { tokenHash, ...rest } = fact;
    const prefix = tokenHash.slice(0, PREFIX_CHARACTERS);
    const others = this.#byPrefix.get(prefix) ?? [];
    const hash = Buffer.from(tokenHash, 'hex');
    if (others.some((other) => other.hash.equals(hash))) return; // one secret is one token: the first fact stands, revoked or not
    this.#byPrefix.set(prefix, [...others, { ...rest, hash, revoked: false }]);
    this.#prefixOf.set(keyOf(fact), prefix);
  }

  revoke(tenant: string, token: string): void {
    const prefix = this.#prefixOf.get(keyOf({ tenant, token }));
    if (prefix === undefined) return;
    const facts = this.#byPrefix.get(prefix) ?? [];
    this.#byPrefix.set(
      prefix,
      facts.map((fact) => (fact.tenant === tenant && fact.token === token ? { ...fact, revoked: true } : fact)),
    );
  }

  check(bearer: string, nowMs: number): TokenAnswer {
    const hash = createHash('sha256').update(bearer).digest();
    const candidates = this.#byPrefix.get(hash.toString('hex').slice(0, PREFIX_CHARACTERS)) ?? [];
    const fact = candidates.find((candidate) => timingSafeEqual(candidate.hash, hash));
    if (!fact) return { refused: 'TOKEN_UNKNOWN' };
    if (fact.revoked) return { refused: 'TOKEN_REVOKED' };
    if (nowMs >= fact.validUntilMs) return { refused: 'TOKEN_EXPIRED' };
    return { ok: fact };
  }
}

/** 64 bits: never two in practice, and no help in guessing the other 192. */
const PREFIX_CHARACTERS = 16;
const keyOf = ({ tenant, token }: { tenant: string; token: string }): string => `${tenant}\0${token}`;
