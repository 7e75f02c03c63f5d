import { ed25519PublicKey } from '#crypto';
import { equalBytes, keyIdOf } from '#domain';

/** The ledger admits a decider's key that is not here. Passes when it is put in place: the lane is taken over again meanwhile. */
export class SealerMissing extends Error {
  override readonly name = 'SealerMissing';
}

/**
 * The decider's private keys that are here: its own, and the next one while a rotation is under way. The ledger says which of them seals; one
 * that is not here yet is looked for again, so that a key may be put in place while the decider runs.
 */
export class SealerKeys {
  readonly #known: { readonly publicKey: Uint8Array; readonly seed: Uint8Array }[] = [];

  constructor(
    own: Uint8Array,
    private readonly further: () => readonly Uint8Array[] = () => [],
  ) {
    this.#learn([own]);
  }

  /** Seed of the key that the ledger admits. Throws SealerMissing: nothing is decided before the key is here. */
  seedFor(admitted: readonly Uint8Array[], lane: number): Uint8Array {
    const seed = this.#find(admitted) ?? this.#findAnew(admitted);
    if (seed) return seed;
    const wanted = admitted.map(keyIdOf).join(', ');
    const held = this.publicKeys().map(keyIdOf).join(', ');
    const what = `lane ${lane}: the ledger admits batches sealed by decider key ${wanted} alone, and this decider has ${held}`;
    throw new SealerMissing(`${what}: put that key at keys/decider.next.key here, or run a decider where it is`);
  }

  /** Of every key that is here now, the oldest first. */
  publicKeys(): Uint8Array[] {
    this.#learn(this.further());
    return this.#known.map(({ publicKey }) => publicKey);
  }

  #find(admitted: readonly Uint8Array[]): Uint8Array | undefined {
    return this.#known.find(({ publicKey }) => admitted.some((key) => equalBytes(key, publicKey)))?.seed;
  }

  #findAnew(admitted: readonly Uint8Array[]): Uint8Array | undefined {
    this.#learn(this.further());
    return this.#find(admitted);
  }

  #learn(seeds: readonly Uint8Array[]): void {
    for (const seed of seeds) {
      if (this.#known.some((known) => equalBytes(known.seed, seed))) continue;
      this.#known.push({ publicKey: ed25519PublicKey(seed), seed });
    }
  }
}
