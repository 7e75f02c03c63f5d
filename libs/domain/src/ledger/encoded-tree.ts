/** A tree head as JSON, for whoever keeps one outside the process: snapshots of a lane, and the gateway's index. */
import { fromHex, hex } from '../formats/bytes.ts';
import type { TreeHead } from './heads.ts';

export interface EncodedTree {
  readonly tenant: string;
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly peaks: readonly string[];
  readonly previous: string;
}

export const encodeTree = ({ tenant, origin, vkey, range, previous }: TreeHead): EncodedTree => ({
  ...{ tenant, origin, vkey, size: range.size, peaks: range.hashes.map(hex), previous },
});

export const decodeTree = ({ tenant, origin, vkey, size, peaks, previous }: EncodedTree): TreeHead => ({
  ...{ tenant, origin, vkey, previous, range: { size, hashes: peaks.map(fromHex) } },
});
