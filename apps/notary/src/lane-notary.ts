import {
  type CommitPoint,
  type Guard,
  GuardTaken,
  InputError,
  type KafkaRecord,
  type LaneLog,
  LedgerBatches,
  type Log,
  type LogReader,
  type LogWriter,
  openInput,
  type OutgoingRecord,
  readVoids,
  wire,
} from '#adapters';
import {
  entryName,
  equalBytes,
  type LaneHeads,
  type LedgerBirth,
  type LogKeys,
  LaneHalted,
  notarise,
  type NotarisedBatch,
  type NotarisedEntry,
  type SignedTreeHead,
  systemTree,
} from '#domain';

import { reach, recordsOf, SignedHistory } from './history.ts';
import { InputKeys } from './input-keys.ts';
import { entryRecords, hasVerdict, positionRecord, treeHeadRecord } from './outgoing.ts';
import { restore } from './restore.ts';

/** Named points between the steps, for fault tests. */
export type NotaryPoint = CommitPoint | 'before-guard' | 'after-guard';

export interface LaneNotaryOptions {
  readonly laneLog: LaneLog;
  readonly birth: LedgerBirth;
  readonly keys: LogKeys;
  readonly topicPrefix: string;
  /** Throws for a guard that cannot be read: the lane halts. */
  readonly openGuard: (lane: number) => Guard;
  readonly log: Log;
  readonly onCommit?: (lane: number, receipts: number, ms: number) => void;
  readonly onPoint?: (name: NotaryPoint) => void | Promise<void>;
}

/** What a lane's notary writes, each partition by no one else. */
const OUTPUT_TOPICS = ['receipts', 'verdicts', 'checkpoints'];
/** What one transaction attests at most, unless a single batch is more: it stays far below the topics' 16 MiB. */
const ENTRIES_MAX = 1024;
const RECEIPT_BYTES_MAX = 4 * 1024 * 1024;
const FETCH = { maxWaitMs: 100, minBytes: 1, maxBytes: 16 * 1024 * 1024, maxBytesPerPartition: 8 * 1024 * 1024 };

/** Whole batches that one transaction attests. */
interface Attestation {
  readonly entries: { readonly entry: NotarisedEntry; readonly traceparent: string | undefined }[];
  /** Every batch's, for the guard. */
  readonly signed: SignedTreeHead[];
  receiptBytes: number;
  ledgerOffset: bigint;
}

interface Lane {
  readonly writer: LogWriter;
  readonly reader: LogReader;
  readonly history: SignedHistory;
  readonly heads: LaneHeads;
  readonly inputKeys: InputKeys;
  readonly publishedSeq: number;
  readonly signal: AbortSignal;
}

/**
 * Owns one lane: attests each sealed batch that the ledger holds, once, and never decides anything. Throws on any error and then holds
 * nothing: what was committed is read from `checkpoints` by the next owner, which may be this same object, called again.
 */
export class LaneNotary {
  constructor(private readonly options: LaneNotaryOptions) {}

  async run(lane: number, signal: AbortSignal, ready: () => void): Promise<void> {
    const { laneLog, birth, keys, topicPrefix, openGuard, log, onPoint } = this.options;
    const transactionalId = `${topicPrefix}countersign.notary.${lane}`;
    // 1. Fence. From here on nothing of a predecessor can be committed, and its open transaction has ended.
    const partitions = OUTPUT_TOPICS.map((topic) => ({ topic: this.topicName(topic), partition: lane }));
    const writer = await laneLog.openWriter({ transactionalId, partitions, ...(onPoint ? { onPoint } : {}) });
    const open: { close(): void | Promise<void> }[] = [writer];
    try {
      const reader = await laneLog.openReader();
      open.push(reader);
      // 2. Where the last committed transaction ended, by what our own keys signed.
      const { topicName } = this;
      const restored = await restore({ reader, birth, lane, keys, topicName, signal, log });
      const { heads, ledgerOffset, inputKeysOffset, publishedSeq } = restored;
      const history = SignedHistory.open(openGuard, lane, restored.signed);
      open.push(history);
      // 3. Signed but not committed, or committed and lost again: the ledger must lead there before anything more is signed.
      const voids = (): ReturnType<typeof readVoids> => readVoids(reader, { topic: topicName('checkpoints'), lane, birth, wire }, signal);
      const ahead = {
        reader,
        topic: topicName('ledger'),
        from: ledgerOffset,
        heads,
        wire,
        voids,
        signal,
        log,
        isDisplaced: restored.isDisplaced,
      };
      await reach(history.beyond(heads), ahead);
      log.info({ lane, nextSeq: heads.nextSeq, publishedSeq, ledgerOffset: String(ledgerOffset) }, 'lane taken over');
      ready();
      const inputKeys = new InputKeys(topicName('input-keys'), lane, inputKeysOffset);
      const batches = new LedgerBatches(heads, wire, voids);
      await this.#attestUntil({ writer, reader, history, heads, inputKeys, publishedSeq, signal }, batches, ledgerOffset);
    } finally {
      // Whatever ended this, its memory goes with it. A crash here is a crash before or after a commit: both are recovered above.
      await Promise.allSettled(open.map(async (each) => each.close()));
    }
  }

  async #attestUntil(lane: Lane, batches: LedgerBatches, from: bigint): Promise<void> {
    const { reader, inputKeys, heads, signal } = lane;
    let offset = from;
    const ledger = this.topicName('ledger');
    let attestation = nothingYet(offset);
    while (!signal.aborted) {
      // 4. What has arrived. Nothing has left this process yet: a crash here loses nothing.
      const fetched = await reader.fetch([{ topic: ledger, partition: heads.lane, offset }, inputKeys.position], { ...FETCH, signal });
      const records: KafkaRecord[] = [];
      for (const partition of fetched) {
        if (partition.topic !== ledger) inputKeys.take(partition);
        else {
          records.push(...recordsOf(partition));
          offset = partition.nextOffset;
        }
      }
      // 5. Whole sealed batches only, each checked against everything before it. An error drops all of it: `heads` has moved on already.
      for (const record of records) {
        for (const { batch, records: read } of await batches.push(record)) {
          const traceparents = read.map(({ headers }) => headers['traceparent']);
          const next = (read.at(-1)?.offset ?? record.offset) + 1n;
          add(attestation, lane, notarise(batch, this.options.keys), traceparents, next);
          if (attestation.entries.length < ENTRIES_MAX && attestation.receiptBytes < RECEIPT_BYTES_MAX) continue;
          await this.#publish(lane, attestation);
          attestation = nothingYet(next);
        }
      }
      if (attestation.signed.length === 0) continue;
      await this.#publish(lane, attestation);
      attestation = nothingYet(attestation.ledgerOffset);
    }
  }

  async #publish(lane: Lane, attestation: Attestation): Promise<void> {
    const { onPoint, onCommit } = this.options;
    const { heads, inputKeys, writer } = lane;
    const startedMs = performance.now();
    const records = await this.#entryRecords(lane, attestation);
    await onPoint?.('before-guard');
    // 6. What is about to be signed for good is on our own disk first. A crash after it: the successor recomputes up to here, and publishes.
    // When another notary has opened the guard since, nothing is signed: what that one has signed may not be known here.
    await this.#guarded(lane, attestation.signed);
    await onPoint?.('after-guard');
    // 7. One transaction: receipts, verdicts, tree heads, position. A crash before its commit leaves nothing, after it everything.
    for (const { entry } of attestation.entries) inputKeys.forget(entryName(entry.origin, entry.leafIndex));
    const newest = new Map(attestation.signed.map((head) => [head.origin, head]));
    for (const head of newest.values()) records.push(treeHeadRecord(head, heads.lane, this.topicName));
    records.push(this.#position(lane, attestation));
    await writer.commit(records, heads.nextSeq);
    // 8. Only now is the memory that step 5 advanced the truth. An error above dropped it.
    onCommit?.(heads.lane, attestation.entries.length, performance.now() - startedMs);
  }

  /**
   * A successor fences this notary on Kafka before it opens the guard, and then the lane is given up as always. One that has fenced nobody reads
   * another Kafka, or another topic prefix: then two notaries sign with one key, and no protocol keeps their histories one.
   */
  async #guarded({ heads: { lane }, history, writer }: Lane, signed: readonly SignedTreeHead[]): Promise<void> {
    try {
      history.commit(signed);
    } catch (error) {
      if (!(error instanceof GuardTaken)) throw error;
      await writer.expectOwner();
      throw new LaneHalted(
        'GUARD_TAKEN',
        `lane ${lane}: ${error.message}. Kafka knows no successor of this notary, so that one uses another Kafka or topic prefix: ` +
          'nothing more is signed here. Give each ledger a guard folder of its own, stop the other notary, then restart this one',
      );
    }
  }

  async #entryRecords({ heads, reader, inputKeys, signal }: Lane, { entries }: Attestation): Promise<OutgoingRecord[]> {
    const sealed = entries.map(({ entry }) => entry).filter(isProposal);
    await inputKeys.until(
      sealed.map(({ origin, leafIndex }) => entryName(origin, leafIndex)),
      reader,
      signal,
    );
    return entries.flatMap(({ entry, traceparent }) => {
      const proposal = isProposal(entry) ? this.#proposal(entry, inputKeys) : null;
      return entryRecords(entry, heads.lane, this.topicName, { proposal, traceparent });
    });
  }

  /** The exact payload bytes. null when its key was erased; receipts never depend on it. */
  #proposal(entry: NotarisedEntry, inputKeys: InputKeys): Uint8Array | null {
    const key = inputKeys.get(entryName(entry.origin, entry.leafIndex));
    if (!key) return null;
    try {
      return wire.decodeEnvelope(openInput(entry.sealed.record.input, key))?.payload ?? null;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.options.log.error({ origin: entry.origin, leafIndex: entry.leafIndex, alarm: true }, 'input does not open with its own key');
      return null;
    }
  }

  #position({ heads, inputKeys }: Lane, { ledgerOffset }: Attestation): OutgoingRecord {
    const { keys, birth } = this.options;
    const system = heads.trees.get(systemTree(heads.lane));
    if (!system) throw new Error(`lane ${heads.lane}: no system tree`);
    const offsets = { ledgerOffset: Number(ledgerOffset), inputKeysOffset: Number(inputKeys.restartOffset) };
    return positionRecord(
      { lane: heads.lane, nextSeq: heads.nextSeq, ...offsets, sealer: rotatedSealer(heads, birth) },
      heads,
      keys.seed(system.origin),
      this.topicName,
    );
  }

  readonly topicName = (name: string): string => this.options.topicPrefix + name;
}

/** null: that of the birth, which every reader knows. */
function rotatedSealer({ sealers }: LaneHeads, birth: LedgerBirth): Uint8Array | null {
  const [sealer] = sealers;
  return sealer && !birth.deciderKeys.some(({ publicKey }) => equalBytes(publicKey, sealer)) ? sealer : null;
}

const nothingYet = (ledgerOffset: bigint): Attestation => ({ entries: [], signed: [], receiptBytes: 0, ledgerOffset });

function add(
  attestation: Attestation,
  { publishedSeq, inputKeys }: Lane,
  batch: NotarisedBatch,
  traceparents: readonly (string | undefined)[],
  ledgerOffset: bigint,
): void {
  attestation.signed.push(...batch.treeHeads);
  attestation.ledgerOffset = ledgerOffset;
  const endSeq = batch.firstSeq + batch.entries.length;
  if (endSeq <= publishedSeq) {
    for (const { origin, leafIndex } of batch.entries) inputKeys.forget(entryName(origin, leafIndex));
    return; // its receipts are there: published before the position was lost
  }
  if (batch.firstSeq < publishedSeq) throw new LaneHalted('FORKED', `receipts end inside the batch at sequence ${batch.firstSeq}`);
  batch.entries.forEach((entry, at) => {
    attestation.entries.push({ entry, traceparent: traceparents[at] });
    attestation.receiptBytes += entry.receipt.length * (hasVerdict(entry.sealed.kind) ? 2 : 1) + entry.sealed.record.input.length;
  });
}

/** Made from one sealed proposal, decided or repeated. */
const isProposal = ({ sealed }: NotarisedEntry): boolean =>
  sealed.record.inputForm === 'sealed' && (sealed.kind === 'action.decided' || sealed.kind === 'action.repeated');
