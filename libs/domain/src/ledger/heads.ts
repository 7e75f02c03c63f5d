import { sha256Hex } from '#crypto';

import { fromBase64 } from '../formats/bytes.ts';
import { formatCheckpoint } from '../formats/checkpoint.ts';
import { appendLeaf, EMPTY_RANGE, leafHash, rangeRoot, type CompactRange } from '../formats/merkle.ts';
import { originOf } from '../formats/log-key.ts';
import type { EntryKind, Predicate, Statement } from './entry.ts';
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
  /** Ed25519 keys of which one seals the next batch: those of the birth, until a `key.rotated` names another. */
  sealers: readonly Uint8Array[];
  /** By tenant: the tree that its next entry goes into. */
  readonly trees: Map<string, TreeHead>;
  /** By origin: trees that ended with a `log.closed`, and whose tenant has another one since. */
  readonly closed: Map<string, ClosedTree>;
  /** The log that the next entry, a `log.closed`, must name as its successor. */
  announced?: TreeHead;
}

/** A tree that takes nothing more. */
export interface ClosedTree extends TreeHead {
  /** Origin of the log that goes on. */
  readonly successor: string;
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
export const emptyHeads = (birth: HeadsBirth, lane: number): LaneHeads => {
  const tenant = systemTree(lane);
  const system = birth.systemLogs.find((log) => log.lane === lane);
  if (!system) throw new Error(`lane ${lane}: the ledger has ${birth.systemLogs.length} lanes`);
  const trees = new Map([[tenant, newTree(tenant, system.origin, system.vkey)]]);
  return { ledger: birth.ledger, lane, nextSeq: 0, sealers: birth.deciderKeys.map(({ publicKey }) => publicKey), trees, closed: new Map() };
};

/** Of the ledger's birth, what the heads of a lane begin with. */
export interface HeadsBirth {
  readonly ledger: string;
  readonly deciderKeys: readonly { readonly publicKey: Uint8Array }[];
  readonly systemLogs: readonly { readonly lane: number; readonly origin: string; readonly vkey: string }[];
}

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
  if (OPENS_A_LOG.includes(kind) && tenant !== systemTree(heads.lane)) throw new LedgerBroken('ENTRY', `${origin}: misplaced ${kind}`);
  checkSuccession(heads, tree, kind, statement);
  tree.range = appendLeaf(tree.range, leaf);
  tree.previous = sha256Hex(bytes);
  heads.nextSeq += 1;
  if (kind === 'tenant.registered') openTree(heads, statement);
  if (kind === 'log.rotated') announceTree(heads, statement);
  if (kind === 'log.closed') closeTree(heads, tree);
  if (kind === 'key.rotated') changeSealer(heads, tenant, statement);
  return tree;
}

/** Kinds that name a new log, with its key: in a lane's own tree only. */
const OPENS_A_LOG: readonly EntryKind[] = ['tenant.registered', 'log.rotated'];

/** The tree of an entry, live or closed; undefined when this lane has none of that origin for the tenant. */
export function treeAt(heads: LaneHeads, tenant: string, origin: string): TreeHead | undefined {
  const tree = heads.trees.get(tenant);
  if (tree?.origin === origin) return tree;
  const closed = heads.closed.get(origin);
  return closed?.tenant === tenant ? closed : undefined;
}

/** Every tree that the lane ever had: those that were closed, in that order, then those that go on. */
export const allTrees = ({ trees, closed }: LaneHeads): TreeHead[] => [...closed.values(), ...trees.values()];

/** A copy whose changes the original does not see. */
export const copyHeads = (heads: LaneHeads): LaneHeads => ({
  ...heads,
  trees: new Map([...heads.trees].map(([tenant, tree]) => [tenant, { ...tree }])),
  closed: new Map(heads.closed),
});

/** `tenant.registered` in the system's tree opens the tenant's own; its genesis is the next part. */
function openTree(heads: LaneHeads, { predicate }: Statement): void {
  const tenant = text(predicate['registers']);
  if (heads.trees.has(tenant)) throw new LedgerBroken('ENTRY', `tenant ${tenant} registered twice`);
  heads.trees.set(tenant, namedTree(heads, tenant, predicate));
}

/** `log.rotated` in the system's tree names the log that succeeds a tenant's; `log.closed` in the old one is the next part, then the genesis. */
function announceTree(heads: LaneHeads, { predicate }: Statement): void {
  const tenant = text(predicate['rotates']);
  if (!heads.trees.has(tenant)) throw new LedgerBroken('ENTRY', `log.rotated names ${tenant}, which was never registered`);
  heads.announced = namedTree(heads, tenant, predicate);
}

function namedTree(heads: LaneHeads, tenant: string, predicate: Predicate): TreeHead {
  const origin = originOf(heads.ledger, text(predicate['logId']));
  if (allTrees(heads).some((tree) => tree.origin === origin)) throw new LedgerBroken('ENTRY', `log ${origin} registered twice`);
  return newTree(tenant, origin, text(predicate['vkey']));
}

/** After a `log.rotated` nothing but the `log.closed` that names its log; and a log that continues another one cites exactly its end. */
function checkSuccession(heads: LaneHeads, tree: TreeHead, kind: EntryKind, { predicate }: Statement): void {
  const { announced } = heads;
  const isTheEnd = kind === 'log.closed' && announced?.tenant === tree.tenant && predicate['successor'] === announced.origin;
  if ((announced !== undefined || kind === 'log.closed') && !isTheEnd) {
    throw new LedgerBroken('ENTRY', `${tree.origin}: ${kind}, expected log.closed after a log.rotated and nowhere else`);
  }
  if (kind !== 'genesis') return;
  const before = [...heads.closed.values()].find(({ successor }) => successor === tree.origin);
  const cited = predicate['continues'] as { readonly origin?: unknown; readonly checkpoint?: unknown } | undefined;
  const isCited = before ? cited?.origin === before.origin && cited.checkpoint === endOf(before) : cited === undefined;
  if (!isCited) throw new LedgerBroken('ENTRY', `${tree.origin}: its genesis does not cite the end of the log that it continues`);
}

function closeTree(heads: LaneHeads, tree: TreeHead): void {
  const { announced } = heads;
  if (!announced) throw new LedgerBroken('ENTRY', `${tree.origin}: closed without a successor`);
  heads.closed.set(tree.origin, { ...tree, successor: announced.origin });
  heads.trees.set(tree.tenant, announced);
  delete heads.announced;
}

/** The batch that holds the entry was sealed before it counts: the new key seals from the next batch on. */
function changeSealer(heads: LaneHeads, tenant: string, { predicate }: Statement): void {
  if (tenant !== systemTree(heads.lane) || predicate['role'] !== 'decider') return; // other trees tell their owners
  heads.sealers = [fromBase64(text((predicate['key'] as { readonly publicKey?: unknown } | undefined)?.publicKey))];
}

/** What the last checkpoint of a log says, without its signature. */
export const endOf = ({ origin, range }: TreeHead): string =>
  formatCheckpoint({ origin, size: BigInt(range.size), root: rangeRoot(range) });
