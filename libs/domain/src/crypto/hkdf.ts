type Hmac = (key: Uint8Array, bytes: Uint8Array) => Uint8Array;

const NO_SALT = new Uint8Array(32); // RFC 5869 §2.2: no salt is HashLen zeros

/** HKDF-SHA-256 with empty salt and 32 bytes of output, which is one block of expansion (RFC 5869 §2.3). */
export function hkdfWith(hmac: Hmac, ikm: Uint8Array, info: Uint8Array): Uint8Array {
  const block = new Uint8Array(info.length + 1);
  block.set(info);
  block[info.length] = 1;
  return hmac(hmac(NO_SALT, ikm), block);
}
