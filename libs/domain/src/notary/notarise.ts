import { sha256 } from '#crypto';

import { equalBytes, utf8 } from '../formats/bytes.ts';
import { signCheckpoint } from '../formats/checkpoint.ts';
import { originOf } from '../formats/log-key.ts';
import { type CompactRange, leafHash } from '../formats/merkle.ts';
import { tailInclusionProofs } from '../formats/merkle-prove.ts';
import { proofsUnder } from '../formats/tlog-proof.ts';
import { LedgerBroken } from '../ledger/heads.ts';
import { text } from '../ledger/text.ts';
import type { SealedBatch, SealedEntry } from '../ledger/sealed-batch.ts';
import type { LogKeys } from './log-keys.ts';

/** One entry of a batch with its receipt, a `.tlog-proof` file at the size its tree has after the batch. */
export interface NotarisedEntry {
  readonly sealed: SealedEntry;
  readonly origin: string;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** From E; '' when the entry concerns no action. */
  readonly actionId: string;
  readonly receipt: Uint8Array;
}

/** A tree after a batch that touched it. */
export interface SignedTreeHead {
  readonly tenant: string;
  readonly origin: string;
  readonly range: CompactRange;
  readonly root: Uint8Array;
  /** SHA-256 of the tree's last entry. */
  readonly previous: Uint8Array;
  /** Origin of the log that goes on, when the batch closed this one. */
  readonly successor: string | null;
  /** Signed note with exactly one signature line. */
  readonly checkpoint: Uint8Array;
}

export interface NotarisedBatch {
  readonly firstSeq: number;
  /** In the batch's order. */
  readonly entries: readonly NotarisedEntry[];
  /** In the order in which the batch first touches them. */
  readonly treeHeads: readonly SignedTreeHead[];
}

/**
 * Attests one sealed batch: one checkpoint for each tree it touches, a receipt for each entry. Looks at E alone, and at the trees before
 * the batch; what the records state about size and root must come out the same. The same batch gives the same bytes, always.
 * Throws LedgerBroken and then nothing was signed.
 */
export function notarise(batch: SealedBatch, keys: LogKeys): NotarisedBatch {
  const trees = [...byOrigin(batch.entries)].map(([origin, entries]) => grow(batch, origin, entries));
  for (const { statement, kind } of batch.entries) checkOwnKey(statement, kind, keys);
  // Everything has been checked: now, and only now, sign.
  const receipts = new Map<SealedEntry, NotarisedEntry>();
  const treeHeads = trees.map((tree) => attest(tree, keys, receipts));
  return { firstSeq: batch.firstSeq, entries: batch.entries.map((entry) => found(receipts.get(entry))), treeHeads };
}

interface GrownTree {
  readonly tenant: string;
  readonly origin: string;
  readonly entries: readonly SealedEntry[];
  readonly range: CompactRange;
  readonly root: Uint8Array;
  readonly proofs: readonly Uint8Array[][];
}

/** Recomputes one tree from the bytes of its new entries, and compares with what every record of it states. */
function grow(batch: SealedBatch, origin: string, entries: readonly SealedEntry[]): GrownTree {
  const before = batch.before.get(origin);
  const { tenant } = found(entries[0]).record;
  if (!before) throw new LedgerBroken('ORIGIN', `${origin}: no tree before the batch at sequence ${batch.firstSeq}`);
  const leaves = entries.map(({ record }) => leafHash(record.entry));
  const { range, root, proofs } = tailInclusionProofs(before, leaves);
  entries.forEach(({ record, statement }, at) => {
    const index = before.size + at;
    if (record.tenant !== tenant || statement.predicate.index !== String(index)) {
      throw new LedgerBroken(
        'INDEX',
        `${origin}: expected index ${index}, came ${statement.predicate.index} of ${statement.predicate.origin}`,
      );
    }
    if (record.treeSize !== range.size || !equalBytes(record.root, root)) {
      throw new LedgerBroken('ROOT', `${origin}: size ${record.treeSize} stated with another root or size than ${range.size}`);
    }
  });
  return { tenant, origin, entries, range, root, proofs };
}

/** A log says in its first entry, and in its registration, which key signs for it. It must be ours, or no receipt would ever verify. */
function checkOwnKey({ predicate }: SealedEntry['statement'], kind: SealedEntry['kind'], keys: LogKeys): void {
  if (kind !== 'genesis' && kind !== 'tenant.registered' && kind !== 'log.rotated') return;
  const { logId } = predicate;
  const origin = kind === 'genesis' ? predicate.origin : originOf(keys.ledger, typeof logId === 'string' ? logId : '');
  if (keys.isOurs(origin, predicate['vkey'])) return;
  throw new LedgerBroken(
    'ORIGIN',
    `${origin}: registered with another key than a seed of this ledger derives: the notary needs the seed that its registration was made with`,
  );
}

function attest(tree: GrownTree, keys: LogKeys, receipts: Map<SealedEntry, NotarisedEntry>): SignedTreeHead {
  const { tenant, origin, range, root, entries, proofs } = tree;
  const checkpoint = signCheckpoint({ origin, size: BigInt(range.size), root }, keys.seed(origin));
  const formatted = proofsUnder(checkpoint);
  entries.forEach((sealed, at) => {
    const leafIndex = range.size - entries.length + at;
    const receipt = formatted({ entry: sealed.record.entry, index: BigInt(leafIndex), proof: found(proofs[at]) });
    receipts.set(sealed, { sealed, origin, leafIndex, treeSize: range.size, actionId: sealed.record.actionId, receipt });
  });
  const last = found(entries.at(-1));
  const successor = last.kind === 'log.closed' ? text(last.statement.predicate['successor']) : null;
  return { tenant, origin, range, root, previous: sha256(last.record.entry), successor, checkpoint: utf8(checkpoint) };
}

function byOrigin(entries: readonly SealedEntry[]): Map<string, SealedEntry[]> {
  const trees = new Map<string, SealedEntry[]>();
  for (const entry of entries) {
    const { origin } = entry.statement.predicate;
    const of = trees.get(origin);
    if (of) of.push(entry);
    else trees.set(origin, [entry]);
  }
  return trees;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('notarise: a value that must be there is missing');
  return value;
}
