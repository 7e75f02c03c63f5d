import type { OutgoingRecord } from '#adapters';

import { type EncodedSnapshot, snapshotRecords } from './snapshot-records.ts';

/** Two slots in turn: a snapshot that was cut off leaves the other whole. */
const SLOTS = 2;

export interface SnapshotTopic {
  /** Keys of everything on `decider-state`, whatever it is worth; written by this lane's owner only. */
  readonly keys: Iterable<string>;
  /** Where the newest whole snapshot is; undefined when there is none. */
  readonly newestSlot: number | undefined;
}

export interface SnapshotWriterOptions extends SnapshotTopic {
  readonly topic: string;
  /** Of a chunk, and so of a piece. */
  readonly chunkBytes: number;
  /** A snapshot up to this sequence of the lane is there as a whole. */
  readonly onWritten: (laneSeq: number) => void;
}

/**
 * Puts a snapshot on the topic a piece at a time, each along with a transaction that is made anyway: as one it would keep decisions waiting for
 * as long as all of it takes. The last piece has the manifest, so until then the snapshot before it counts, in the other slot.
 */
export class SnapshotWriter {
  readonly #keys: Set<string>;
  #newestSlot: number;
  #slot = 0;
  #laneSeq = 0;
  /** A chunk each; with the last the manifest, and the tombstones, which must not be there without it. */
  #pieces: OutgoingRecord[][] = [];

  constructor(private readonly options: SnapshotWriterOptions) {
    this.#keys = new Set(options.keys);
    this.#newestSlot = options.newestSlot ?? SLOTS - 1;
  }

  get isPending(): boolean {
    return this.#pieces.length > 0;
  }

  /** Takes the place of one on its way. `alone`: what the other slot holds goes too, since something in it was erased. */
  start(snapshot: EncodedSnapshot, alone = false): void {
    const { topic, chunkBytes } = this.options;
    this.#slot = (this.#newestSlot + 1) % SLOTS;
    this.#laneSeq = snapshot.laneSeq;
    const records = snapshotRecords(snapshot, this.#slot, topic, chunkBytes);
    const written = new Set(records.map(keyOf));
    // What a larger one left in this slot would be kept for ever.
    const left = [...this.#keys].filter((key) => !written.has(key) && (alone || key.startsWith(`chunk.${this.#slot}.`)));
    const tombstones = left.map((key): OutgoingRecord => ({ topic, partition: snapshot.lane, key: Buffer.from(key), value: null }));
    const pieces = records.slice(0, -1).map((chunk) => [chunk]);
    const last = [...(pieces.pop() ?? []), ...tombstones, ...records.slice(-1)];
    this.#pieces = [...pieces, last];
  }

  /** What goes along with the next transaction: the same again until it was committed. */
  next(): readonly OutgoingRecord[] {
    return this.#pieces[0] ?? [];
  }

  /** The piece that `next` gave is on the topic; nothing for one without records. */
  committed(piece: readonly OutgoingRecord[]): void {
    if (piece.length === 0) return;
    for (const record of piece) {
      if (record.value === null) this.#keys.delete(keyOf(record));
      else this.#keys.add(keyOf(record));
    }
    this.#pieces.shift();
    if (this.isPending) return;
    this.#newestSlot = this.#slot;
    this.options.onWritten(this.#laneSeq);
  }
}

const keyOf = ({ key }: OutgoingRecord): string => key?.toString() ?? '';
