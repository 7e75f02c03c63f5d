/**
 * The body of a produce request, versions 3 to 7 (https://kafka.apache.org/protocol#The_Messages_Produce), into one buffer of the right size.
 * kafkajs builds it from an object and a zeroed 512-byte buffer for each record and each header, and copies each into the next: measured, a
 * third of what a notary did.
 */
import { crc32c } from './crc32c.ts';

export interface ProduceOptions {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null;
  readonly producerId?: number | string | { toString(): string };
  readonly producerEpoch?: number;
  /** 0: none. */
  readonly compression?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number | string;
      readonly firstSequence?: number;
      readonly messages: readonly ProducedMessage[];
    }[];
  }[];
}
export interface ProducedMessage {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly timestamp?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** Whether `encodeProduce` can write it: everything that we send is. The rest is kafkajs's own to encode. */
export const isPlain = ({ compression = 0, topicData }: ProduceOptions): boolean =>
  compression === 0 &&
  topicData.every(({ partitions }) =>
    partitions.every(({ messages }) =>
      messages.every(({ timestamp, headers = {} }) => timestamp === undefined && Object.values(headers).every(isText)),
    ),
  );

const isText = (value: unknown): value is string => typeof value === 'string';

/** Bytes of a record batch before its records, and where in it lie what its length and its checksum cover. */
const BATCH_HEADER_BYTES = 61;
const LENGTH_FROM = 12;
const CRC_FROM = 21;
const MAGIC = 2;
const TRANSACTIONAL = 0x10;
/** A record's attributes, and the delta of its timestamp: all records of a batch have the same, so the delta is 0. */
const ATTRIBUTES_AND_DELTA_BYTES = 2;

export function encodeProduce(request: ProduceOptions, nowMs: number): Buffer {
  const batches = request.topicData.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(measured) }));
  const { transactionalId = null } = request;
  let size = 2 + Buffer.byteLength(transactionalId ?? '') + 2 + 4 + 4;
  for (const { topic, partitions } of batches) {
    size += 2 + Buffer.byteLength(topic) + 4;
    for (const { bytes } of partitions) size += 4 + 4 + BATCH_HEADER_BYTES + bytes;
  }
  const out = new Out(size);
  out.string(transactionalId);
  out.int16(request.acks);
  out.int32(request.timeout);
  out.int32(batches.length);
  for (const { topic, partitions } of batches) {
    out.string(topic);
    out.int32(partitions.length);
    for (const batch of partitions) writeBatch(out, batch, request, BigInt(nowMs));
  }
  return out.done();
}

interface Batch {
  readonly partition: number;
  readonly firstSequence: number;
  readonly records: readonly MeasuredRecord[];
  /** Of all records. */
  readonly bytes: number;
}
interface MeasuredRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, nameBytes: number, value: string, valueBytes: number])[];
  /** Without its own length. */
  readonly bytes: number;
}

function measured({ partition, firstSequence, messages }: ProduceOptions['topicData'][0]['partitions'][0]): Batch {
  const records = messages.map(({ key, value, headers = {} }, at): MeasuredRecord => {
    const record = { key: bytesOf(key), value: bytesOf(value), headers: Object.keys(headers).map((name) => header(name, headers[name])) };
    let bytes = ATTRIBUTES_AND_DELTA_BYTES + varintBytes(at) + lengthOf(record.key) + lengthOf(record.value);
    bytes += varintBytes(record.headers.length);
    for (const [, name, , of] of record.headers) bytes += varintBytes(name) + name + varintBytes(of) + of;
    return { ...record, bytes };
  });
  let bytes = 0;
  for (const record of records) bytes += varintBytes(record.bytes) + record.bytes;
  return { partition: Number(partition), firstSequence: firstSequence ?? 0, records, bytes };
}

function header(name: string, value: unknown) {
  if (!isText(value)) throw new Error(`produce: header ${name} is no text`);
  return [name, Buffer.byteLength(name), value, Buffer.byteLength(value)] as const;
}
const bytesOf = (value: Buffer | string | null | undefined): Buffer | null =>
  typeof value === 'string' ? Buffer.from(value) : (value ?? null);
const lengthOf = (bytes: Buffer | null): number => (bytes === null ? 1 : varintBytes(bytes.length) + bytes.length);

function writeBatch(out: Out, { partition, firstSequence, records, bytes }: Batch, request: ProduceOptions, timestampMs: bigint): void {
  const size = BATCH_HEADER_BYTES + bytes;
  out.int32(partition);
  out.int32(size);
  const start = out.at;
  out.int64(0n); // first offset: the broker's to give
  out.int32(size - LENGTH_FROM);
  out.int32(0); // partition leader epoch
  out.int8(MAGIC);
  out.int32(0); // checksum, below
  out.int16(request.transactionalId ? TRANSACTIONAL : 0);
  out.int32(records.length - 1);
  out.int64(timestampMs);
  out.int64(timestampMs);
  out.int64(BigInt(String(request.producerId ?? -1)));
  out.int16(request.producerEpoch ?? 0);
  out.int32(firstSequence);
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
  string(value: string | null): void {
    this.int16(value === null ? -1 : Buffer.byteLength(value));
    if (value !== null) this.at += this.#buffer.write(value, this.at);
  }
  /** Zigzag; not negative, below 2³⁰. */
  varint(value: number): void {
    let left = value << 1;
    for (; left >= 0x80; left >>>= 7) this.#buffer[this.at++] = (left & 0x7f) | 0x80;
    this.#buffer[this.at++] = left;
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
