import { describe, expect, it } from 'vitest';

import { codecs } from '#adapters';
import { sha256 } from '#crypto';

import type { EncodedSnapshot } from './snapshot-records.ts';
import { SnapshotWriter, type SnapshotTopic } from './snapshot-writer.ts';

const CHUNK_BYTES = 10;

function snapshotOf(bytes: number, laneSeq = 1): EncodedSnapshot {
  return {
    lane: 0,
    laneSeq,
    bytes: new Uint8Array(bytes).fill(laneSeq),
    ledgerOffset: 9n,
    inputKeysOffset: 9n,
    lastRecord: new Uint8Array(1),
    deciderSeed: sha256('a decider'),
  };
}

function writerOn(topic: Partial<SnapshotTopic> = {}) {
  const written: number[] = [];
  const options = { keys: [], newestSlot: undefined, topic: 'decider-state', chunkBytes: CHUNK_BYTES };
  const writer = new SnapshotWriter({ ...options, ...topic, onWritten: (laneSeq) => written.push(laneSeq) });
  /** Keys of the next piece, those of tombstones with a minus sign. */
  const piece = (): string[] => writer.next().map(({ key, value }) => `${value === null ? '-' : ''}${key?.toString() ?? ''}`);
  /** Commits all that waits, and says what it was. */
  const all = (): string[][] => {
    const pieces: string[][] = [];
    while (writer.isPending) {
      pieces.push(piece());
      writer.committed(writer.next());
    }
    return pieces;
  };
  return { writer, written, piece, all };
}

describe('a snapshot', () => {
  it('goes out a chunk at a time, its manifest with the last, and is there only then', () => {
    const { writer, written, piece } = writerOn();
    expect([piece(), writer.isPending]).toEqual([[], false]);
    writer.committed(writer.next());
    writer.start(snapshotOf(25));
    for (const chunk of ['chunk.0.0', 'chunk.0.1']) {
      expect([piece(), piece()]).toEqual([[chunk], [chunk]]); // until it was committed
      writer.committed(writer.next());
    }
    expect(piece()).toEqual(['chunk.0.2', 'manifest.0']);
    const chunk = codecs.snapshotChunk.decode(writer.next()[0]?.value ?? Buffer.alloc(0));
    expect([chunk.slot, chunk.chunk, [...chunk.bytes]]).toEqual([0, 2, [1, 1, 1, 1, 1]]);
    expect([writer.isPending, written]).toEqual([true, []]);
    writer.committed(writer.next());
    expect([writer.isPending, written]).toEqual([false, [1]]);
  });

  it('takes the slot that the newest whole one is not in, also when it takes the place of one on its way', () => {
    const { writer, all, written } = writerOn({ newestSlot: 0 });
    writer.start(snapshotOf(25, 1));
    writer.committed(writer.next());
    writer.start(snapshotOf(5, 2));
    expect(all()).toEqual([['chunk.1.0', 'manifest.1']]);
    writer.start(snapshotOf(5, 3));
    expect(all()).toEqual([['chunk.0.0', 'manifest.0']]);
    expect(written).toEqual([2, 3]);
  });

  it('takes away what a larger one left in its slot, be it of this owner or of one before', () => {
    const keys = ['chunk.0.0', 'chunk.0.10', 'manifest.0', 'chunk.1.0', 'chunk.1.1', 'manifest.1'];
    const { writer, all } = writerOn({ keys, newestSlot: 1 });
    writer.start(snapshotOf(15));
    expect(all()).toEqual([['chunk.0.0'], ['chunk.0.1', '-chunk.0.10', 'manifest.0']]);
    writer.start(snapshotOf(35));
    all();
    writer.start(snapshotOf(5));
    expect(all()).toEqual([['chunk.0.0', '-chunk.0.1', 'manifest.0']]);
  });

  it('leaves nothing of any other when it is to be alone, and that in one with its manifest', () => {
    const keys = ['chunk.0.0', 'chunk.0.1', 'manifest.0', 'chunk.1.0', 'manifest.1', 'noise'];
    const { writer, all } = writerOn({ keys, newestSlot: 0 });
    writer.start(snapshotOf(15), true);
    expect(all()).toEqual([['chunk.1.0'], ['chunk.1.1', '-chunk.0.0', '-chunk.0.1', '-manifest.0', '-noise', 'manifest.1']]);
    writer.start(snapshotOf(5), true);
    expect(all()).toEqual([['chunk.0.0', '-chunk.1.0', '-manifest.1', '-chunk.1.1', 'manifest.0']]);
  });
});
