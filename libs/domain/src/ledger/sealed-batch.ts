import { sha256 } from '#crypto';

import { equalBytes } from '../formats/bytes.ts';
import { type CompactRange, leafHash, rangeRoot } from '../formats/merkle.ts';
import { admitEntry, LedgerBroken, type LaneHeads, treeAt } from './heads.ts';
import type { EntryKind, Source, Statement } from './entry.ts';
import type { LedgerRecord, WireCodec } from './record.ts';
import { sealVerifies } from './seal.ts';
import { samePlace, wholeSource } from './source.ts';
import { parseStatement } from './statement.ts';

export interface SealedEntry {
  readonly record: LedgerRecord;
  readonly statement: Statement;
  readonly kind: EntryKind;
  readonly leaf: Uint8Array;
  /** All of it: what E says, and the record beside it. */
  readonly source: Source;
}
/** A whole batch of one lane, checked against everything before it. */
export interface SealedBatch {
  readonly firstSeq: number;
  readonly entries: readonly SealedEntry[];
  /** Origin → its tree before the batch, for each tree that the batch touches. */
  readonly before: ReadonlyMap<string, CompactRange>;
}

/** What a ledger-wide control over 2,000 tenants and a full batch of records can come to. */
export const BATCH_ENTRIES_MAX = 8192;

/**
 * Turns the records of one lane, in commit order, into sealed batches, and advances `heads` over each. The only reader of
 * ledger records: decider, notary, gateway and checker all go through it.
 */
export class SealedBatches {
  #pending: Pending[] = [];
  #broken: LedgerBroken | undefined;

  constructor(
    readonly heads: LaneHeads,
    private readonly wire: WireCodec,
  ) {}

  /** Records read beyond the last whole batch. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Takes the wire bytes of the next record; returns the batch that it completes. Throws LedgerBroken, and from then on always. */
  push(bytes: Uint8Array | null): SealedBatch | undefined {
    if (this.#broken) throw this.#broken;
    try {
      return this.#push(bytes);
    } catch (error) {
      if (error instanceof LedgerBroken) this.#broken = error; // what follows a broken record proves nothing
      throw error;
    }
  }

  #push(bytes: Uint8Array | null): SealedBatch | undefined {
    if (bytes === null) throw new LedgerBroken('RECORD', `sequence ${this.heads.nextSeq}: empty record`);
    const record = this.#decode(bytes);
    const expected = this.heads.nextSeq + this.#pending.length;
    const { batchFirstSeq: first, batchCount: count } = this.#pending[0]?.record ?? { ...record, batchFirstSeq: expected };
    if (record.lane !== this.heads.lane || record.laneSeq !== expected) {
      throw new LedgerBroken(
        'SEQUENCE',
        `lane ${this.heads.lane}: expected sequence ${expected}, came ${record.laneSeq} of lane ${record.lane}`,
      );
    }
    if (record.batchFirstSeq !== first || record.batchCount !== count || count < 1 || count > BATCH_ENTRIES_MAX) {
      throw new LedgerBroken(
        'BATCH',
        `sequence ${expected}: batch ${record.batchFirstSeq}+${record.batchCount}, expected ${first}+${count}`,
      );
    }
    const isLast = expected === first + count - 1;
    if ((record.batchSeal !== null) !== isLast) throw new LedgerBroken('SEAL', `sequence ${expected}: seal missing or misplaced`);
    this.#pending.push({ record, hash: this.#hashOf(record, bytes) });
    return isLast ? this.#complete() : undefined;
  }

  /** Of the record without its seal, which only the last of a batch has. Decoding is strict, so the bytes are what encoding would write. */
  #hashOf(record: LedgerRecord, bytes: Uint8Array): Uint8Array {
    return sha256(record.batchSeal === null ? bytes : this.wire.encodeRecord({ ...record, batchSeal: null }));
  }

  #decode(bytes: Uint8Array): LedgerRecord {
    try {
      return this.wire.decodeRecord(bytes);
    } catch (cause) {
      throw new LedgerBroken('RECORD', `sequence ${this.heads.nextSeq + this.#pending.length}: ${String(cause)}`);
    }
  }

  #complete(): SealedBatch {
    const pending = this.#pending;
    const records = pending.map(({ record }) => record);
    const firstSeq = this.heads.nextSeq;
    this.#pending = [];
    this.#checkSeal(pending, firstSeq);
    const before = new Map<string, CompactRange>();
    const entries = records.map((record) => this.#admit(record, before));
    this.#checkRoots(entries);
    checkParts(entries);
    return { firstSeq, entries, before };
  }

  #checkSeal(pending: readonly Pending[], firstSeq: number): void {
    const seal = pending.at(-1)?.record.batchSeal ?? new Uint8Array();
    const recordHashes = pending.map(({ hash }) => hash);
    const range = { lane: this.heads.lane, firstSeq, lastSeq: firstSeq + pending.length - 1, recordHashes };
    if (!sealVerifies(range, seal, this.heads.sealers)) {
      throw new LedgerBroken('SEAL', `batch at sequence ${firstSeq}: not sealed by the decider key that the ledger admits there`);
    }
  }

  #admit(record: LedgerRecord, before: Map<string, CompactRange>): SealedEntry {
    let parsed;
    try {
      parsed = parseStatement(record.entry);
    } catch (cause) {
      throw new LedgerBroken('ENTRY', `sequence ${record.laneSeq}: ${String(cause)}`);
    }
    const { statement, kind } = parsed;
    const { index } = statement.predicate;
    const source = wholeSource(statement.predicate.source, record.place, this.heads.lane);
    if (record.kind !== kind || String(record.leafIndex) !== index || !isRoutedAs(record.actionId, kind, statement.subject[0].name)) {
      throw new LedgerBroken('ROUTING', `sequence ${record.laneSeq}: routing copies differ from the entry`);
    }
    if (!source) throw new LedgerBroken('SOURCE', `sequence ${record.laneSeq}: the place beside the entry is missing or too much`);
    if (source.kind === 'record' && source.partition !== this.heads.lane) {
      throw new LedgerBroken(
        'SOURCE',
        `sequence ${record.laneSeq}: made from partition ${source.partition}, this is lane ${this.heads.lane}`,
      );
    }
    const leaf = leafHash(record.entry);
    const tree = this.heads.trees.get(record.tenant);
    if (tree && !before.has(tree.origin)) before.set(tree.origin, tree.range); // ranges never change, the head gets a new one
    admitEntry(this.heads, record.tenant, kind, statement, record.entry, leaf);
    return { record, statement, kind, leaf, source };
  }

  /** Every record states its tree's size and root after the batch: recomputed here from the entries alone. */
  #checkRoots(entries: readonly SealedEntry[]): void {
    const roots = new Map<string, Uint8Array>();
    for (const { record, statement } of entries) {
      const tree = treeAt(this.heads, record.tenant, statement.predicate.origin);
      if (!tree) throw new LedgerBroken('ORIGIN', `no tree for ${record.tenant}`);
      const root = roots.get(tree.origin) ?? rangeRoot(tree.range);
      roots.set(tree.origin, root);
      if (record.treeSize !== tree.range.size || !equalBytes(record.root, root)) {
        throw new LedgerBroken('ROOT', `${tree.origin}: size ${record.treeSize} stated with another root or size than ${tree.range.size}`);
      }
    }
  }
}

interface Pending {
  readonly record: LedgerRecord;
  /** What its batch's seal covers. */
  readonly hash: Uint8Array;
}

const ACTION_KINDS: readonly EntryKind[] = [
  ...(['action.decided', 'action.repeated', 'escalation.settled', 'claim.granted', 'claim.refused'] as const),
  ...(['outcome.recorded', 'effect.uncertain', 'effect.closed', 'rollback.granted', 'approval.recorded', 'input.erased'] as const),
];

/** The action's id is the subject of what concerns an action; a proposal without a usable id has the kind there, and '' here. */
function isRoutedAs(actionId: string, kind: EntryKind, subject: string): boolean {
  if (!ACTION_KINDS.includes(kind)) return actionId === '' && subject === kind;
  return actionId === subject || (actionId === '' && subject === kind);
}

/** The parts of one input record are consecutive, complete and in one batch. */
function checkParts(entries: readonly SealedEntry[]): void {
  let expected = 0;
  entries.forEach(({ statement: { predicate }, source }, at) => {
    const before = entries[at - 1]?.source;
    const continues = expected > 0 && before !== undefined && samePlace(source, before) && source.parts === before.parts;
    if (source.part !== expected || (expected > 0 && !continues)) {
      throw new LedgerBroken('SOURCE', `${predicate.origin} index ${predicate.index}: part ${source.part}, expected ${expected}`);
    }
    expected = source.part + 1 === source.parts ? 0 : expected + 1;
  });
  if (expected !== 0) throw new LedgerBroken('SOURCE', 'batch ends inside the parts of one record');
}
