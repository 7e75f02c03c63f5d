import { createHash, timingSafeEqual } from 'node:crypto';

import type { ActorRule, TokenRole } from '#domain';

import { IndexStore } from './index-store.ts';

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

  /** By hash: the order in which tokens were issued. */
  readonly #numbers = new Map<string, number>();

  constructor(private readonly store = new IndexStore()) {
    this.load();
  }

  load(): void {
    this.#byPrefix.clear();
    this.#prefixOf.clear();
    this.#numbers.clear();
    for (const [, { hash, ...fact }] of this.store.all<KeptToken>(KEPT)) this.#add({ ...fact, hash: Buffer.from(hash, 'hex') });
  }

  issue(fact: Omit<TokenFact, 'hash' | 'revoked'> & { readonly tokenHash: string }): void {
    const { tokenHash, ...rest } = fact;
    const issued = { ...rest, hash: Buffer.from(tokenHash, 'hex'), revoked: false };
    if (this.#add(issued)) this.#keep(issued);
  }

  revoke(tenant: string, token: string): void {
    const prefix = this.#prefixOf.get(keyOf({ tenant, token }));
    if (prefix === undefined) return;
    const facts = this.#byPrefix.get(prefix) ?? [];
    const after = facts.map((fact) => (fact.tenant === tenant && fact.token === token ? { ...fact, revoked: true } : fact));
    this.#byPrefix.set(prefix, after);
    for (const fact of after) this.#keep(fact);
  }

  /** One secret is one token: the first fact stands, revoked or not. Returns whether this is the first. */
  #add(fact: TokenFact): boolean {
    const prefix = fact.hash.toString('hex').slice(0, PREFIX_CHARACTERS);
    const others = this.#byPrefix.get(prefix) ?? [];
    if (others.some((other) => other.hash.equals(fact.hash))) return false;
    this.#byPrefix.set(prefix, [...others, fact]);
    this.#prefixOf.set(keyOf(fact), prefix);
    this.#numbers.set(fact.hash.toString('hex'), this.#numbers.size);
    return true;
  }

  #keep(fact: TokenFact): void {
    const hash = fact.hash.toString('hex');
    const number = String(this.#numbers.get(hash)).padStart(NUMBER_DIGITS, '0');
    this.store.put(`${KEPT}${number}`, JSON.stringify({ ...fact, hash } satisfies KeptToken));
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

type KeptToken = Omit<TokenFact, 'hash'> & { readonly hash: string };
const KEPT = 'token/';
/** Keys sort as their numbers do. */
const NUMBER_DIGITS = 12;

/** 64 bits: never two in practice, and no help in guessing the other 192. */
const PREFIX_CHARACTERS = 16;
const keyOf = ({ tenant, token }: { tenant: string; token: string }): string => `${tenant}\0${token}`;
