import { sha256Hex } from '#crypto';

import { appendLeaf, EMPTY_RANGE, leafHash, type CompactRange } from '../formats/merkle.ts';
import { originOf } from '../formats/log-key.ts';
import type { EntryKind, Statement } from './entry.ts';
import { text } from './text.ts';

/** Where one tenant's tree ends. */
export interface TreeHead {
  readonly tenant: string;
  readonly origin: string;
  /** The log's public key, as the ledger registered it. */
  readonly vkey: string;
  /** Size and peaks: enough to append, to find the root and to prove later leaves. */
  range: CompactRange;
  /** Hex SHA-256 of the last entry; 64 zeros before genesis. */
  previous: string;
}

/** Where one lane of the ledger ends: the part of its state that follows from entries alone. */
export interface LaneHeads {
  readonly ledger: string;
  readonly lane: number;
  nextSeq: number;
  readonly trees: Map<string, TreeHead>;
}

/** A reader met a record that is not exactly the next one. It must stop: a fork is an incident, never something to skip. */
export class LedgerBroken extends Error {
  override readonly name = 'LedgerBroken';
  constructor(
    readonly code: 'SEQUENCE' | 'INDEX' | 'LINK' | 'ORIGIN' | 'ROUTING' | 'ENTRY' | 'SEAL' | 'ROOT' | 'SOURCE' | 'BATCH' | 'RECORD',
    message: string,
  ) {
    super(message);
  }
}

export const NO_PREVIOUS = '0'.repeat(64);
export const systemTree = (lane: number): string => `_system.${lane}`;

/** The lane before its first record: nothing but the tree that LedgerInitialised opens. */
export const emptyHeads = (ledger: string, lane: number, system: { readonly origin: string; readonly vkey: string }): LaneHeads => {
  const tenant = systemTree(lane);
  return { ledger, lane, nextSeq: 0, trees: new Map([[tenant, newTree(tenant, system.origin, system.vkey)]]) };
};

export const newTree = (tenant: string, origin: string, vkey: string): TreeHead => ({
  tenant,
  origin,
  vkey,
  range: EMPTY_RANGE,
  previous: NO_PREVIOUS,
});

/** Appends one entry to its tree if, and only if, it is exactly the next one. `leaf` saves hashing it twice. */
export function admitEntry(
  heads: LaneHeads,
  tenant: string,
  kind: EntryKind,
  statement: Statement,
  bytes: Uint8Array,
  leaf = leafHash(bytes),
): TreeHead {
  const tree = heads.trees.get(tenant);
  if (!tree) throw new LedgerBroken('ORIGIN', `tree of ${tenant} was never registered on lane ${heads.lane}`);
  const { origin, index, previous } = statement.predicate;
  if (origin !== tree.origin) throw new LedgerBroken('ORIGIN', `tree of ${tenant}: expected origin ${tree.origin}, came ${origin}`);
  if (index !== String(tree.range.size)) throw new LedgerBroken('INDEX', `${origin}: expected index ${tree.range.size}, came ${index}`);
  if (previous !== tree.previous) throw new LedgerBroken('LINK', `${origin} index ${index}: does not link to the entry before it`);
  if ((kind === 'genesis') !== (tree.range.size === 0)) throw new LedgerBroken('ENTRY', `${origin} index ${index}: misplaced ${kind}`);
  if (kind === 'tenant.registered' && tenant !== systemTree(heads.lane)) throw new LedgerBroken('ENTRY', `${origin}: misplaced ${kind}`);
  tree.range = appendLeaf(tree.range, leaf);
  tree.previous = sha256Hex(bytes);
  heads.nextSeq += 1;
  if (kind === 'tenant.registered') openTree(heads, statement);
  return tree;
}

/** `tenant.registered` in the system's tree opens the tenant's own; its genesis is the next part. */
function openTree(heads: LaneHeads, { predicate }: Statement): void {
  const tenant = text(predicate['registers']);
  if (heads.trees.has(tenant)) throw new LedgerBroken('ENTRY', `tenant ${tenant} registered twice`);
  const origin = originOf(heads.ledger, text(predicate['logId']));
  if ([...heads.trees.values()].some((tree) => tree.origin === origin)) throw new LedgerBroken('ENTRY', `log ${origin} registered twice`);
  heads.trees.set(tenant, newTree(tenant, origin, text(predicate['vkey'])));
}
