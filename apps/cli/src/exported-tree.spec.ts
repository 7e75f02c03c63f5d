import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type CheckedReceipt, schemasFolder } from '#adapters';
import { concat, leafHash, parseProof, utf8 } from '#domain';
import { readGolden, WRITTEN } from '#testing';

import { writeTiles } from './commands/export-tiles.ts';
import { sizeOf, treeOf } from './exported-tree.ts';

describe.each(WRITTEN)('a tree out of its receipts, golden %s', (version) => {
  const golden = readGolden(join(schemasFolder(), '..', 'test', 'golden', version));
  /** As LaneReceipts gives them, but for what a tree has no use for. */
  const receipts = golden.receipts.map(({ tenant, proof }) => ({ record: { tenant, proof } }) as CheckedReceipt);
  const acme = receipts.filter(({ record }) => record.tenant === 'acme');

  it('has every entry and the newest checkpoint', () => {
    const { entries, checkpoint, origin } = treeOf(receipts, 'acme');
    expect(entries).toEqual(acme.map(({ record }) => parseProof(record.proof).entry));
    expect(checkpoint.startsWith(`${origin}\n${entries.length}\n`)).toBe(true);
  });

  it('is refused when a receipt is missing, first, last or between', () => {
    for (const at of [0, 3, acme.length - 1]) {
      const some = acme.filter((_, index) => index !== at);
      // Without its last receipt a log may be whole still: then it ends where the one before it was signed.
      const cut = at === acme.length - 1 && parseProof(some.at(-1)?.record.proof ?? utf8('')).checkpoint.split('\n')[1] === String(at);
      if (cut) expect(treeOf(some, 'acme').entries).toHaveLength(at);
      else expect(() => treeOf(some, 'acme')).toThrow(/missing|not those/);
    }
  });

  it('is refused for a tenant that has none', () => {
    expect(() => treeOf(receipts, 'nobody')).toThrow('no receipt of nobody');
  });

  it('is written as tiles, and nothing else is in the folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-tiles-'));
    const tree = treeOf(receipts, 'acme');
    const files = writeTiles(tree, folder);
    const size = tree.entries.length;
    expect(files).toEqual([`tile/entries/000.p/${size}`, `tile/0/000.p/${size}`, 'checkpoint']);
    const there = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    expect(there).toHaveLength(files.length);
    expect(readFileSync(join(folder, 'checkpoint'), 'utf8')).toBe(tree.checkpoint);
    expect(Uint8Array.from(readFileSync(join(folder, `tile/0/000.p/${size}`)))).toEqual(concat(...tree.entries.map(leafHash)));
    rmSync(folder, { recursive: true });
  });
});

describe('a tree size on the command line', () => {
  it('is one of the log', () => {
    expect(sizeOf('--to', '7', 7)).toBe(7);
  });
  it.each(['0', '8', '-1', '01', '1e3', ''])('is refused: "%s"', (text) => {
    expect(() => sizeOf('--to', text, 7)).toThrow(`--to: expected a tree size from 1 to 7, which is what the log has, got ${text}`);
  });
  it.each([
    ['8', 1],
    ['9'.repeat(23), 1],
    ['1e3', 2],
  ])('is invalid when the log is shorter, and no size otherwise: %s', (text, exitCode) => {
    expect(() => sizeOf('--to', text, 7)).toThrow(expect.objectContaining({ exitCode }));
  });
});
