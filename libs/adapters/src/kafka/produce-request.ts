/**
 * Produce, version 12 (https://kafka.apache.org/protocol#The_Messages_Produce), into one buffer of the right size. Ours, because kafkajs knows
 * no version with implicit partitions (KIP-890), and builds its own from an object and a zeroed 512-byte buffer for each record and header.
 */
import { crc32c } from './crc32c.ts';
import { decodeFlexible, throwUnlessOk } from './flexible.ts';
import type { ProtocolRequest } from './internals.ts';
import type { TransactionIdentity } from './transactions-api.ts';

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}
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
  readonly header?: readonly [name: string, value: string];
}

export const PRODUCE = { apiKey: 0, apiVersion: 12, apiName: 'Produce' };
const ALL_REPLICAS = -1;
/** Unit ms. How long the leader waits for its replicas; below our request time-out, so that the broker's own answer arrives. */
const REPLICAS_MAX_MS = 4000;

/** To the leader of all these partitions. Throws the first partition's error. */
export function produceRequest(partitions: readonly PartitionRecords[], options: ProduceOptions): ProtocolRequest<BaseOffset[]> {
  return {
    request: { ...PRODUCE, encode: () => Promise.resolve({ buffer: encodeProduce(partitions, options, Date.now()) }) },
    response: { decode: (payload) => Promise.resolve(decodeProduced(payload)), parse: (decoded) => Promise.resolve(decoded) },
  };
}

/** Bytes of a record batch before its records, and where in it lie what its length and its checksum cover. */
const BATCH_HEADER_BYTES = 61;
const LENGTH_FROM = 12;
const CRC_FROM = 21;
const MAGIC = 2;
const TRANSACTIONAL = 0x10;
/** A record's attributes, and the delta of its timestamp: all records of a batch have the same, so the delta is 0. */
const ATTRIBUTES_AND_DELTA_BYTES = 2;

/** What follows the client id in the request: the header's tagged fields, and the body. */
export function encodeProduce(partitions: readonly PartitionRecords[], { transaction, header }: ProduceOptions, nowMs: number): Buffer {
  const topics = Map.groupBy(
    partitions.map((of) => ({ ...of, batch: measured(of.records, header) })),
    ({ topic }) => topic,
  );
  const id = transaction?.transactionalId ?? null;
  let size = 1 + compactBytes(id) + 2 + 4 + uvarintBytes(topics.size + 1) + 1;
  for (const [topic, of] of topics) {
    size += compactBytes(topic) + uvarintBytes(of.length + 1) + 1;
    for (const { batch } of of) size += 4 + uvarintBytes(BATCH_HEADER_BYTES + batch.bytes + 1) + BATCH_HEADER_BYTES + batch.bytes + 1;
  }
  const out = new Out(size);
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
      out.uvarint(BATCH_HEADER_BYTES + batch.bytes + 1);
      writeBatch(out, batch, transaction, BigInt(nowMs));
      out.tags();
    }
    out.tags();
  }
  out.tags();
  return out.done();
}

interface Batch {
  readonly records: readonly MeasuredRecord[];
  /** Of all records. */
  readonly bytes: number;
}
type Header = readonly [name: string, nameBytes: number, value: string, valueBytes: number];
interface MeasuredRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  /** Without its own length. */
  readonly bytes: number;
}

function measured(given: readonly OutgoingRecord[], header: ProduceOptions['header']): Batch {
  const common = header ? [measuredHeader(...header)] : [];
  let size = 0;
  const records = given.map(({ key, value, headers = {} }, at): MeasuredRecord => {
    const all = [...Object.keys(headers).map((name) => measuredHeader(name, headers[name] ?? '')), ...common];
    let bytes = ATTRIBUTES_AND_DELTA_BYTES + varintBytes(at) + lengthOf(key) + lengthOf(value) + varintBytes(all.length);
    for (const [, name, , of] of all) bytes += varintBytes(name) + name + varintBytes(of) + of;
    size += varintBytes(bytes) + bytes;
    return { key, value, headers: all, bytes };
  });
  return { records, bytes: size };
}

const measuredHeader = (name: string, value: string): Header => [name, Buffer.byteLength(name), value, Buffer.byteLength(value)];
const lengthOf = (bytes: Buffer | null): number => (bytes === null ? 1 : varintBytes(bytes.length) + bytes.length);

function writeBatch(out: Out, { records, bytes }: Batch, transaction: TransactionIdentity | undefined, timestampMs: bigint): void {
  const start = out.at;
  out.int64(0n); // first offset: the broker's to give
  out.int32(BATCH_HEADER_BYTES + bytes - LENGTH_FROM);
  out.int32(0); // partition leader epoch
  out.int8(MAGIC);
  out.int32(0); // checksum, below
  out.int16(transaction ? TRANSACTIONAL : 0);
  out.int32(records.length - 1);
  out.int64(timestampMs);
  out.int64(timestampMs);
  out.int64(transaction?.producerId ?? -1n);
  out.int16(transaction?.producerEpoch ?? -1);
  out.int32(transaction ? 0 : -1); // sequence of the first record
  out.int32(records.length);
  records.forEach((record, at) => {
    writeRecord(out, record, at);
  });
  out.checksum(start + CRC_FROM - 4, start + CRC_FROM);
}

function writeRecord(out: Out, { key, value, headers, bytes }: MeasuredRecord, offsetDelta: number): void {
  out.varint(bytes);
  out.int8(0); // attributes
  out.varint(0); // timestamp delta
  out.varint(offsetDelta);
  out.varintBytes(key);
  out.varintBytes(value);
  out.varint(headers.length);
  for (const [name, nameBytes, text, textBytes] of headers) {
    out.text(name, nameBytes);
    out.text(text, textBytes);
  }
}

/** Bytes of a zigzag varint of a number that is not negative. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value * 2; left >= 0x80; left /= 0x80) bytes++;
  return bytes;
}

const uvarintBytes = (value: number): number => varintBytes(value / 2);
const compactBytes = (text: string | null): number => {
  const bytes = text === null ? -1 : Buffer.byteLength(text);
  return uvarintBytes(bytes + 1) + Math.max(0, bytes);
};

class Out {
  at = 0;
  readonly #buffer: Buffer;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  int8(value: number): void {
    this.at = this.#buffer.writeInt8(value, this.at);
  }
  int16(value: number): void {
    this.at = this.#buffer.writeInt16BE(value, this.at);
  }
  int32(value: number): void {
    this.at = this.#buffer.writeInt32BE(value, this.at);
  }
  int64(value: bigint): void {
    this.at = this.#buffer.writeBigInt64BE(value, this.at);
  }
  /** No tagged fields. */
  tags(): void {
    this.int8(0);
  }
  /** null, or text with its length plus one before it. */
  compact(text: string | null): void {
    this.uvarint(text === null ? 0 : Buffer.byteLength(text) + 1);
    if (text !== null) this.at += this.#buffer.write(text, this.at);
  }
  /** Not negative, below 2³¹. */
  uvarint(value: number): void {
    let left = value;
    for (; left >= 0x80; left >>>= 7) this.#buffer[this.at++] = (left & 0x7f) | 0x80;
    this.#buffer[this.at++] = left;
  }
  /** Zigzag; not negative, below 2³⁰. */
  varint(value: number): void {
    this.uvarint(value << 1);
  }
  varintBytes(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#buffer[this.at++] = 1; // −1
      return;
    }
    this.varint(bytes.length);
    this.#buffer.set(bytes, this.at);
    this.at += bytes.length;
  }
  text(value: string, bytes: number): void {
    this.varint(bytes);
    this.#buffer.write(value, this.at);
    this.at += bytes;
  }
  checksum(at: number, from: number): void {
    this.#buffer.writeUInt32BE(crc32c(this.#buffer.subarray(from, this.at)), at);
  }
  done(): Buffer {
    if (this.at !== this.#buffer.length) throw new Error(`produce: ${this.at} bytes written, ${this.#buffer.length} measured`);
    return this.#buffer;
  }
}

function decodeProduced(payload: Buffer): BaseOffset[] {
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
