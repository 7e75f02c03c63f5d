import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type CheckedReceipt, type Home, schemasFolder } from '#adapters';
import { base64, parseCheckpoint, parseNote, parseProof, parseVkey, utf8, verifyDsse } from '#domain';
import { Parties, readGolden, WRITTEN } from '#testing';

import { dsseOf, ledgerSeed } from './dsse.ts';

describe.each(WRITTEN)('an entry as a DSSE envelope, golden %s', (version) => {
  const parties = new Parties(`golden ${version}`, 1);
  const seed = parties.seedOf('ledger');
  const receipts = readGolden(join(schemasFolder(), '..', 'test', 'golden', version))
    .receipts.filter(({ tenant }) => tenant === 'acme')
    .map(({ tenant, proof }, leafIndex) => {
      const { origin } = parseCheckpoint(parseNote(utf8(parseProof(proof).checkpoint)).text);
      return { record: { tenant, origin, leafIndex, proof } } as CheckedReceipt;
    });

  it("is signed by the log's own key, over the exact entry", () => {
    for (const receipt of receipts) {
      const { origin, proof } = receipt.record;
      const { publicKey } = parseVkey(parties.keys.vkey(origin));
      const payload = verifyDsse(dsseOf(seed, receipt), { publicKey, payloadType: 'application/vnd.in-toto+json' });
      expect(payload).toEqual(parseProof(proof).entry);
    }
  });

  it('is not signed with the seed of another ledger', () => {
    const [receipt] = receipts;
    if (!receipt) throw new Error('no receipt');
    expect(() => dsseOf(new Uint8Array(32).fill(1), receipt)).toThrow('is not the one of');
  });
});

describe('the ledger seed', () => {
  const seed = new Uint8Array(32).fill(7);
  const home = { hasKey: () => false } as unknown as Home;

  it('is taken from the folder that was named, and only from there', () => {
    const keys = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
    expect(ledgerSeed(home)).toBeUndefined();
    expect(ledgerSeed(home, keys)).toBeUndefined();
    writeFileSync(join(keys, 'ledger.seed'), `${base64(seed)}\n`);
    expect(ledgerSeed(home, keys)).toEqual(seed);
    rmSync(keys, { recursive: true });
  });

  it.each([
    ['no base64', 'no key'],
    ['3 bytes', base64(seed.subarray(0, 3))],
  ])('of %s is refused by the name of its file', (_what, text) => {
    const keys = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
    const file = join(keys, 'ledger.seed');
    writeFileSync(file, text);
    expect(() => ledgerSeed(home, keys)).toThrow(`--keys ${file}: expected`);
    rmSync(keys, { recursive: true });
  });
});
