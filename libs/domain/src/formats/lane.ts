import { utf8 } from './bytes.ts';

const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** The lane of a tenant: the partition that Kafka's own partitioner chooses for its id. */
export function laneOf(tenant: string, lanes: number): number {
  if (!Number.isInteger(lanes) || lanes < 1) throw new RangeError(`lanes: expected a positive integer, got ${lanes}`);
  return (murmur2(utf8(tenant)) & 0x7fffffff) % lanes;
}

/** MurmurHash2, 32 bits, with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2); signed, as in Java. */
export function murmur2(bytes: Uint8Array): number {
  const byte = (at: number) => bytes[at] ?? 0;
  const tail = bytes.length & ~3;
  let h = SEED ^ bytes.length;
  for (let at = 0; at < tail; at += 4) {
    let k = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  if (bytes.length > tail) {
    h ^= byte(tail) | (byte(tail + 1) << 8) | (byte(tail + 2) << 16);
    h = Math.imul(h, M);
  }
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}
