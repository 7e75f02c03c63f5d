import { describe, expect, it } from 'vitest';

import { ed25519PublicKey } from '#crypto';

import { utf8 } from './bytes.ts';
import { signCheckpoint } from './checkpoint.ts';
import { formatConsistency, parseConsistency, verifyGrowth } from './consistency-file.ts';
import { cosign } from './cosignature.ts';
import { leafHash, rootOf } from './merkle.ts';
import { consistencyProof } from './merkle-prove.ts';
import { parseNote } from './signed-note.ts';
import { formatTrust, parseTrust } from './trust-file.ts';
import { COSIGNER_KEY, formatVkey } from './vkey.ts';

const ORIGIN = 'example.com/t/1';
const SEED = new Uint8Array(32).fill(3);
const WITNESS = { name: 'witness.example', seed: new Uint8Array(32).fill(4), timeSeconds: 1_700_000_000n };
const VKEY = formatVkey(ORIGIN, ed25519PublicKey(SEED));
const trust = parseTrust(formatTrust(VKEY));
const leaves = Array.from({ length: 9 }, (_, at) => leafHash(utf8(String(at))));

const noteOf = (size: number, hashes = leaves): string =>
  signCheckpoint({ origin: ORIGIN, size: BigInt(size), root: rootOf(hashes.slice(0, size)) }, SEED);
const proofOf = (from: number, to: number): string => formatConsistency(consistencyProof(leaves, from, to));
const verify = (old: string, next: string, proof: string, by = trust) =>
  verifyGrowth({ old: utf8(old), next: utf8(next), proof: utf8(proof) }, by);

describe('a consistency file', () => {
  it('is empty for equal sizes', () => {
    expect(proofOf(5, 5)).toBe('');
    expect(parseConsistency(utf8(''))).toEqual([]);
  });

  it('is read as it was written, for every pair of sizes', () => {
    for (let to = 1; to <= 9; to++)
      for (let from = 1; from <= to; from++) expect(formatConsistency(parseConsistency(utf8(proofOf(from, to))))).toBe(proofOf(from, to));
  });

  it.each([
    ['no final newline', proofOf(3, 9).slice(0, -1)],
    ['an empty line', `${proofOf(3, 9)}\n`],
    ['carriage returns', proofOf(3, 9).replaceAll('\n', '\r\n')],
    ['base64 with other last bits', `${'A'.repeat(42)}B=\n`],
    ['a hash too short', 'AAAA\n'],
    ['too many hashes', `${'A'.repeat(43)}=\n`.repeat(64)],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseConsistency(utf8(text))).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});

describe('growth from one checkpoint to a later one', () => {
  it('is proved for every pair of sizes', () => {
    for (let to = 1; to <= 9; to++)
      for (let from = 1; from <= to; from++) {
        const { old, next } = verify(noteOf(from), noteOf(to), proofOf(from, to));
        expect([old.size, next.size]).toEqual([BigInt(from), BigInt(to)]);
      }
  });

  const forked = leaves.map((leaf, at) => (at === 2 ? leafHash(utf8('rewritten')) : leaf));
  it.each([
    ['a rewritten past', noteOf(3), noteOf(9, forked), proofOf(3, 9), 'ROOT_MISMATCH', 'fit'],
    ['two logs of one size', noteOf(9), noteOf(9, forked), '', 'ROOT_MISMATCH', 'fit'],
    ['a log that shrank', noteOf(9), noteOf(3), proofOf(3, 9), 'RANGE', 'fit'],
    ['the proof of another pair', noteOf(3), noteOf(9), proofOf(3, 8), 'PROOF_LENGTH', 'fit'],
    [
      'a proof with another hash',
      noteOf(3),
      noteOf(9),
      proofOf(3, 9).replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      'ROOT_MISMATCH',
      'fit',
    ],
    ['no proof', noteOf(3), noteOf(9), '', 'PROOF_LENGTH', 'fit'],
    ['what is no proof', noteOf(3), noteOf(9), noteOf(3), 'MALFORMED', 'proof'],
    ['a checkpoint that was changed', noteOf(3).replace('\n3\n', '\n4\n'), noteOf(9), proofOf(4, 9), 'BAD_SIGNATURE', 'old'],
    ['a newer checkpoint that was changed', noteOf(3), noteOf(9).replace('\n9\n', '\n8\n'), proofOf(3, 8), 'BAD_SIGNATURE', 'next'],
    ['a checkpoint of another log', noteOf(3), noteOf(9).replaceAll(ORIGIN, 'example.com/t/2'), proofOf(3, 9), 'ORIGIN', 'next'],
  ])('refuses %s, and says which', (_what, old, next, proof, code, part) => {
    expect(() => verify(old, next, proof)).toThrow(expect.objectContaining({ code, part }));
  });

  it.each([
    ['example.com/t/2', 'example.com/t/2'],
    ['a log\u009b2J', 'none that can be shown'],
    ['x'.repeat(257), 'none that can be shown'],
  ])('names the origin that came, %s, when it can be shown', (origin, shown) => {
    const other = noteOf(3).replace(ORIGIN, origin);
    expect(() => verify(other, noteOf(9), proofOf(3, 9))).toThrow(`expected origin ${ORIGIN}, got ${shown}`);
  });

  it('asks for the quorum of the trust file on both checkpoints', () => {
    const witness = formatVkey(WITNESS.name, ed25519PublicKey(WITNESS.seed), COSIGNER_KEY);
    const strict = parseTrust(`log ${VKEY}\nwitness w ${witness}\nquorum w\n`);
    const cosigned = (size: number): string => `${noteOf(size)}${cosign(parseNote(utf8(noteOf(size))).text, WITNESS)}\n`;
    expect(verify(cosigned(3), cosigned(9), proofOf(3, 9), strict).next.size).toBe(9n);
    for (const [old, next] of [
      [noteOf(3), cosigned(9)],
      [cosigned(3), noteOf(9)],
    ] as const)
      expect(() => verify(old, next, proofOf(3, 9), strict)).toThrow(expect.objectContaining({ code: 'QUORUM' }));
  });
});
