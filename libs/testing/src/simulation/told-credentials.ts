import type { Predicate } from '#domain';

import type { ToldEntry } from './told-entry.ts';

/** Parties and tokens of one tenant, whichever of its logs tells of them. */
export class ToldCredentials {
  readonly #revoked = new Set<unknown>();
  readonly #tokens = new Set<unknown>();

  take({ kind, predicate }: ToldEntry): void {
    if (kind === 'issuer.revoked') this.#revoked.add(predicate['issuer']);
    if (kind === 'token.issued') this.#tokens.add(predicate['token']);
    if (kind === 'token.revoked') this.#tokens.delete(predicate['token']);
  }

  isRevoked(issuer: unknown): boolean {
    return this.#revoked.has(issuer);
  }

  /** Of whoever asked, as a decision names it: the gateway speaks for a token. */
  isGone({ issuer, token }: Predicate): boolean {
    return issuer === 'gateway' ? !this.#tokens.has(token) : this.isRevoked(issuer);
  }
}
