import fc from 'fast-check';
import { expect, it, vi } from 'vitest';

import { asPublished } from './as-published.ts';
import { frameRequest, kafkajsModule } from './patch.ts';
import { encodeProduce, produceRequest } from './produce-request.ts';
import { decodeRecordSet } from './records.ts';

/** What kafkajs makes of a produce request of version 3, the last whose records it can tell us. */
const published = asPublished<(options: object) => { encode: () => Promise<{ buffer: Buffer }> }>(
  'protocol/requests/produce/v3/request.js',
);
interface Decoder {
  readonly offset: number;
  readInt16(): number;
  readInt32(): number;
  readUVarInt(): number;
  readUVarIntString(): string | null;
  readUVarIntArray<T>(each: () => T): T[];
  readBytes(length: number): Buffer;
  readTaggedFields(): unknown;
}
const DecoderImpl = kafkajsModule<new (buffer: Buffer) => Decoder>('protocol/decoder.js');
const NOW = 1_790_000_000_123;

const bytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((of) => Buffer.from(of)),
);
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 200, unit: 'binary' }), { maxKeys: 4 }),
});
const partitions = fc.uniqueArray(
  fc.record({
    topic: fc.string({ minLength: 1, maxLength: 200 }),
    partition: fc.nat(100),
    records: fc.array(record, { minLength: 1, maxLength: 150 }),
  }),
  { maxLength: 4, selector: ({ topic, partition }) => `${topic}/${partition}` },
);
const transaction = fc.option(
  fc.record({
    transactionalId: fc.string({ minLength: 1, maxLength: 200 }),
    producerId: fc.bigInt(0n, 2n ** 40n),
    producerEpoch: fc.nat(32_767),
  }),
  { nil: undefined },
);
const header = fc.option(fc.tuple(fc.constant('laneseq'), fc.nat().map(String)), { nil: undefined });

interface Read {
  readonly transactionalId: string | null;
  readonly partitions: { topic: string | null; partition: number; batch: Buffer }[];
}

/** By kafkajs, which reads this encoding and cannot write the request. */
function read(buffer: Buffer): Read {
  const from = new DecoderImpl(buffer);
  from.readTaggedFields();
  const transactionalId = from.readUVarIntString();
  expect([from.readInt16(), from.readInt32()]).toEqual([-1, 4000]);
  const found = from.readUVarIntArray(() => {
    const topic = from.readUVarIntString();
    const of = from.readUVarIntArray(() => {
      const partition = from.readInt32();
      const batch = from.readBytes(from.readUVarInt() - 1);
      from.readTaggedFields();
      return { topic, partition, batch };
    });
    from.readTaggedFields();
    return of;
  });
  from.readTaggedFields();
  expect(from.offset).toBe(buffer.length);
  return { transactionalId, partitions: found.flat() };
}

/** The record batch of kafkajs for the same: the last of its request, which holds one partition. */
async function batchOf(
  records: readonly object[],
  of: { transactionalId?: string; producerId: string; producerEpoch: number },
): Promise<Buffer> {
  const firstSequence = of.transactionalId === undefined ? -1 : 0;
  const topicData = [{ topic: 't', partitions: [{ partition: 0, firstSequence, messages: records }] }];
  const { buffer } = await published({ acks: -1, timeout: 4000, compression: 0, topicData, ...of }).encode();
  const before = 2 + (of.transactionalId === undefined ? 0 : Buffer.byteLength(of.transactionalId)) + 2 + 4 + 4 + 2 + 1 + 4 + 4;
  expect(buffer.readInt32BE(before)).toBe(buffer.length - before - 4);
  return buffer.subarray(before + 4);
}

it('holds for each partition, byte for byte, the record batch that kafkajs makes', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(NOW);
  await fc.assert(
    fc.asyncProperty(partitions, transaction, header, async (given, of, common) => {
      const request = read(
        encodeProduce(given as never, { ...(of ? { transaction: of } : {}), ...(common ? { header: common } : {}) }, NOW),
      );
      expect(request.transactionalId).toBe(of?.transactionalId ?? null);
      expect(request.partitions).toHaveLength(given.length);
      for (const { topic, partition, batch } of request.partitions) {
        const { records } = given.find((each) => each.topic === topic && each.partition === partition) ?? { records: [] };
        const messages = records.map((each) => ({ ...each, headers: { ...each.headers, ...(common ? { [common[0]]: common[1] } : {}) } }));
        const { transactionalId, producerId, producerEpoch } = of ?? {};
        const identity = { producerId: String(producerId ?? -1), producerEpoch: producerEpoch ?? -1 };
        const theirs = await batchOf(messages, { ...identity, ...(transactionalId === undefined ? {} : { transactionalId }) });
        expect(batch.equals(theirs)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
  vi.restoreAllMocks();
});

it('has room for any number of headers on one record, and for none on those that follow', () => {
  for (let count = 1440; count < 1470; count++) {
    const headers = Object.fromEntries(Array.from({ length: count }, (_, at) => [`h${1000 + at}`, '']));
    const records = Array.from({ length: 20 }, (_, at) => ({
      topic: 't',
      partition: 0,
      key: null,
      value: null,
      ...(at === 0 ? { headers } : {}),
    }));
    const [of] = read(encodeProduce([{ topic: 't', partition: 0, records }], {}, NOW)).partitions;
    const { records: found, error } = decodeRecordSet(of?.batch ?? Buffer.alloc(0), { topic: 't', partition: 0, from: 0n, aborted: [] });
    expect(error).toBeUndefined();
    expect(found.map((each) => Object.keys(each.headers).length)).toEqual([count, ...Array<number>(19).fill(0)]);
  }
});

const answer = (code: number): Buffer => {
  const parts = [0, 2, 2, 't'.charCodeAt(0), 2, ...int(4, 3), ...int(2, code), ...int(8, 70), ...int(8, 5), ...int(8, 0), 1, 0, 0, 0];
  return Buffer.from([...parts, ...int(4, 0), 0]);
};
const int = (size: number, value: number): number[] => [...Buffer.alloc(size - 2), value >> 8, value & 0xff];

const asked = { topic: 't', partition: 3, records: [] };
const { response } = produceRequest([asked], {});

it('is answered with where each partition’s first record went, or with the error of one', async () => {
  expect(await response.decode(answer(0))).toEqual([{ topic: 't', partition: 3, baseOffset: 70n, appendTimeMs: 5 }]);
  expect(() => response.decode(answer(10))).toThrow(expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }));
});

it.each([
  ['ends too early', answer(0).subarray(0, 20), [asked]],
  ['ends within a field of a newer version', Buffer.concat([answer(0).subarray(0, -6), Buffer.from([1, 0, 9])]), [asked]],
  ['has a count of more than 32 bits', Buffer.from([0, ...Array<number>(200).fill(0x80), 0]), []],
  ['is about no partition', Buffer.from([0, 1, ...int(4, 0), 0]), [asked]],
  ['is about another partition', answer(0), [{ ...asked, partition: 4 }]],
  ['is about another topic', answer(0), [{ ...asked, topic: 'u' }]],
  ['leaves one partition out', answer(0), [asked, { ...asked, partition: 4 }]],
  ['is about more than was asked', answer(0), []],
])('is not believed when its answer %s', (_, bytes, partitions) => {
  const request = produceRequest(partitions, {});
  expect(() => request.response.decode(bytes)).toThrow(expect.objectContaining({ code: 'MALFORMED_ANSWER', retriable: true }));
});

it('a framed request is byte for byte what kafkajs frames', async () => {
  const frame = asPublished<typeof frameRequest>('protocol/request.js');
  const { EncoderImpl } = await import('./internals.ts');
  const body = new EncoderImpl().writeString('body').writeInt32(7);
  const request = { correlationId: 9, clientId: 'wörker', request: { apiKey: 1, apiVersion: 11, encode: () => Promise.resolve(body) } };
  const [ours, theirs] = [await frameRequest(request), await frame(request)];
  expect(ours.buffer.equals(theirs.buffer)).toBe(true);
  expect(ours.size()).toBe(theirs.size());
  expect(kafkajsModule('protocol/request.js')).toBe(frameRequest);
});

it('a produce request leaves room for its frame: framed it is the same bytes, and no copy', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(NOW);
  const records = [{ topic: 't', partition: 0, key: null, value: Buffer.from('value') }];
  const { request } = produceRequest([{ topic: 't', partition: 0, records }], {});
  const made: Buffer[] = [];
  const encode = async (room?: number) => {
    const body = await request.encode(room);
    made.push(body.buffer);
    return body;
  };
  const frame = (of: typeof encode) => frameRequest({ correlationId: 9, clientId: 'wörker', request: { ...request, encode: of } });
  const ours = await frame(encode);
  expect(ours.buffer).toBe(made[0]);
  const copied = await frame(() => encode(0));
  expect(ours.buffer.equals(copied.buffer)).toBe(true);
  vi.restoreAllMocks();
});
