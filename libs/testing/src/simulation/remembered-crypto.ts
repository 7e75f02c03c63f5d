import type * as crypto from '#crypto';

/**
 * Ed25519 whose answers are remembered. It is a function of its arguments, and a history asks the same thing of every owner, and once more of
 * the checker; what was signed here verifies here. Real signatures all the same: what is new is signed, or verified, by the real one.
 */
type Crypto = typeof crypto;
type Remembered = 'ed25519PublicKey' | 'ed25519Sign' | 'ed25519Verify' | 'publicKeyFault';

type Answer = Uint8Array | boolean | string | undefined;

/** Answers remembered; then all are forgotten, and what recurs is soon there again. */
const REMEMBERED_MAX = 50_000;

export function rememberedCrypto<C extends Pick<Crypto, Remembered | 'sha256'>>(real: C): C {
  const answers = new Map<string, Answer>();
  const remember = <T extends Answer>(key: string, of: () => T): T => {
    if (answers.has(key)) return answers.get(key) as T;
    if (answers.size >= REMEMBERED_MAX) answers.clear();
    const answer = of();
    answers.set(key, answer);
    return answer;
  };
  const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const verifyKey = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): string =>
    `v${text(publicKey)}${text(signature)}${text(real.sha256(message))}`;
  const publicKeyOf = (seed: Uint8Array): Uint8Array => Uint8Array.from(remember(`p${text(seed)}`, () => real.ed25519PublicKey(seed)));
  return {
    ...real,
    publicKeyFault: (bytes: Uint8Array) => remember(`f${text(bytes)}`, () => real.publicKeyFault(bytes)),
    ed25519PublicKey: publicKeyOf,
    ed25519Sign: (seed: Uint8Array, message: Uint8Array) =>
      Uint8Array.from(
        remember(`s${text(seed)}${text(real.sha256(message))}`, () => {
          const signature = real.ed25519Sign(seed, message);
          answers.set(verifyKey(publicKeyOf(seed), message, signature), true);
          return signature;
        }),
      ),
    ed25519Verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
      remember(verifyKey(publicKey, message, signature), () => real.ed25519Verify(publicKey, message, signature)),
  };
}
