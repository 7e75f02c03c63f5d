import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { ed25519PublicKey } from '#crypto';

import { base64, concat, fromUtf8, utf8 } from './bytes.ts';
import { canonicalBytes } from './canonical-json.ts';
import { CheckpointError, formatCheckpoint, parseCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { FormatError } from './errors.ts';
import { originOf, tenantSeed } from './log-key.ts';
import { inclusionProof } from './merkle-prove.ts';
import { EMPTY_ROOT, leafHash, rootOf } from './merkle.ts';
import { type ReceiptPins, verifyReceipt } from './receipt.ts';
import { cosign } from './cosignature.ts';
import { parseNote, signNote } from './signed-note.ts';
import { formatProof, parseProof, proofsUnder, TlogProofError } from './tlog-proof.ts';
import { formatTrust, parseTrust } from './trust-file.ts';
import { COSIGNER_KEY, formatVkey, verifierOf } from './vkey.ts';

vi.setConfig({ testTimeout: 60_000 }); // some go through every bit or every pair; a busy machine is no failure
fc.configureGlobal(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) });

const origin = originOf('ledger.example', '5f');
const seed = tenantSeed(new Uint8Array(32).fill(9), origin);
const verifier = verifierOf(origin, ed25519PublicKey(seed));
const statement = (index: number, predicate: object = {}) => ({
  _type: 'https://in-toto.io/Statement/v1',
  predicate: { index: index.toString(), origin, ...predicate },
});
const entries = Array.from({ length: 7 }, (_, index) => canonicalBytes(statement(index)));

/** A receipt of `entry` at `index`, the other leaves being `entries`. */
function receipt(index: number, entry = entries[index] ?? new Uint8Array(0), extra = entry): string {
  const leaves = entries.map((other, at) => leafHash(at === index ? entry : other));
  const checkpoint = signCheckpoint({ origin, size: BigInt(leaves.length), root: rootOf(leaves) }, seed);
  return formatProof({ entry: extra, index: BigInt(index), proof: inclusionProof(leaves, index), checkpoint });
}
const withoutEntry = (index: number) => receipt(index).replace(/\nextra .*\n/, '\n');
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof FormatError) return String(error.code);
    throw error;
  }
  return undefined;
};
const verdict = (text: string, pins: Partial<ReceiptPins> = {}) => codeOf(() => verifyReceipt(utf8(text), { origin, verifier, ...pins }));

describe('receipts', () => {
  test('of every leaf verify, with the entry inside or beside', () => {
    for (const [index, entry] of entries.entries()) {
      const verified = verifyReceipt(utf8(receipt(index)), { origin, vkey: verifier.vkey });
      expect(verified).toMatchObject({ entry, index: BigInt(index), statement: statement(index), checkpoint: { origin, size: 7n } });
      expect(verdict(withoutEntry(index), { entry })).toBeUndefined();
      expect(verdict(receipt(index), { entry })).toBeUndefined();
    }
  });

  test('with any one bit flipped are refused', () => {
    const good = utf8(receipt(5));
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Uint8Array.from(good);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (codeOf(() => verifyReceipt(bad, { origin, verifier })) === undefined) expect.fail(`bit ${bit}`);
    }
  });

  test('with bytes dropped, doubled or added are refused', () => {
    const good = utf8(receipt(5));
    for (let at = 0; at < good.length; at++) {
      const dropped = concat(good.subarray(0, at), good.subarray(at + 1));
      const doubled = concat(good.subarray(0, at + 1), good.subarray(at));
      for (const bad of [dropped, doubled, good.subarray(0, at)]) {
        if (codeOf(() => verifyReceipt(bad, { origin, verifier })) === undefined) expect.fail(`byte ${at}`);
      }
    }
    for (const more of ['\n', ' ', 'x']) expect(verdict(receipt(5) + more)).toBeDefined();
  });

  test('name what is wrong', () => {
    const entry = entries[5] ?? new Uint8Array(0);
    const otherSeed = new Uint8Array(32).fill(1);
    const stranger = verifierOf(origin, ed25519PublicKey(otherSeed));
    const foreign = signNote(formatCheckpoint({ origin: 'other', size: 7n, root: rootOf(entries.map(leafHash)) }), { name: origin, seed });
    const parsed = parseProof(utf8(receipt(5)));
    expect(verdict('x')).toBe('MALFORMED');
    expect(verdict(receipt(5), { origin: 'other' })).toBe('WRONG_ORIGIN');
    expect(verdict(formatProof({ ...parsed, checkpoint: foreign }))).toBe('WRONG_ORIGIN');
    expect(verdict(receipt(5), { verifier: stranger })).toBe('UNKNOWN_KEY');
    expect(verdict(receipt(5).replace('\n7\n', '\n8\n'))).toBe('BAD_SIGNATURE');
    expect(verdict(withoutEntry(5))).toBe('NO_ENTRY');
    expect(verdict(withoutEntry(5), { entry: entry.slice(1) })).toBe('NOT_INCLUDED');
    expect(verdict(receipt(5), { entry: entry.slice(1) })).toBe('NOT_INCLUDED');
    expect(verdict(receipt(5, entry, entries[4]), { entry })).toBe('ENTRY_DIFFERS');
    expect(verdict(formatProof({ ...parsed, index: 4n }))).toBe('NOT_INCLUDED');
    expect(verdict(formatProof({ ...parsed, index: 7n }))).toBe('NOT_INCLUDED');
    expect(verdict(formatProof({ ...parsed, proof: parsed.proof.slice(1) }))).toBe('NOT_INCLUDED');
  });

  test('of what is committed but no entry are refused', () => {
    expect(verdict(receipt(5, utf8('{"b":1,"a":2}')))).toBe('BAD_ENTRY');
    expect(verdict(receipt(5, Uint8Array.of(0xff)))).toBe('BAD_ENTRY');
    expect(verdict(receipt(5, canonicalBytes({ ...statement(5), _type: 'x' })))).toBe('BAD_ENTRY');
    expect(verdict(receipt(5, canonicalBytes(statement(5, { amount: 0.5 }))))).toBe('BAD_ENTRY');
    expect(verdict(receipt(5, canonicalBytes(statement(5, { note: 'x'.repeat(16 * 1024) }))))).toBe('BAD_ENTRY');
    expect(verdict(receipt(5, canonicalBytes(statement(4))))).toBe('ENTRY_INDEX');
    expect(verdict(receipt(5, canonicalBytes(statement(5, { index: 5 }))))).toBe('ENTRY_INDEX');
    expect(verdict(receipt(5, canonicalBytes(statement(5, { origin: 'other' }))))).toBe('ENTRY_ORIGIN');
    for (const value of [null, [], 'x', { _type: 'https://in-toto.io/Statement/v1', predicate: [] }]) {
      expect(verdict(receipt(5, canonicalBytes(value)))).toMatch(/^(BAD_ENTRY|ENTRY_ORIGIN)$/);
    }
  });
});

describe('receipts of a witnessed log', () => {
  const witnessSeed = new Uint8Array(32).fill(2);
  const witness = formatVkey('w.example', ed25519PublicKey(witnessSeed), COSIGNER_KEY);
  const trust = parseTrust(`log ${verifier.vkey}\nwitness W ${witness}\nquorum W\n`);
  const note = parseProof(utf8(receipt(5))).checkpoint;
  const line = (body: string) => cosign(body, { name: 'w.example', seed: witnessSeed, timeSeconds: 1700000000n });

  test('verify when the quorum is met', () => {
    expect(verdict(`${receipt(5)}${line(parseNote(utf8(note)).text)}\n`, { trust })).toBeUndefined();
    expect(verdict(receipt(5), { trust: parseTrust(formatTrust(verifier.vkey)) })).toBeUndefined();
  });

  test('are refused when it is not, or a cosignature is bad, or the trust is in another log', () => {
    expect(verdict(receipt(5), { trust })).toBe('QUORUM');
    expect(verdict(`${receipt(5)}${line('other\n')}\n`, { trust })).toBe('BAD_SIGNATURE');
    const other = formatVkey(origin, ed25519PublicKey(witnessSeed));
    expect(verdict(receipt(5), { trust: parseTrust(formatTrust(other)) })).toBe('UNKNOWN_KEY');
  });
});

describe('proof files', () => {
  const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 64 });
  test('round trip', () => {
    const entry = fc.uint8Array({ minLength: 1, maxLength: 99 });
    fc.assert(
      fc.property(entry, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), hashes, fc.boolean(), (bytes, index, proof, bare) => {
        const file = { ...(bare ? {} : { entry: bytes }), index, proof, checkpoint: 'a\n1\n\n— x y\n' };
        expect(parseProof(utf8(formatProof(file)))).toEqual(file);
      }),
    );
  });

  test('under one checkpoint are the same bytes as one by one, whatever they share', () => {
    const checkpoint = 'a\n1\n\n— x y\n';
    const proofs = fc.array(fc.array(fc.nat(3), { maxLength: 9 }), { maxLength: 9 });
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 4, maxLength: 4 }), proofs, (shared, picks) => {
        const formatted = proofsUnder(checkpoint);
        for (const [at, of] of picks.entries()) {
          const file = { entry: Uint8Array.of(at), index: BigInt(at), proof: of.map((pick) => shared[pick] ?? leafHash(new Uint8Array())) };
          expect(formatted(file)).toEqual(utf8(formatProof({ ...file, checkpoint })));
        }
      }),
    );
  });

  test.each([
    ['c2sp.org/tlog-proof@v1', 'c2sp.org/tlog-proof@v2'],
    ['c2sp.org/tlog-proof@v1\n', ''],
    ['\nextra ', '\nextra  '],
    ['\nextra ', '\nExtra '],
    ['\nindex 5', '\nindex 05'],
    ['\nindex 5', '\nindex +5'],
    ['\nindex 5', '\nindex 5 '],
    ['\nindex 5', '\nindex 18446744073709551616'],
    ['\nindex 5', '\nindex 5\r'],
    ['\nindex 5', ''],
    ['\nindex 5', '\nindex 5\nindex 5'],
    ['\n\n', '\n'],
    ['=\n', '\n'],
  ])('with %j as %j are refused', (from, to) => {
    expect(() => parseProof(utf8(receipt(5).replace(from, to)))).toThrow(TlogProofError);
  });

  test('keep every line under 64 KiB and the path under 65 hashes', () => {
    const file = { index: 0n, proof: [], checkpoint: 'x\n' };
    expect(codeOf(() => formatProof({ ...file, entry: new Uint8Array(49_200) }))).toBe('TOO_LARGE');
    const long = `c2sp.org/tlog-proof@v1\nextra ${base64(new Uint8Array(49_200))}\nindex 0\n\nx\n`;
    expect(codeOf(() => parseProof(utf8(long)))).toBe('TOO_LARGE');
    const many = Array.from({ length: 65 }, () => new Uint8Array(32));
    expect(codeOf(() => formatProof({ ...file, proof: many }))).toBe('MALFORMED');
    expect(codeOf(() => parseProof(utf8(`c2sp.org/tlog-proof@v1\nindex 0\n${many.map(base64).join('\n')}\n\nx\n`)))).toBe('MALFORMED');
    expect(codeOf(() => formatProof({ ...file, proof: [new Uint8Array(31)] }))).toBe('MALFORMED');
    expect(codeOf(() => formatProof({ ...file, index: -1n }))).toBe('MALFORMED');
    expect(codeOf(() => formatProof({ ...file, entry: new Uint8Array(0) }))).toBe('MALFORMED');
    expect(codeOf(() => parseProof(new Uint8Array(1024 * 1024 + 1)))).toBe('TOO_LARGE');
  });
});

describe('checkpoints', () => {
  const root = rootOf(entries.map(leafHash));
  test('round trip, signed and bare', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, hash) => {
        const checkpoint = { origin, size, root: hash };
        expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
        expect(verifyCheckpoint(utf8(signCheckpoint(checkpoint, seed)), { origin, verifier })).toEqual(checkpoint);
      }),
      { numRuns: 50 },
    );
  });

  test('of size 0 are never signed', () => {
    expect(() => signCheckpoint({ origin, size: 0n, root }, seed)).toThrow(CheckpointError);
    const empty = { origin, size: 0n, root: EMPTY_ROOT };
    expect(parseCheckpoint(formatCheckpoint(empty))).toEqual(empty);
  });

  test('of size 0 have the root of the empty tree, and no other', () => {
    expect(() => formatCheckpoint({ origin, size: 0n, root })).toThrow(expect.objectContaining({ code: 'ROOT' }));
    const text = formatCheckpoint({ origin, size: 1n, root }).replace('\n1\n', '\n0\n');
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'ROOT' }));
  });

  const good = formatCheckpoint({ origin, size: 7n, root });
  test.each([
    `${good}extension\n`,
    `${good}\n`,
    good.slice(0, -1),
    good.replace('\n7\n', '\n07\n'),
    good.replace('\n7\n', '\n-7\n'),
    good.replace('\n7\n', '\n18446744073709551616\n'),
    good.replace('\n7\n', '\n'),
    good.replace('=\n', '\n'),
    good.replace(/\n[^\n]+\n$/, '\nAAAA\n'),
    `\n7\n${base64(root)}\n`,
    ` ${good}`,
    '',
  ])('that are malformed are refused: %j', (text) => {
    expect(() => parseCheckpoint(text)).toThrow(CheckpointError);
    if (text.startsWith(`${origin}\n`) && text.endsWith('\n')) {
      const note = utf8(signNote(text, { name: origin, seed }));
      expect(() => verifyCheckpoint(note, { origin, verifier })).toThrow(CheckpointError);
    }
  });

  test('of another origin or a key named otherwise are refused', () => {
    const note = utf8(signCheckpoint({ origin, size: 7n, root }, seed));
    expect(codeOf(() => verifyCheckpoint(note, { origin: `${origin}1`, verifier }))).toBe('ORIGIN');
    const renamed = verifierOf('other', verifier.publicKey);
    expect(codeOf(() => verifyCheckpoint(note, { origin, verifier: renamed }))).toBe('ORIGIN');
    const prefix = origin.slice(0, -1);
    expect(codeOf(() => verifyCheckpoint(note, { origin: prefix, verifier: verifierOf(prefix, verifier.publicKey) }))).toBe('ORIGIN');
    expect(fromUtf8(note)).toContain(origin);
  });
});
