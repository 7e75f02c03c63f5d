import { codecs, entryFacts, LedgerBatches, OffsetOutOfRange, type KafkaRecord, type ReadBatch, readToEnd, readVoids } from '#adapters';
import { emptyLane, equalBytes, evolveFacts, hex, LaneHalted, rangeRoot, type LaneState, type SealedBatch, type VoidRange } from '#domain';

import type { SnapshotTopic } from './snapshot-writer.ts';
import { readSnapshots } from './snapshots.ts';
import type { TakeOverOptions } from './take-over-options.ts';
import { decodeHead, signedHead } from './signed-head.ts';

export interface TakenOver {
  readonly state: LaneState;
  /** Sequence of the snapshot the state came from; 0: from genesis. */
  readonly snapshotSeq: number;
  readonly inputKeysOffset: bigint;
  readonly snapshots: SnapshotTopic;
  /** The last ledger record, when something was erased after the newest snapshot: snapshots still hold it. */
  readonly erasedBefore: LedgerEnd | undefined;
}
/** What a snapshot names. */
export interface LedgerEnd {
  readonly ledgerOffset: bigint;
  readonly lastRecord: Uint8Array;
}

const PROGRESS_ENTRIES = 10_000;

/**
 * The lane's state from the ledger alone: the newest snapshot that proves itself, then every record after it. The predecessor is fenced
 * by now, so the end that is read is the end.
 */
export async function takeOver(options: TakeOverOptions): Promise<TakenOver> {
  const { birth, lane, reader, signal, topicName, wire } = options;
  // Before the ledger's end: what is signed later may be of a successor, who has fenced us meanwhile. That is no lost tail.
  const [signed] = await reader.endOffsets([{ topic: topicName('checkpoints'), partition: lane }]);
  const voids = await readVoids(reader, { topic: topicName('checkpoints'), lane, birth, wire }, signal);
  const { newest: snapshot, keys: snapshotKeys } = await readSnapshots(options, voids);
  const state = snapshot?.state ?? emptyLane(birth, lane);
  const keys = new Map<string, Uint8Array>();
  const inputKeys = { topic: topicName('input-keys'), partition: lane, ...(snapshot ? { from: snapshot.inputKeysOffset } : {}) };
  const inputKeysOffset = await readToEnd(
    reader,
    inputKeys,
    (record) => {
      collectKey(keys, record);
    },
    signal,
  );
  const erasedBefore = await readLedger(options, state, { keys, voids, from: snapshot?.ledgerNext });
  await compareWithCheckpoints(options, state, signed?.highWatermark ?? 0n);
  const snapshots = { keys: snapshotKeys, newestSlot: snapshot?.slot };
  return { state, snapshotSeq: snapshot?.seq ?? 0, inputKeysOffset, snapshots, erasedBefore };
}

function collectKey(keys: Map<string, Uint8Array>, record: KafkaRecord): void {
  const name = record.key?.toString() ?? '';
  if (record.value === null)
    keys.delete(name); // erased
  else {
    const key = decodeKey(record.value);
    if (key) keys.set(name, key);
  }
}

/** undefined for bytes that are no input key: whoever wrote them, an input that then does not open counts as erased. */
function decodeKey(value: Uint8Array): Uint8Array | undefined {
  try {
    return codecs.inputKey.decode(value).key;
  } catch {
    return undefined;
  }
}

async function readLedger(
  options: TakeOverOptions,
  state: LaneState,
  { keys, voids, from }: { keys: Map<string, Uint8Array>; voids: readonly VoidRange[]; from: bigint | undefined },
): Promise<LedgerEnd | undefined> {
  const { reader, lane, wire, topicName, signal, onProgress } = options;
  const batches = new LedgerBatches(state.heads, wire, () => Promise.resolve(voids));
  const seen: { entries: number; isErased: boolean; end?: LedgerEnd } = { entries: 0, isErased: false };
  const place = { topic: topicName('ledger'), partition: lane, ...(from === undefined ? {} : { from }) };
  const foldAll = (read: readonly ReadBatch[]): void => {
    for (const { batch, records } of read) foldBatch(batch, records.at(-1));
  };
  const foldBatch = ({ entries }: SealedBatch, last: KafkaRecord | undefined): void => {
    if (last?.value) seen.end = { ledgerOffset: last.offset, lastRecord: last.value };
    for (const entry of entries) {
      evolveFacts(
        state,
        { tenant: entry.record.tenant, kind: entry.kind, statement: entry.statement, bytes: entry.record.entry, source: entry.source },
        entryFacts(entry, keys, wire, state),
      );
      seen.isErased ||= entry.kind === 'input.erased';
      seen.entries += 1;
      if (seen.entries % PROGRESS_ENTRIES === 0) onProgress(seen.entries);
    }
  };
  try {
    await readToEnd(
      reader,
      place,
      async (record) => {
        foldAll(await batches.push(record));
      },
      signal,
    );
    foldAll(await batches.end());
  } catch (error) {
    if (error instanceof OffsetOutOfRange)
      throw new LaneHalted('TAIL_LOST', `lane ${lane}: the ledger no longer holds offset ${from ?? 0n}`);
    throw error;
  }
  return seen.isErased ? seen.end : undefined;
}

/** Up to offset `to` of `checkpoints`: a signed tree head that our ledger does not reach, or contradicts, means that our tail was lost: deciding on would fork the log. */
async function compareWithCheckpoints({ reader, lane, topicName, signal }: TakeOverOptions, state: LaneState, to: bigint): Promise<void> {
  const trees = new Map([...state.heads.trees.values()].map((tree) => [tree.origin, tree]));
  await readToEnd(
    reader,
    { topic: topicName('checkpoints'), partition: lane, to },
    (record) => {
      const head = record.value && record.key?.toString().startsWith('_position.') === false ? decodeHead(record.value) : undefined;
      const tree = head && trees.get(head.origin);
      if (!head || !tree) return;
      const size = BigInt(tree.range.size);
      const signed = signedHead(head.checkpoint, { origin: tree.origin, vkey: tree.vkey, from: size });
      if (!signed) return; // noise: anyone with access may write here, only a signature speaks
      if (signed.size > size)
        throw new LaneHalted(
          'TAIL_LOST',
          `${tree.origin}: signed at size ${signed.size}, the ledger ends at ${size}: countersign recover --lane ${lane}`,
        );
      if (signed.size === size && !equalBytes(signed.root, rangeRoot(tree.range))) {
        throw new LaneHalted('FORKED', `${tree.origin}: signed at size ${size} with root ${hex(signed.root)}, the ledger has another`);
      }
    },
    signal,
  );
}
