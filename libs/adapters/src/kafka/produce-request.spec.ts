import fc from 'fast-check';
import { expect, it, vi } from 'vitest';

import { asPublished } from './as-published.ts';
import { frameRequest, groupMessagesPerPartition, kafkajsModule } from './patch.ts';
import { encodeProduce, isPlain, type ProduceOptions } from './produce-request.ts';

type Build = (options: ProduceOptions) => { encode: () => Promise<{ buffer: Buffer }> };

const published = asPublished<Build>('protocol/requests/produce/v3/request.js');

const bytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((of) => Buffer.from(of)),
);
const message = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 200, unit: 'binary' }), { maxKeys: 4 }),
});
const options = fc.record({
  acks: fc.constantFrom(-1, 1),
  timeout: fc.nat(),
  transactionalId: fc.option(fc.string({ minLength: 1, maxLength: 30 })),
  producerId: fc.nat(),
  producerEpoch: fc.nat(32_767),
  topicData: fc.array(
    fc.record({
      topic: fc.string({ minLength: 1, maxLength: 30 }),
      partitions: fc.array(
        fc.record({ partition: fc.nat(100), firstSequence: fc.nat(), messages: fc.array(message, { minLength: 1, maxLength: 150 }) }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
});

it('is byte for byte what kafkajs encodes', async () => {
  const now = 1_790_000_000_123;
  vi.spyOn(Date, 'now').mockReturnValue(now);
  await fc.assert(
    fc.asyncProperty(options, async (request) => {
      expect(isPlain(request)).toBe(true);
      expect(encodeProduce(request, now).equals((await published(request).encode()).buffer)).toBe(true);
    }),
    { numRuns: 300 },
  );
  vi.restoreAllMocks();
});

it('is what a request of the patched kafkajs holds, unless it is compressed, has timestamps of its own or headers of bytes', async () => {
  const build = kafkajsModule<Build>('protocol/requests/produce/v7/request.js');
  const request = (message: ProduceOptions['topicData'][0]['partitions'][0]['messages'][0], compression = 0): ProduceOptions => ({
    ...{ acks: -1, timeout: 1, producerId: 7, producerEpoch: 1, transactionalId: 'lane', compression },
    topicData: [{ topic: 't', partitions: [{ partition: 0, firstSequence: 3, messages: [message] }] }],
  });
  const value = Buffer.from('value');
  vi.spyOn(Date, 'now').mockReturnValue(5);
  const encoded = await build(request({ value })).encode();
  expect(encoded).not.toHaveProperty('writeInt8'); // no encoder of kafkajs
  expect(encoded.buffer.equals(encodeProduce(request({ value }), 5))).toBe(true);
  for (const other of [request({ value }, 1), request({ value, timestamp: '9' }), request({ value, headers: { a: value } })]) {
    expect(isPlain(other)).toBe(false);
    expect((await build(other).encode()).buffer.equals((await published(other).encode()).buffer)).toBe(true);
  }
  vi.restoreAllMocks();
});

it('a framed request is byte for byte what kafkajs frames', async () => {
  const frame = asPublished<typeof frameRequest>('protocol/request.js');
  const { EncoderImpl } = await import('./internals.ts');
  const body = new EncoderImpl().writeString('body').writeInt32(7) as unknown as { buffer: Buffer };
  const request = { correlationId: 9, clientId: 'wörker', request: { apiKey: 1, apiVersion: 11, encode: () => Promise.resolve(body) } };
  const [ours, theirs] = [await frameRequest(request), await frame(request)];
  expect(ours.buffer.equals(theirs.buffer)).toBe(true);
  expect(ours.size()).toBe(theirs.size());
  expect(kafkajsModule('protocol/request.js')).toBe(frameRequest);
});

it('messages are grouped as kafkajs groups them, without a copy for each', () => {
  const group = asPublished<typeof groupMessagesPerPartition>('producer/groupMessagesPerPartition.js');
  const messages = Array.from({ length: 50 }, (_, at) => ({ partition: at % 3 }));
  const partitioner = ({ message }: { message: object }): number => (message as { partition: number }).partition;
  const given = { topic: 't', partitionMetadata: [{}, {}, {}], messages, partitioner };
  expect(groupMessagesPerPartition(given)).toEqual(group(given));
  expect(groupMessagesPerPartition({ ...given, partitionMetadata: [] })).toEqual({});
  expect(kafkajsModule('producer/groupMessagesPerPartition.js')).toBe(groupMessagesPerPartition);
});
