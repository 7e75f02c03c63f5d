import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { ed25519PublicKey, sha256 } from '#crypto';
import {
  canonicalBytes,
  concat,
  formatProof,
  formatTrust,
  formatVkey,
  inclusionProof,
  leafHash,
  rootOf,
  signCheckpoint,
  utf8,
} from '#domain';

import { parseTrust, ReceiptError, ReceiptVerifier } from './verify.ts';

const seed = new Uint8Array(32).fill(3);
const origin = 'test.example/t/log1';
const trust = parseTrust(formatTrust(formatVkey(origin, ed25519PublicKey(seed))));
const pins = { origin, verifier: trust.log };

function entryOf(given: { origin?: string; index?: string; rest?: object } = {}): Uint8Array {
  const source = { kind: 'tick', part: 0, parts: 1 };
  const head = {
    origin: given.origin ?? origin,
    index: given.index ?? '0',
    previous: '0'.repeat(64),
    decidedAt: '2026-01-01T00:00:00.000Z',
  };
  return canonicalBytes({
    _type: 'https://in-toto.io/Statement/v1',
    predicate: { ...head, rules: 1, engine: 'e', bundle: null, source, ...given.rest },
    predicateType: 'urn:countersign:genesis:v1',
    subject: [{ name: 'genesis', digest: { sha256: '0'.repeat(64) } }],
  });
}

/** A tree of one leaf: its hash is the root. */
function receipt(given: { origin?: string; index?: string; seed?: Uint8Array; leaf?: object } = {}): Uint8Array {
  const entry = entryOf(given);
  const checkpoint = signCheckpoint(
    { origin, size: 1n, root: leafHash(given.leaf ? canonicalBytes(given.leaf) : entry) },
    given.seed ?? seed,
  );
  return utf8(formatProof({ entry, index: 0n, proof: [], checkpoint }));
}

/** Receipts of one batch, under one checkpoint. */
function batch(count: number): Uint8Array[] {
  const entries = Array.from({ length: count }, (_, index) => entryOf({ index: String(index) }));
  const leaves = entries.map(leafHash);
  const checkpoint = signCheckpoint({ origin, size: BigInt(count), root: rootOf(leaves) }, seed);
  return entries.map((entry, at) => utf8(formatProof({ entry, index: BigInt(at), proof: inclusionProof(leaves, at), checkpoint })));
}

/** Receipts of both leaves of one tree, under one checkpoint. */
function twins(second: Uint8Array): [Uint8Array, Uint8Array] {
  const first = entryOf();
  const leaves = [leafHash(first), leafHash(second)] as const;
  const checkpoint = signCheckpoint({ origin, size: 2n, root: sha256(concat(Uint8Array.of(1), ...leaves)) }, seed);
  const proofOf = (entry: Uint8Array, index: bigint, sibling: Uint8Array): Uint8Array =>
    utf8(formatProof({ entry, index, proof: [sibling], checkpoint }));
  return [proofOf(first, 0n, leaves[1]), proofOf(second, 1n, leaves[0])];
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
  ])('refuses %s, each time', (_, given, code) => {
    const verifier = new ReceiptVerifier();
    expect(codeOf(() => verifier.verify(receipt(given), pins))).toBe(code);
    expect(codeOf(() => verifier.verify(receipt(given), pins))).toBe(code);
  });

  it.each([
    ['of another log', entryOf({ origin: 'other/t/log', index: '1' }), 'ENTRY_ORIGIN'],
    ['of another index', entryOf({ index: '7' }), 'ENTRY_INDEX'],
    ['of a number that readers round', entryOf({ index: '1', rest: { amount: 0.5 } }), 'BAD_ENTRY'],
  ])('refuses an entry %s under a checkpoint that it remembers', (_, entry, code) => {
    const verifier = new ReceiptVerifier();
    const [good, bad] = twins(entry);
    verifier.verify(good, pins);
    expect(codeOf(() => verifier.verify(bad, pins))).toBe(code);
    expect(verifier.verify(twins(entryOf({ index: '1' }))[1], pins).kind).toBe('genesis');
  });

  it('refuses a flipped bit in any byte of a receipt of a batch that it remembers, as one does that remembers nothing', () => {
    const verifier = new ReceiptVerifier();
    const receipts = batch(7);
    for (const bytes of receipts) verifier.verify(bytes, pins);
    for (const bytes of receipts) {
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Uint8Array.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
        const code = codeOf(() => new ReceiptVerifier().verify(flipped, pins));
        expect(typeof code).toBe('string');
        expect(codeOf(() => verifier.verify(flipped, pins))).toBe(code);
      }
      expect(verifier.verify(bytes, pins).kind).toBe('genesis');
    }
  });

  it('takes what it remembers for no other origin, and for no trust in another log', () => {
    const verifier = new ReceiptVerifier();
    verifier.verify(receipt(), pins);
    expect(codeOf(() => verifier.verify(receipt(), { ...pins, origin: 'other/t/log' }))).toBe('WRONG_ORIGIN');
    const other = parseTrust(formatTrust(formatVkey(origin, ed25519PublicKey(new Uint8Array(32).fill(4)))));
    expect(codeOf(() => verifier.verify(receipt(), { ...pins, trust: other }))).toBe('UNKNOWN_KEY');
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
