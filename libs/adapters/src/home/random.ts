import { randomFillSync } from 'node:crypto';

/** One call to the system's generator serves 128 draws of 32 bytes: a call costs more than the bytes. */
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);

/** `length` random bytes that nobody else was given; fit for keys. */
export function drawRandom(length: number): Uint8Array {
  if (pool.length < length) pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(POOL_BYTES, length)));
  const drawn = Uint8Array.from(pool.subarray(0, length));
  pool.fill(0, 0, length); // what was given out does not stay behind
  pool = pool.subarray(length);
  return drawn;
}
