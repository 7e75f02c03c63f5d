import {
  digestWith,
  type LaneHeads,
  LedgerBroken,
  NOTHING_VOIDED,
  readRestored,
  readVoid,
  type RestoredRange,
  type SealedBatch,
  SealedBatches,
  type VoidBirth,
  type VoidRange,
  type WireCodec,
} from '#domain';

import type { LogReader } from '../kafka/reader.ts';
import { readToEnd } from '../kafka/read-to-end.ts';
import type { KafkaRecord } from '../kafka/records.ts';

/** Before the sequence of the first entry that was written again: `_restored.<lane>.<sequence>` on `checkpoints`. */
export const restoredKey = ({ lane, from }: Pick<RestoredRange, 'lane' | 'from'>): string => `_restored.${lane}.${from}`;
/** Before the offset of the first voided record: `_void.<lane>.<offset>` on `checkpoints`. */
export const voidKey = ({ lane, from }: Pick<VoidRange, 'lane' | 'from'>): string => `_void.${lane}.${from}`;

export interface ReadBatch {
  readonly batch: SealedBatch;
  /** One for each entry. */
  readonly records: readonly KafkaRecord[];
}
/** Asked for before the first record, as a void may be of records that fit (a fork), and again when a record does not fit. */
export type ReadVoids = () => Promise<readonly VoidRange[]>;

/** Errors of a record that was never admitted: the heads are where they were before its batch. */
export const NOT_ADMITTED: readonly LedgerBroken['code'][] = ['RECORD', 'SEQUENCE', 'BATCH', 'SEAL'];

/**
 * SealedBatches for records with offsets: goes on behind records that an operator has declared void, and throws LedgerBroken for any other that
 * is not exactly the next.
 */
export class LedgerBatches {
  #batches: SealedBatches;
  #pending: KafkaRecord[] = [];
  #voids: Voids | undefined;
  #isInVoid = false;

  constructor(
    readonly heads: LaneHeads,
    private readonly wire: WireCodec,
    private readonly readVoids: ReadVoids,
  ) {
    this.#batches = new SealedBatches(heads, wire);
  }

  /** Records read beyond the last whole batch. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Whether a reader with the same heads may begin behind the last record: not within a batch, and not within what was declared void. */
  get isBetweenBatches(): boolean {
    return this.#pending.length === 0 && !this.#isInVoid;
  }

  async push(record: KafkaRecord): Promise<ReadBatch[]> {
    this.#voids ??= new Voids(await this.readVoids());
    const found = this.#voids.at(record.offset);
    this.#isInVoid = found !== undefined && record.offset < found.to - 1n;
    if (this.#voids.take(record)) return [];
    this.#pending.push(record);
    let batch: SealedBatch | undefined;
    try {
      batch = this.#batches.push(record.value);
    } catch (error) {
      if (!(error instanceof LedgerBroken)) throw error;
      return this.#past(new LedgerBroken(error.code, `${record.topic}/${record.partition} offset ${record.offset}: ${error.message}`));
    }
    if (!batch) return [];
    const records = this.#pending;
    this.#pending = [];
    return [{ batch, records }];
  }

  /** At the end of the log, where a batch that is not whole will stay so: it may be void as well. */
  async end(): Promise<ReadBatch[]> {
    if (this.#pending.length === 0) return [];
    const { lane, nextSeq } = this.heads;
    return this.#past(new LedgerBroken('BATCH', `lane ${lane}: the ledger ends inside the batch at sequence ${nextSeq}`));
  }

  async #past(error: LedgerBroken): Promise<ReadBatch[]> {
    if (!NOT_ADMITTED.includes(error.code)) throw error;
    const again = this.#pending;
    let voids: Voids;
    try {
      voids = new Voids(await this.readVoids());
    } catch (fault) {
      await this.#again(again.slice(0, -1)); // as it was before the record, which may come again
      throw fault;
    }
    if (!again.some(({ offset }) => voids.at(offset))) throw error;
    this.#voids = voids;
    return this.#again(again);
  }

  async #again(records: readonly KafkaRecord[]): Promise<ReadBatch[]> {
    this.#pending = [];
    this.#batches = new SealedBatches(this.heads, this.wire);
    const read: ReadBatch[] = [];
    for (const record of records) read.push(...(await this.push(record)));
    return read;
  }
}

/** Voids of one lane, while its records are read in order. */
export class Voids {
  /** Of the void that is being passed. */
  #digest = NOTHING_VOIDED;

  constructor(readonly ranges: readonly VoidRange[]) {}

  at(offset: bigint): VoidRange | undefined {
    return this.ranges.find(({ from, to }) => offset >= from && offset < to);
  }

  /** Whether the record is void. Throws LedgerBroken when what stands there is not what was declared void. */
  take({ offset, value }: Pick<KafkaRecord, 'offset' | 'value'>): boolean {
    const found = this.at(offset);
    if (!found) return false;
    this.#digest = digestWith(offset === found.from ? NOTHING_VOIDED : this.#digest, value);
    if (offset === found.to - 1n && this.#digest !== found.digest) {
      throw new LedgerBroken(
        'RECORD',
        `lane ${found.lane}: offsets ${found.from} to ${found.to} hold other records than those declared void`,
      );
    }
    return true;
  }
}

/** On `checkpoints`: what an operator has signed of the lane, not tree heads. */
export const isOperators = (key: Buffer | null): boolean => /^_(void|restored)\./.test(key?.toString() ?? '');

interface SignedPlace {
  readonly topic: string;
  readonly lane: number;
  readonly birth: VoidBirth;
  readonly wire: WireCodec;
}

/** Every void of a lane that a key of the ledger's birth signed. Others may write there, so nothing else is believed. */
export const readVoids = async (reader: LogReader, place: SignedPlace, signal?: AbortSignal): Promise<VoidRange[]> =>
  (await readSigned(reader, place, signal)).voids;

/** The same of what was written again as well. */
export async function readSigned(
  reader: LogReader,
  { topic, lane, birth, wire }: SignedPlace,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ readonly voids: VoidRange[]; readonly restored: RestoredRange[] }> {
  const [voids, restored]: [VoidRange[], RestoredRange[]] = [[], []];
  await readToEnd(
    reader,
    { topic, partition: lane },
    ({ key, value }) => {
      if (value === null || !isOperators(key)) return;
      const envelope = wire.decodeEnvelope(value);
      const gone = envelope && readVoid(envelope, birth);
      if (gone?.lane === lane) voids.push(gone);
      const again = envelope && readRestored(envelope, birth);
      if (again?.lane === lane) restored.push(again);
    },
    signal,
  );
  return { voids, restored };
}
