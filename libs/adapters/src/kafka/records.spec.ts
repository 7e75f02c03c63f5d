import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';
import { UnreadableBatch } from './errors.ts';
import { Out } from './out.ts';
import { measuredBatch, writeBatch } from './record-batch.ts';
import { decodeRecordSet } from './records.ts';

const NONE = 0;
const GZIP = 1;
const ZSTD = 4;

/** One record: length, attributes, time stamp delta, offset delta, key (null), value, no headers; all lengths zigzag. */
function record(offsetDelta: number, value: string): Buffer {
  const body = Buffer.concat([Buffer.from([0, 0, offsetDelta * 2, 1, value.length * 2]), Buffer.from(value), Buffer.from([0])]);
  return Buffer.concat([Buffer.from([body.length * 2]), body]);
}

/** Packed: one record whose value has so many zero bytes. */
function packed(bytes: number): Buffer {
  const measured = measuredBatch([{ topic: '', partition: 0, key: null, value: Buffer.alloc(bytes) }], undefined);
  const out = new Out(measured.bytes);
  writeBatch(out, measured, undefined, 0n);
  return gzipSync(out.done().subarray(61));
}

function batch(firstOffset: number, payload: Buffer, { codec = NONE, count = 1, flags = 0, producer = -1n } = {}): Buffer {
  const bytes = Buffer.alloc(61);
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  bytes.writeInt32BE(61 - 12 + payload.length, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(codec | flags, 21);
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeBigInt64BE(1_700_000_000_000n, 27);
  bytes.writeBigInt64BE(1_700_000_000_005n, 35);
  bytes.writeBigInt64BE(producer, 43);
  bytes.writeInt32BE(count, 57);
  return summed(Buffer.concat([bytes, payload]));
}

/** With the checksum of its bytes as they are now. */
function summed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

const at = { topic: 'actions', partition: 0, from: 0n, aborted: [] };
const values = (bytes: Buffer, where = at) => decodeRecordSet(bytes, where).records.map(({ value }) => value?.toString());

it('reads plain and gzip batches from the position on', () => {
  const bytes = Buffer.concat([
    batch(0, Buffer.concat([record(0, 'a'), record(1, 'b')]), { count: 2 }),
    batch(2, gzipSync(record(0, 'c')), { codec: GZIP }),
  ]);
  expect(values(bytes)).toEqual(['a', 'b', 'c']);
  expect(values(bytes, { ...at, from: 1n })).toEqual(['b', 'c']);
  expect(decodeRecordSet(bytes, at).nextOffset).toBe(3n);
});

it('stops at a batch of an unsupported codec, with its place, and keeps what came before', () => {
  const bytes = Buffer.concat([batch(0, record(0, 'a')), batch(1, record(0, 'x'), { codec: ZSTD }), batch(2, record(0, 'b'))]);
  const { records, nextOffset, error } = decodeRecordSet(bytes, at);
  expect(records.length).toBe(1);
  expect(nextOffset).toBe(1n);
  expect(error).toBeInstanceOf(UnreadableBatch);
  expect(error).toMatchObject({ code: 'UNREADABLE_BATCH', topic: 'actions', partition: 0, firstOffset: 1n, lastOffset: 1n });
  expect(error?.message).toContain('zstd found');
});

it('unpacks no more than 64 MiB and a batch of one answer: the next one goes on there', () => {
  const large = packed(20 * 1024 * 1024);
  const bytes = Buffer.concat(Array.from({ length: 6 }, (_, offset) => batch(offset, large, { codec: GZIP })));
  const first = decodeRecordSet(bytes, at);
  expect([first.records.length, first.nextOffset, first.error]).toEqual([4, 4n, undefined]);
  const second = decodeRecordSet(bytes, { ...at, from: first.nextOffset });
  expect([second.records.length, second.nextOffset]).toEqual([2, 6n]);
});

it('refuses a gzip bomb before it fills the memory', () => {
  const { error } = decodeRecordSet(batch(7, gzipSync(Buffer.alloc(64 * 1024 * 1024)), { codec: GZIP }), at);
  expect(error).toMatchObject({ code: 'UNREADABLE_BATCH', firstOffset: 7n });
});

it('reports broken bytes as an unreadable batch, whichever byte is broken', () => {
  const good = batch(0, Buffer.concat([record(0, 'ab'), record(1, 'cd')]), { count: 2 });
  for (let index = 61; index < good.length; index++) {
    const broken = Buffer.from(good);
    broken[index] = 0xff;
    expect(() => decodeRecordSet(summed(broken), at)).not.toThrow();
  }
  const cut = Buffer.from(good);
  cut[61] = 0x7e; // the first record claims to be longer than it is
  expect(decodeRecordSet(summed(cut), at).error).toBeInstanceOf(UnreadableBatch);
});

it('takes no batch of which one bit has changed since it was summed, and none after it', () => {
  const MAGIC_AT = 16;
  const COVERED_FROM = 17;
  const good = batch(1, Buffer.concat([record(0, 'ab'), record(1, 'cd')]), { count: 2 });
  const around = (middle: Buffer): Buffer => Buffer.concat([batch(0, record(0, 'a')), middle, batch(3, record(0, 'b'))]);
  expect(values(around(good))).toEqual(['a', 'ab', 'cd', 'b']);
  for (let bit = MAGIC_AT * 8; bit < good.length * 8; bit++) {
    const changed = Buffer.from(good);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    for (const from of [0n, 3n]) {
      const { records, nextOffset, error } = decodeRecordSet(around(changed), { ...at, from });
      expect({ records: records.length, nextOffset }).toEqual(
        from === 0n ? { records: 1, nextOffset: 1n } : { records: 0, nextOffset: 3n },
      );
      const isFormat = bit < COVERED_FROM * 8;
      expect(error).toMatchObject({ code: isFormat ? 'UNREADABLE_BATCH' : 'DAMAGED_BATCH', retriable: !isFormat });
    }
  }
});

it('leaves a cut last batch for the next fetch', () => {
  const bytes = Buffer.concat([batch(0, record(0, 'a')), batch(1, record(0, 'b')).subarray(0, 64)]);
  expect(values(bytes)).toEqual(['a']);
  expect(decodeRecordSet(bytes, at).nextOffset).toBe(1n);
});

it('hides aborted transactions of interleaved producers, and their markers', () => {
  const TRANSACTIONAL = 0x10;
  const MARKER = 0x30;
  const marker = (offset: number, producer: bigint, kind: number): Buffer => {
    const body = Buffer.from([0, 0, 0, 8, 0, 0, 0, kind, 1, 0]);
    return batch(offset, Buffer.concat([Buffer.from([body.length * 2]), body]), { flags: MARKER, producer });
  };
  const bytes = Buffer.concat([
    batch(0, record(0, 'x'), { flags: TRANSACTIONAL, producer: 1n }),
    batch(1, record(0, 'y'), { flags: TRANSACTIONAL, producer: 2n }),
    batch(2, record(0, 'plain')),
    marker(3, 2n, 0),
    marker(4, 1n, 0),
    batch(5, record(0, 'z'), { flags: TRANSACTIONAL, producer: 1n }),
    marker(6, 1n, 1),
  ]);
  const aborted = [
    { producerId: 2n, firstOffset: 1n },
    { producerId: 1n, firstOffset: 0n },
  ];
  const read = decodeRecordSet(bytes, { ...at, aborted });
  expect(read.records.map(({ value }) => value?.toString())).toEqual(['plain', 'z']);
  expect(read.nextOffset).toBe(7n);
});

it('reports a batch that is shorter than its own header, and never reads it for ever', () => {
  for (const length of [0, -12, 48, -2_147_483_648]) {
    const short = batch(1, record(0, 'b'));
    short.writeInt32BE(length, 8);
    const { records, nextOffset, error } = decodeRecordSet(Buffer.concat([batch(0, record(0, 'a')), short]), at);
    expect({ values: records.length, nextOffset, code: error?.code }).toEqual({ values: 1, nextOffset: 1n, code: 'UNREADABLE_BATCH' });
  }
});

it('reports offsets that do not ascend, so that no record is read twice', () => {
  const two = batch(5, Buffer.concat([record(0, 'a'), record(1, 'b')]), { count: 2 });
  const same = batch(5, Buffer.concat([record(0, 'a'), record(0, 'b')]), { count: 2 });
  const beyond = batch(5, record(1, 'a'));
  const backwards = batch(5, record(0, 'a'));
  backwards.writeInt32BE(-1, 23);
  summed(backwards);
  expect(decodeRecordSet(Buffer.concat([two, batch(6, record(0, 'c'))]), at)).toMatchObject({
    nextOffset: 7n,
    error: { firstOffset: 7n, lastOffset: 7n },
  });
  for (const bad of [same, beyond, backwards])
    expect(decodeRecordSet(bad, at)).toMatchObject({ records: [], error: { code: 'UNREADABLE_BATCH' } });
});

it('gives each record its own headers, under whatever names and in whatever order', () => {
  const name = fc.constantFrom('a', 'b', 'aa', 'ab', 'ä', '', '__proto__', 'constructor');
  const headers = fc
    .array(fc.tuple(name, fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 4 })
    .map((all) => Object.fromEntries(all));
  fc.assert(
    fc.property(fc.array(headers, { minLength: 1, maxLength: 9 }), (given) => {
      const records = given.map((each) => ({ topic: 't', partition: 0, key: null, value: null, headers: each }));
      const batch = measuredBatch(records, undefined);
      const out = new Out(batch.bytes);
      writeBatch(out, batch, undefined, 0n);
      const { records: found } = decodeRecordSet(out.done(), at);
      expect(found.map((each) => Object.entries(each.headers))).toEqual(given.map((each) => Object.entries(each)));
    }),
  );
});
