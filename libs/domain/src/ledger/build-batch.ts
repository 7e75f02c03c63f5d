import { sha256 } from '#crypto';

import { rangeRoot } from '../formats/merkle.ts';
import type { Entry } from './entry.ts';
import { LedgerBroken, type LaneHeads, treeAt } from './heads.ts';
import type { InputForm, LedgerRecord, WireCodec } from './record.ts';
import { BATCH_ENTRIES_MAX } from './sealed-batch.ts';
import { sealBatch } from './seal.ts';
import { placeOf } from './source.ts';

/** An entry already admitted to its tree, with the input that goes beside it. */
export interface BatchEntry {
  readonly entry: Entry;
  readonly inputForm: InputForm;
  readonly input: Uint8Array;
}
export interface BuiltBatch {
  readonly records: readonly LedgerRecord[];
  /** Wire bytes of each record, the last one sealed. */
  readonly values: readonly Uint8Array[];
}

/** Seals entries that `heads` has just been advanced over, in order, into the records of one batch. */
export function buildBatch(heads: LaneHeads, entries: readonly BatchEntry[], deciderSeed: Uint8Array, wire: WireCodec): BuiltBatch {
  const batchCount = entries.length;
  if (batchCount > BATCH_ENTRIES_MAX)
    throw new LedgerBroken('BATCH', `${batchCount} entries: no reader takes more than ${BATCH_ENTRIES_MAX}`);
  const batchFirstSeq = heads.nextSeq - batchCount;
  const ends = new Map<string, { treeSize: number; root: Uint8Array }>();
  const unsealed = entries.map(({ entry, inputForm, input }, at): LedgerRecord => {
    const { treeSize, root } = endOf(heads, ends, entry);
    const routing = {
      tenant: entry.tenant,
      leafIndex: Number(entry.statement.predicate.index),
      kind: entry.kind,
      actionId: entry.actionId,
    };
    const position = { lane: heads.lane, laneSeq: batchFirstSeq + at, batchFirstSeq, batchCount };
    const place = placeOf(entry.source, entry.statement.predicate.rules === 1 ? 1 : 2, entry.sender);
    return { entry: entry.bytes, inputForm, input, ...routing, ...position, treeSize, root, place, batchSeal: null };
  });
  const values = unsealed.map((record) => wire.encodeRecord(record));
  const last = unsealed.at(-1);
  if (!last) throw new LedgerBroken('BATCH', 'a batch holds at least one entry');
  const range = {
    lane: heads.lane,
    firstSeq: batchFirstSeq,
    lastSeq: heads.nextSeq - 1,
    recordHashes: values.map((value) => sha256(value)),
  };
  const sealed = { ...last, batchSeal: sealBatch(range, deciderSeed) };
  return { records: [...unsealed.slice(0, -1), sealed], values: [...values.slice(0, -1), wire.encodeRecord(sealed)] };
}

function endOf(
  heads: LaneHeads,
  ends: Map<string, { treeSize: number; root: Uint8Array }>,
  { tenant, statement }: Entry,
): { treeSize: number; root: Uint8Array } {
  const { origin } = statement.predicate;
  const known = ends.get(origin);
  if (known) return known;
  const tree = treeAt(heads, tenant, origin);
  if (!tree) throw new LedgerBroken('ORIGIN', `no tree ${origin} for ${tenant}`);
  const end = { treeSize: tree.range.size, root: rangeRoot(tree.range) };
  ends.set(origin, end);
  return end;
}
