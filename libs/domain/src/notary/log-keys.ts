import { ed25519PublicKey } from '#crypto';

import { tenantSeed } from '../formats/log-key.ts';
import { formatVkey } from '../formats/vkey.ts';

/**
 * The keys of every log of one ledger. Each is derived from a seed of the ledger: from the first one, unless the ledger registered the log with
 * a key of another (after a rotation the notary holds the old seed and the new one while both have logs).
 */
export class LogKeys {
  #ledgerSeeds: readonly Uint8Array[];
  /** The ledger seeds that are here now, the oldest first: asked for where none of those known derives a log's key. */
  further: (() => readonly Uint8Array[]) | undefined;
  /** By origin: of each ledger seed, the log's own seed and vkey. */
  readonly #derived = new Map<string, readonly Derived[]>();
  readonly #chosen = new Map<string, Derived>();

  constructor(
    readonly ledger: string,
    ...ledgerSeeds: readonly Uint8Array[]
  ) {
    this.#ledgerSeeds = ledgerSeeds;
  }

  /** 32-byte seed of the log's key. */
  seed(origin: string): Uint8Array {
    return this.#of(origin).seed;
  }

  vkey(origin: string): string {
    return this.#of(origin).vkey;
  }

  /** The keys that the log may have: one for each ledger seed. */
  vkeys(origin: string): string[] {
    return this.#derivedOf(origin).map(({ vkey }) => vkey);
  }

  /** Whether one of our seeds derives this key for the log; from then on it is the log's. */
  isOurs(origin: string, vkey: unknown): boolean {
    const derived = this.#find(origin, vkey) ?? this.#findAnew(origin, vkey);
    if (derived) this.#chosen.set(origin, derived);
    return derived !== undefined;
  }

  #find(origin: string, vkey: unknown): Derived | undefined {
    return this.#derivedOf(origin).find((each) => each.vkey === vkey);
  }

  #findAnew(origin: string, vkey: unknown): Derived | undefined {
    if (!this.further) return undefined;
    this.#ledgerSeeds = this.further();
    this.#derived.clear();
    return this.#find(origin, vkey);
  }

  #of(origin: string): Derived {
    const derived = this.#chosen.get(origin) ?? this.#derivedOf(origin)[0];
    if (!derived) throw new Error(`${origin}: no ledger seed is here`);
    return derived;
  }

  #derivedOf(origin: string): readonly Derived[] {
    let derived = this.#derived.get(origin);
    if (!derived) this.#derived.set(origin, (derived = this.#ledgerSeeds.map((ledgerSeed) => derive(ledgerSeed, origin))));
    return derived;
  }
}

interface Derived {
  readonly seed: Uint8Array;
  readonly vkey: string;
}

function derive(ledgerSeed: Uint8Array, origin: string): Derived {
  const seed = tenantSeed(ledgerSeed, origin);
  return { seed, vkey: formatVkey(origin, ed25519PublicKey(seed)) };
}
