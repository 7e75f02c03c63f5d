import { randomFillSync } from 'node:crypto';

/** One call to the system's generator serves 128 draws of 32 bytes: a call costs more than the bytes. */
const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let next = POOL_BYTES;

/** `length` random bytes that nobody else was given; fit for keys. */
export function drawRandom(length: number): Uint8Array {
  const drawn = new Uint8Array(length);
  if (length > POOL_BYTES) return randomFillSync(drawn);
  if (next + length > POOL_BYTES) {
    randomFillSync(pool);
    next = 0;
  }
  for (let at = 0; at < length; at++) {
    drawn[at] = pool[next] ?? 0;
    pool[next++] = 0; // what was given out does not stay behind
  }
  return drawn;
}
