import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';
import { canonicalBytes, formatProof, formatTrust, formatVkey, leafHash, signCheckpoint } from '#domain';

import { parseTrust, ReceiptError, ReceiptVerifier } from './verify.ts';

const seed = new Uint8Array(32).fill(3);
const origin = 'test.example/t/log1';
const trust = parseTrust(formatTrust(formatVkey(origin, ed25519PublicKey(seed))));
const pins = { origin, verifier: trust.log };

/** A tree of one leaf: its hash is the root. */
function receipt(given: { origin?: string; index?: string; seed?: Uint8Array; leaf?: object } = {}): Uint8Array {
  const source = { kind: 'tick', part: 0, parts: 1 };
  const predicate = {
    origin: given.origin ?? origin,
    index: given.index ?? '0',
    previous: '0'.repeat(64),
    decidedAt: '2026-01-01T00:00:00.000Z',
  };
  const entry = canonicalBytes({
    _type: 'https://in-toto.io/Statement/v1',
    predicate: { ...predicate, rules: 1, engine: 'e', bundle: null, source },
    predicateType: 'urn:countersign:genesis:v1',
    subject: [{ name: 'genesis', digest: { sha256: '0'.repeat(64) } }],
  });
  const checkpoint = signCheckpoint(
    { origin, size: 1n, root: leafHash(given.leaf ? canonicalBytes(given.leaf) : entry) },
    given.seed ?? seed,
  );
  return new TextEncoder().encode(formatProof({ entry, index: 0n, proof: [], checkpoint }));
}
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof ReceiptError ? error.code : error;
  }
};

describe('receipt verifier', () => {
  it('verifies, and verifies again from a remembered checkpoint, with the same result', () => {
    const verifier = new ReceiptVerifier();
    const first = verifier.verify(receipt(), pins);
    expect(first.kind).toBe('genesis');
    expect(verifier.verify(receipt(), pins)).toEqual(first);
    expect(new ReceiptVerifier().verify(receipt(), { ...pins, trust })).toEqual(first);
  });

  it.each([
    ['another key', { seed: new Uint8Array(32).fill(4) }, 'UNKNOWN_KEY'],
    ['an entry that is not in the tree', { leaf: { other: 1 } }, 'NOT_INCLUDED'],
    ['an entry of another log', { origin: 'other/t/log' }, 'ENTRY_ORIGIN'],
    ['an entry of another index', { index: '1' }, 'ENTRY_INDEX'],
  ])('refuses %s, remembered checkpoint or not', (_, given, code) => {
    const verifier = new ReceiptVerifier();
    expect(codeOf(() => verifier.verify(receipt(given), pins))).toBe(code);
    expect(codeOf(() => verifier.verify(receipt(given), pins))).toBe(code);
  });

  it('refuses a flipped bit in any byte of a receipt whose checkpoint it remembers', () => {
    const verifier = new ReceiptVerifier();
    const bytes = receipt();
    verifier.verify(bytes, pins);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
      expect(() => verifier.verify(flipped, pins)).toThrow();
    }
  });

  it('demands the quorum of a trust file anew, whatever it remembers', () => {
    const verifier = new ReceiptVerifier();
    verifier.verify(receipt(), pins);
    const quorum = { ...trust, quorum: 'w', groups: new Map([['w', { threshold: 1, members: ['nobody'] }]]) };
    expect(codeOf(() => verifier.verify(receipt(), { ...pins, trust: quorum }))).toBe('QUORUM');
  });
});

describe('for browsers', () => {
  it('nothing behind verify.ts is only Node’s', () => {
    for (const file of ['verify.ts', 'receipt-verifier.ts']) {
      const imported = [...readFileSync(new URL(file, import.meta.url), 'utf8').matchAll(/from '([^']+)'/g)].map(([, name]) => name);
      expect(imported.filter((name) => name !== '#domain' && name?.startsWith('./') !== true)).toEqual([]);
    }
  });
});
