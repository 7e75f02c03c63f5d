/**
 * Produce, version 12 (https://kafka.apache.org/protocol#The_Messages_Produce), into one buffer of the right size. Ours, because kafkajs knows
 * no version with implicit partitions (KIP-890), and builds its own from an object and a zeroed 512-byte buffer for each record and header.
 */
import { decodeFlexible, malformed, throwUnlessOk } from './flexible.ts';
import type { ProtocolRequest } from './internals.ts';
import { compactBytes, Out, uvarintBytes } from './out.ts';
import { measuredBatch, type OutgoingRecord, type RecordHeader, writeBatch } from './record-batch.ts';
import type { TransactionIdentity } from './transactions-api.ts';

/** Where the first record of each topic-partition was appended; the others follow it, in the order given. */
export interface BaseOffset {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: bigint;
  /** Unit ms: the broker's clock, on topics stamped by it; −1 elsewhere. */
  readonly appendTimeMs: number;
}
/** All records for one topic-partition. */
export interface PartitionRecords {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly OutgoingRecord[];
}
export interface ProduceOptions {
  /** Its first request to these partitions: their sequences begin at 0, as each transaction has an epoch of its own. */
  readonly transaction?: TransactionIdentity;
  /** Of every record, after its own. */
  readonly header?: RecordHeader;
}

export const PRODUCE = { apiKey: 0, apiVersion: 12, apiName: 'Produce' };
const ALL_REPLICAS = -1;
/** Unit ms. How long the leader waits for its replicas; below our request time-out, so that the broker's own answer arrives. */
const REPLICAS_MAX_MS = 4000;

/** To the leader of all these partitions. Throws the first partition's error. */
export function produceRequest(partitions: readonly PartitionRecords[], options: ProduceOptions): ProtocolRequest<BaseOffset[]> {
  return {
    request: {
      ...PRODUCE,
      encode: (room = 0) => Promise.resolve({ buffer: encodeProduce(partitions, options, Date.now(), room), room }),
    },
    response: { decode: (payload) => Promise.resolve(decodeProduced(payload, partitions)), parse: (decoded) => Promise.resolve(decoded) },
  };
}

/** What follows the client id in the request: the header's tagged fields, and the body. Before it `room` bytes are free. */
export function encodeProduce(
  partitions: readonly PartitionRecords[],
  { transaction, header }: ProduceOptions,
  nowMs: number,
  room = 0,
): Buffer {
  const topics = Map.groupBy(
    partitions.map((of) => ({ ...of, batch: measuredBatch(of.records, header) })),
    ({ topic }) => topic,
  );
  const id = transaction?.transactionalId ?? null;
  let size = 1 + compactBytes(id) + 2 + 4 + uvarintBytes(topics.size + 1) + 1;
  for (const [topic, of] of topics) {
    size += compactBytes(topic) + uvarintBytes(of.length + 1) + 1;
    for (const { batch } of of) size += 4 + uvarintBytes(batch.bytes + 1) + batch.bytes + 1;
  }
  const out = new Out(size, room);
  out.tags();
  out.compact(id);
  out.int16(ALL_REPLICAS);
  out.int32(REPLICAS_MAX_MS);
  out.uvarint(topics.size + 1);
  for (const [topic, of] of topics) {
    out.compact(topic);
    out.uvarint(of.length + 1);
    for (const { partition, batch } of of) {
      out.int32(partition);
      out.uvarint(batch.bytes + 1);
      writeBatch(out, batch, transaction, BigInt(nowMs));
      out.tags();
    }
    out.tags();
  }
  out.tags();
  return out.done();
}

/** Throws also for an answer that leaves a partition out, or has another: nobody said that its records are there. */
function decodeProduced(payload: Buffer, asked: readonly PartitionRecords[]): BaseOffset[] {
  const answers = decodeAnswers(payload);
  const isAnswered = asked.every((of) => answers.some(({ topic, partition }) => partition === of.partition && topic === of.topic));
  if (!isAnswered || answers.length !== asked.length)
    throw malformed(PRODUCE.apiName, `expected answers about ${asked.length} partitions, ${answers.length} came, or about others`);
  return answers;
}

function decodeAnswers(payload: Buffer): BaseOffset[] {
  return decodeFlexible(payload, PRODUCE.apiName, (from) => {
    const topics = from.array(() => {
      const topic = from.string();
      const partitions = from.array(() => {
        const partition = from.int32();
        const code = from.int16();
        const answer = { topic, partition, baseOffset: from.int64(), appendTimeMs: Number(from.int64()) };
        from.int64(); // log start
        from.array(() => {
          from.int32();
          from.string();
          from.tags();
        });
        from.string(); // error message
        from.tags();
        return { code, answer };
      });
      from.tags();
      return partitions;
    });
    return topics.flat().map(({ code, answer }) => {
      throwUnlessOk(`${answer.topic}/${answer.partition}`, code);
      return answer;
    });
  });
}
