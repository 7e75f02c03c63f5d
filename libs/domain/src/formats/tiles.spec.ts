import { describe, expect, it } from 'vitest';

import { concat, utf8 } from './bytes.ts';
import { leafHash, rootOf } from './merkle.ts';
import { entryBundles, formatTileIndex, hashTiles, tilePath, TilesError } from './tiles.ts';

const leaves = (size: number): Uint8Array[] => Array.from({ length: size }, (_, at) => leafHash(utf8(String(at))));
const pathsOf = (size: number): string[] => [...hashTiles(leaves(size))].map(({ path }) => path);

describe('tile paths', () => {
  // 1234067 is the example of C2SP tlog-tiles.
  it.each([
    [0, '000'],
    [5, '005'],
    [999, '999'],
    [1000, 'x001/000'],
    [1234067, 'x001/x234/067'],
    [1234567890, 'x001/x234/x567/890'],
  ])('index %d is %s', (index, text) => {
    expect(formatTileIndex(index)).toBe(text);
  });

  it('name the width of a partial tile only', () => {
    expect(tilePath(0, 1000, 5)).toBe('tile/0/x001/000.p/5');
    expect(tilePath('entries', 0, 256)).toBe('tile/entries/000');
  });

  it.each([0, 257, 1.5, -1])('refuse a width of %d', (width) => {
    expect(() => tilePath(0, 0, width)).toThrow(TilesError);
  });

  it.each([-1, 0.5, 2 ** 53])('refuse an index of %d', (index) => {
    expect(() => formatTileIndex(index)).toThrow(TilesError);
  });
});

describe('hash tiles', () => {
  it.each([
    [0, []],
    [1, ['tile/0/000.p/1']],
    [255, ['tile/0/000.p/255']],
    [256, ['tile/0/000', 'tile/1/000.p/1']],
    [257, ['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']],
    [512, ['tile/0/000', 'tile/0/001', 'tile/1/000.p/2']],
  ])('of %d leaves are these and no others', (size, paths) => {
    expect(pathsOf(size)).toEqual(paths);
  });

  it('have the partial width floor(s / 256^l) mod 256 at level l', () => {
    const size = 2 * 65536 + 3 * 256 + 7;
    const last = pathsOf(size).filter((path) => path.includes('.p/'));
    expect(last).toEqual(['tile/0/515.p/7', 'tile/1/002.p/3', 'tile/2/000.p/2']);
  });

  it('hold leaf hashes below, and above the roots of full tiles alone', () => {
    const all = leaves(300);
    const files = new Map([...hashTiles(all)].map(({ path, bytes }) => [path, bytes]));
    expect(files.get('tile/0/000')).toEqual(concat(...all.slice(0, 256)));
    expect(files.get('tile/0/001.p/44')).toEqual(concat(...all.slice(256)));
    expect(files.get('tile/1/000.p/1')).toEqual(rootOf(all.slice(0, 256)));
  });
});

describe('entry bundles', () => {
  it('prefix each entry with its length in two bytes, big-endian', () => {
    const long = new Uint8Array(0x0102).fill(7);
    expect([...entryBundles([utf8('ab'), long])]).toEqual([
      { path: 'tile/entries/000.p/2', bytes: concat(Uint8Array.of(0, 2), utf8('ab'), Uint8Array.of(1, 2), long) },
    ]);
  });

  it('begin a new file after 256 entries', () => {
    expect([...entryBundles(leaves(257))].map(({ path }) => path)).toEqual(['tile/entries/000', 'tile/entries/001.p/1']);
  });

  it('refuse an entry that its length cannot say', () => {
    expect([...entryBundles([new Uint8Array(65535)])]).toHaveLength(1);
    expect(() => [...entryBundles([new Uint8Array(65536)])]).toThrow(TilesError);
  });
});
