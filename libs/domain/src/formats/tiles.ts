/** A log as static files, C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`. */
import { concat } from './bytes.ts';
import { FormatError } from './errors.ts';
import { rootOf } from './merkle.ts';

export class TilesError extends FormatError<'ENTRY_BYTES' | 'RANGE'> {}

/** Hashes, and entries, of a full tile: tlog-tiles has height 8. */
export const TILE_WIDTH = 256;

/** `path` has forward slashes and begins with `tile/`. */
export interface TileFile {
  path: string;
  bytes: Uint8Array;
}

/** Level of hashes, or 'entries'. */
type TileLevel = number | 'entries';

/** `tile/0/x001/234.p/5`; `width` is of hashes or entries, 256 for a full tile. */
export function tilePath(level: TileLevel, tileIndex: number, width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH)
    throw new TilesError('RANGE', `a tile has 1 to 256 hashes, got ${width}`);
  return `tile/${level}/${formatTileIndex(tileIndex)}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** Groups of three digits, all but the last with an x: 1234067 is x001/x234/067. */
export function formatTileIndex(tileIndex: number): string {
  if (!Number.isSafeInteger(tileIndex) || tileIndex < 0) throw new TilesError('RANGE', `not a tile index: ${tileIndex}`);
  const digits = String(tileIndex);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  return padded.replace(/\d{3}(?=\d)/g, 'x$&/');
}

/** Hash tiles of the tree of these leaf hashes, from level 0 up. No tile is empty; a partial tile is never hashed upward. */
export function* hashTiles(leafHashes: readonly Uint8Array[]): Generator<TileFile> {
  let hashes = leafHashes;
  for (let level = 0; hashes.length > 0; level += 1) {
    const above: Uint8Array[] = [];
    for (const [tileIndex, tile] of tilesOf(hashes)) {
      yield { path: tilePath(level, tileIndex, tile.length), bytes: concat(...tile) };
      if (tile.length === TILE_WIDTH) above.push(rootOf(tile));
    }
    hashes = above;
  }
}

/** Entry bundles: (big-endian uint16 length ‖ entry) repeated, as wide as the level-0 tiles beside them. */
export function* entryBundles(entries: readonly Uint8Array[]): Generator<TileFile> {
  for (const [tileIndex, tile] of tilesOf(entries)) {
    yield { path: tilePath('entries', tileIndex, tile.length), bytes: concat(...tile.flatMap((entry) => [lengthOf(entry), entry])) };
  }
}

function* tilesOf<T>(items: readonly T[]): Generator<[tileIndex: number, tile: T[]]> {
  for (let at = 0; at < items.length; at += TILE_WIDTH) yield [at / TILE_WIDTH, items.slice(at, at + TILE_WIDTH)];
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  if (length > 0xffff) throw new TilesError('ENTRY_BYTES', `an entry of a bundle has at most 65535 bytes, got ${length}`);
  return Uint8Array.of(length >>> 8, length);
}
