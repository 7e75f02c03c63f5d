/** Every receipt of the golden ledgers; those of the tour are in test/start. */
import { describe, expect, it } from 'vitest';

import { formatTrust, parseTrust, utf8 } from '#domain';

import { goldenLogs } from '../foreign/golden.ts';
import { acceptedChanges, bitsOf, isAccepted } from '../support/one-bit.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 0x7fffffff);
/** Unit ms. Several times what all bits take on a busy machine. */
const TIMEOUT_MS = 3_600_000;
/** In `npm test`: some three seconds. All bits of these receipts take five minutes, twice that on a busy machine. */
const ONE_BIT_IN = 128;

describe.each(goldenLogs())('receipts of $version, $tenant', { timeout: TIMEOUT_MS }, ({ verifier, receipts }) => {
  it(`are refused with any one bit changed (SEED=${SEED})`, () => {
    const trust = parseTrust(formatTrust(verifier.vkey));
    for (const [index, receipt] of receipts.entries()) {
      const proof = utf8(receipt);
      expect(isAccepted(proof, trust)).toBe(true);
      expect(acceptedChanges(proof, trust, bitsOf(proof, SEED + index, ONE_BIT_IN)), `receipt ${index}`).toEqual([]);
    }
  });
});
