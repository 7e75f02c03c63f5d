import { describe, expect, it } from 'vitest';

import { emptyHeads, equalBytes, type SealedBatch, sealVoid, type VoidRange } from '#domain';
import { MemoryLane, readerOf, recordsOf } from '#testing';

import type { KafkaRecord } from '../kafka/records.ts';
import { codecs, wire } from '../wire/codec.ts';
import { findForeign } from './foreign.ts';
import { LedgerBatches, readVoids, voidKey } from './ledger-batches.ts';

const lane = MemoryLane.ready();
for (const id of ['a-1', 'a-2', 'a-3']) lane.propose(id);
const JUNK = Buffer.from('made by hand');
/** Says that a long batch begins. */
const forged = (index: number): Uint8Array =>
  wire.encodeRecord({
    ...wire.decodeRecord(lane.ledger[0] ?? JUNK),
    laneSeq: index,
    batchFirstSeq: index,
    batchCount: 100,
    batchSeal: null,
  });

const examine = (
  ledger: readonly (Uint8Array | null)[],
  voids: readonly KafkaRecord[] = [],
  isFalse: (batch: SealedBatch) => boolean = () => false,
) => {
  const reader = readerOf({ ledger: recordsOf('ledger', ledger), checkpoints: voids });
  return findForeign({ reader, birth: lane.birth, lane: 0, topicName: (name) => name, wire, isFalse });
};
const seed = lane.parties.seedOf('admin');
const published = (ranges: readonly Omit<VoidRange, 'why'>[], by = seed): KafkaRecord[] =>
  recordsOf(
    'checkpoints',
    ranges.map((range) => codecs.signedEnvelope.encode(sealVoid({ ...range, why: 'w' }, lane.birth, by))),
    ranges.map(voidKey),
  );
/** All that a reader takes of the ledger; what it throws otherwise. */
async function readAll(ledger: readonly (Uint8Array | null)[], voids: readonly KafkaRecord[]): Promise<number | string> {
  const reader = readerOf({ checkpoints: voids });
  const heads = emptyHeads(lane.birth, 0);
  const batches = new LedgerBatches(heads, wire, () => readVoids(reader, { topic: 'checkpoints', lane: 0, birth: lane.birth, wire }));
  try {
    for (const record of recordsOf('ledger', ledger)) await batches.push(record);
    await batches.end();
    return heads.nextSeq;
  } catch (error) {
    return (error as { code: string }).code;
  }
}
const at = (index: number, ...values: (Uint8Array | null)[]): (Uint8Array | null)[] => [
  ...lane.ledger.slice(0, index),
  ...values,
  ...lane.ledger.slice(index),
];
/** Before each batch, and at the end: a producer's batch is written as a whole, so nothing comes into the middle of one. */
const places = [...lane.ledger.keys(), lane.ledger.length].filter((index) => {
  const value = lane.ledger[index];
  return value === undefined || wire.decodeRecord(value).batchFirstSeq === index;
});
const copies = lane.ledger.slice(2, 4);

describe('foreign records', () => {
  it('are found wherever they stand, and readers that are told so read the whole ledger', async () => {
    for (const index of places) {
      for (const foreign of [[JUNK], [null, JUNK], copies, [forged(index)]]) {
        const ledger = at(index, ...foreign);
        const { ranges, heads } = await examine(ledger);
        expect(heads.nextSeq).toBe(lane.ledger.length);
        expect(ranges.reduce((sum, { from, to }) => sum + Number(to - from), 0)).toBe(foreign.length);
        expect(typeof (await readAll(ledger, []))).toBe('string');
        expect(await readAll(ledger, published(ranges))).toBe(lane.ledger.length);
        expect((await examine(ledger, published(ranges))).ranges).toEqual([]);
      }
    }
  });

  it('are void only as they were looked at, and only by a key of the birth', async () => {
    const { ranges } = await examine(at(3, JUNK));
    expect(await readAll(at(3, Buffer.from('something else')), published(ranges))).toBe('RECORD');
    expect(await readAll(at(3, JUNK), published(ranges, lane.parties.seedOf('decider')))).toBe('RECORD');
  });

  it('a sound ledger has none, and asks for voids once', async () => {
    expect((await examine(lane.ledger)).ranges).toEqual([]);
    let asked = 0;
    const batches = new LedgerBatches(emptyHeads(lane.birth, 0), wire, () => Promise.resolve(((asked += 1), [])));
    for (const record of recordsOf('ledger', lane.ledger)) await batches.push(record);
    expect([batches.heads.nextSeq, asked]).toEqual([lane.ledger.length, 1]);
  });

  it('records that are lost from the middle are no foreign ones: nothing is declared void', async () => {
    await expect(examine(lane.ledger.toSpliced(5, 1))).rejects.toMatchObject({ code: 'HOLE' });
  });
});

describe('a history that contradicts what was attested', () => {
  const fork = lane.ledger.length - 2;
  const other = MemoryLane.ready();
  for (const id of ['a-1', 'b-2', 'b-3', 'b-4']) other.propose(id);
  const isFalse = ({ firstSeq, entries }: SealedBatch): boolean =>
    entries.some(({ record }, index) => {
      const attested = lane.entries[firstSeq + index]?.bytes;
      return attested !== undefined && !equalBytes(attested, record.entry);
    });

  it('is left out with all that follows it, and readers go on from the fork with what was attested', async () => {
    expect(other.ledger.slice(0, fork)).toEqual(lane.ledger.slice(0, fork));
    const { ranges, heads } = await examine([...other.ledger, JUNK], [], isFalse);
    expect(heads.nextSeq).toBe(fork);
    expect(ranges).toMatchObject([{ from: BigInt(fork), to: BigInt(other.ledger.length + 1) }]);
    const mended = [...other.ledger, JUNK, ...lane.ledger.slice(fork)];
    expect(await readAll(mended, published(ranges))).toBe(lane.ledger.length);
    expect(await readAll(mended, [])).toBe('RECORD');
    expect((await examine(mended, published(ranges), isFalse)).ranges).toEqual([]);
  });

  it('keeps what is void already out of its ranges', async () => {
    const voided = await examine([...other.ledger.slice(0, fork + 1), JUNK, ...other.ledger.slice(fork + 1)]);
    const ledger = [...other.ledger.slice(0, fork + 1), JUNK, ...other.ledger.slice(fork + 1)];
    const { ranges } = await examine(ledger, published(voided.ranges), isFalse);
    expect(ranges).toMatchObject([
      { from: BigInt(fork), to: BigInt(fork + 1) },
      { from: BigInt(fork + 2), to: BigInt(ledger.length) },
    ]);
    const mended = [...ledger, ...lane.ledger.slice(fork)];
    expect(await readAll(mended, published([...voided.ranges, ...ranges]))).toBe(lane.ledger.length);
  });
});
