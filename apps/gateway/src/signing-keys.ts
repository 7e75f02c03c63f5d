import { ed25519PublicKey } from '#crypto';
import { keyIdOf } from '#domain';

import { Problem } from './http/problem.ts';

/** The gateway's private keys that are here: its own, and the next one while a rotation is under way. The ledger says which one counts. */
export class SigningKeys {
  readonly #seeds = new Map<string, Uint8Array>();

  constructor(
    own: Uint8Array,
    private readonly further: () => readonly Uint8Array[] = () => [],
  ) {
    this.#learn([own]);
  }

  /** Throws Problem 503 while the admitted key is not here: a proposal signed by another one would only be refused. */
  seedFor(keyid: string): Uint8Array {
    if (!this.#seeds.has(keyid)) this.#learn(this.further());
    const seed = this.#seeds.get(keyid);
    if (seed) return seed;
    const detail = `the ledger admits gateway key ${keyid}, which is not here: put it at keys/gateway.next.key`;
    throw new Problem(503, 'NOT_READY', detail, { retryAfterS: 2 });
  }

  #learn(seeds: readonly Uint8Array[]): void {
    for (const seed of seeds) this.#seeds.set(keyIdOf(ed25519PublicKey(seed)), seed);
  }
}
