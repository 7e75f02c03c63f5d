/** A receipt with one bit changed, for each of its bits: `countersign verify receipt` must refuse them all. */
import { ReceiptError, type Trust, verifyReceipt } from '#domain';

/** All of them in the long form, else one in `oneIn`; which, follows from the seed. Nearly half of the changes cost a signature check. */
export const bitsOf = (proof: Uint8Array, seed: number, oneIn: number): number[] => {
  const step = process.env['COUNTERSIGN_FUZZ_SECONDS'] === undefined ? oneIn : 1;
  const bits: number[] = [];
  for (let bit = seed % step; bit < proof.length * 8; bit += step) bits.push(bit);
  return bits;
};

/** Those bits whose change is accepted: there must be none. Throws what is no refusal. */
export function acceptedChanges(proof: Uint8Array, trust: Trust, bits: readonly number[]): number[] {
  const changed = Uint8Array.from(proof);
  return bits.filter((bit) => {
    const at = bit >> 3;
    changed[at] = (proof[at] ?? 0) ^ (1 << (bit & 7));
    try {
      return isAccepted(changed, trust);
    } finally {
      changed[at] = proof[at] ?? 0;
    }
  });
}

/** As the command does it. */
export function isAccepted(proof: Uint8Array, trust: Trust): boolean {
  try {
    verifyReceipt(proof, { origin: trust.log.name, verifier: trust.log, trust });
    return true;
  } catch (error) {
    if (error instanceof ReceiptError) return false;
    throw error;
  }
}
