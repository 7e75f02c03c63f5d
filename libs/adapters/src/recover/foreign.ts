/** Which records of a lane's ledger no decider wrote there. */
import { sha256 } from '#crypto';
import {
  copyHeads,
  digestWith,
  emptyHeads,
  type LaneHeads,
  LedgerBroken,
  type LedgerBirth,
  type LedgerRecord,
  NOTHING_VOIDED,
  type SealedBatch,
  SealedBatches,
  sealVerifies,
  type VoidRange,
  type WireCodec,
} from '#domain';

import type { LogReader } from '../kafka/reader.ts';
import { readToEnd } from '../kafka/read-to-end.ts';
import type { KafkaRecord } from '../kafka/records.ts';
import { NOT_ADMITTED, readVoids, Voids } from './ledger-batches.ts';

export interface LaneToRecover {
  readonly reader: LogReader;
  readonly birth: LedgerBirth;
  readonly lane: number;
  readonly topicName: (name: string) => string;
  readonly wire: WireCodec;
  /** Of a batch that fits: whether it contradicts what was attested. It and all that follows is then left out as well. */
  readonly isFalse?: (batch: SealedBatch) => boolean;
}
export interface Foreign {
  /** To be declared void; whoever signs them says why. */
  readonly ranges: readonly Omit<VoidRange, 'why'>[];
  /** Of everything that does fit. */
  readonly heads: LaneHeads;
}

/** Nothing here can mend the lane: a message for people says why, and what is left to do. */
export class RecoverError extends Error {
  override readonly name = 'RecoverError';
  constructor(
    readonly code: 'HOLE' | 'FORKED' | 'NOT_AGAIN' | 'RECEIPT',
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads the whole ledger of a lane and leaves out, one by one, the records that are not exactly the next: what is left is one chain. Throws
 * RecoverError HOLE when a record that is left out is a decider's own and belongs behind the end of that chain: then something before it is lost.
 */
export async function findForeign(
  { reader, birth, lane, topicName, wire, isFalse }: LaneToRecover,
  heads: LaneHeads = emptyHeads(birth, lane),
  onBatch: (batch: SealedBatch) => void = () => undefined,
): Promise<Foreign> {
  const known = new Voids(await readVoids(reader, { topic: topicName('checkpoints'), lane, birth, wire }));
  const sieve = new Sieve(heads, wire, onBatch, isFalse);
  const each = (record: KafkaRecord): void => {
    if (known.take(record)) sieve.endRun();
    else sieve.take([record]);
  };
  await readToEnd(reader, { topic: topicName('ledger'), partition: lane }, each, new AbortController().signal);
  sieve.end();
  refuseHole(sieve.runsBeforeFork.flat(), heads, wire);
  return { ranges: sieve.runs.map((run) => rangeOf(lane, run)), heads };
}

class Sieve {
  /** Left out, in runs without a good record between. */
  readonly runs: KafkaRecord[][] = [];
  #batches: SealedBatches;
  #pending: KafkaRecord[] = [];
  #isRunOver = true;
  /** How many runs there were before the first batch that is false. */
  #forkRun: number | undefined;

  constructor(
    private readonly heads: LaneHeads,
    private readonly wire: WireCodec,
    private readonly onBatch: (batch: SealedBatch) => void,
    private readonly isFalse?: (batch: SealedBatch) => boolean,
  ) {
    this.#batches = new SealedBatches(heads, wire);
  }

  get runsBeforeFork(): KafkaRecord[][] {
    return this.runs.slice(0, this.#forkRun);
  }

  /** What stands here is void already, so no range may reach over it. */
  endRun(): void {
    this.#isRunOver = true;
  }

  take(records: readonly KafkaRecord[]): void {
    const queue = records.toReversed();
    for (let record = queue.pop(); record; record = queue.pop()) {
      this.#pending.push(record);
      if (this.#forkRun !== undefined) {
        this.#leaveOutFirst(); // it follows what is false
        continue;
      }
      const before = this.isFalse && copyHeads(this.heads);
      try {
        const batch = this.#batches.push(record.value);
        if (!batch) continue;
        if (before && this.isFalse(batch)) {
          this.#fork(before);
          continue;
        }
        this.onBatch(batch);
        this.#pending = [];
        this.#isRunOver = true;
      } catch (error) {
        if (!(error instanceof LedgerBroken) || !NOT_ADMITTED.includes(error.code)) throw error;
        queue.push(...this.#leaveOutFirst().toReversed());
      }
    }
  }

  /** The batch that waits is false: nothing of it, or of what follows, is part of the chain. */
  #fork(before: LaneHeads): void {
    Object.assign(this.heads, before);
    this.#isRunOver = true;
    this.#forkRun = this.runs.length;
    while (this.#pending.length > 0) this.#pending = this.#leaveOutFirst();
  }

  /** A batch that is not whole at the end will stay so. */
  end(): void {
    while (this.#pending.length > 0) this.take(this.#leaveOutFirst());
  }

  /** Of those that wait for their batch; returns the others, which may be good. */
  #leaveOutFirst(): KafkaRecord[] {
    const [first, ...rest] = this.#pending;
    if (first && this.#isRunOver) this.runs.push([first]);
    else if (first) this.runs.at(-1)?.push(first);
    this.#isRunOver = false;
    this.#pending = [];
    this.#batches = new SealedBatches(this.heads, this.wire);
    return rest;
  }
}

function rangeOf(lane: number, run: readonly KafkaRecord[]): Omit<VoidRange, 'why'> {
  const [from, last] = [run[0]?.offset ?? 0n, run.at(-1)?.offset ?? 0n];
  const digest = run.reduce((sofar, { value }) => digestWith(sofar, value), NOTHING_VOIDED);
  return { lane, from, to: last + 1n, digest };
}

function refuseHole(foreign: readonly KafkaRecord[], { nextSeq, sealers, lane }: LaneHeads, wire: WireCodec): void {
  const decoded = foreign.map(({ value }) => decode(value, wire));
  decoded.forEach((record, at) => {
    if (!record?.batchSeal || record.batchFirstSeq < nextSeq) return;
    const batch = decoded.slice(Math.max(0, at + 1 - record.batchCount), at + 1).filter((each) => each !== undefined);
    const recordHashes = batch.map((each) => sha256(wire.encodeRecord({ ...each, batchSeal: null })));
    const range = { lane, firstSeq: record.batchFirstSeq, lastSeq: record.laneSeq, recordHashes };
    if (!sealVerifies(range, record.batchSeal, sealers)) return;
    const what = `lane ${lane}: a batch of its own decider begins at sequence ${record.batchFirstSeq}, and the chain ends before ${nextSeq}`;
    throw new RecoverError('HOLE', `${what}: records between them are lost, which no void can mend`);
  });
}

function decode(value: Uint8Array | null, wire: WireCodec): LedgerRecord | undefined {
  try {
    return value === null ? undefined : wire.decodeRecord(value);
  } catch {
    return undefined;
  }
}
