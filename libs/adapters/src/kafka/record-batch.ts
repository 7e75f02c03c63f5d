/** A record batch, message format 2 (https://kafka.apache.org/documentation/#recordbatch): measured first, then written into a buffer of that size. */
import { crc32c } from './crc32c.ts';
import { Out, VARINT_BYTES_MAX, varintBytes } from './out.ts';
import type { TransactionIdentity } from './transactions-api.ts';

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}
export type RecordHeader = readonly [name: string, value: string];

export interface MeasuredBatch {
  readonly records: readonly OutgoingRecord[];
  /** Of each record, without its own length. */
  readonly sizes: readonly number[];
  /** Every record's headers, with their count, one record after the other: only written text has a known size. */
  readonly headers: Out;
  /** Where in `headers` each record's end. */
  readonly headerEnds: readonly number[];
  /** Of all of it. */
  readonly bytes: number;
}

/** Bytes of a batch before its records, and where in it lie what its length and its checksum cover. */
const BATCH_HEADER_BYTES = 61;
const LENGTH_FROM = 12;
const CRC_FROM = 21;
const MAGIC = 2;
const TRANSACTIONAL = 0x10;
/** A record's attributes, and the delta of its timestamp: all records of a batch have the same, so the delta is 0. */
const ATTRIBUTES_AND_DELTA_BYTES = 2;
/** Bytes, to begin with: those of a receipt come to 400. */
const HEADERS_BYTES = 512;

/** `common` follows each record's own headers. */
export function measuredBatch(records: readonly OutgoingRecord[], common: RecordHeader | undefined): MeasuredBatch {
  const headers = new Out(records.length * HEADERS_BYTES);
  const headerEnds: number[] = [];
  const sizes: number[] = [];
  let bytes = BATCH_HEADER_BYTES;
  records.forEach(({ key, value, headers: own = {} }, at) => {
    const start = headers.at;
    const names = Object.keys(own);
    headers.reserve(VARINT_BYTES_MAX);
    headers.varint(names.length + (common ? 1 : 0));
    for (const name of names) {
      headers.varintText(name);
      headers.varintText(own[name] ?? '');
    }
    if (common) for (const text of common) headers.varintText(text);
    const size = ATTRIBUTES_AND_DELTA_BYTES + varintBytes(at) + lengthOf(key) + lengthOf(value) + headers.at - start;
    headerEnds.push(headers.at);
    sizes.push(size);
    bytes += varintBytes(size) + size;
  });
  return { records, sizes, headers, headerEnds, bytes };
}

const lengthOf = (bytes: Buffer | null): number => (bytes === null ? 1 : varintBytes(bytes.length) + bytes.length);

export function writeBatch(out: Out, batch: MeasuredBatch, transaction: TransactionIdentity | undefined, timestampMs: bigint): void {
  const { records, sizes, headers, headerEnds, bytes } = batch;
  const start = out.at;
  out.int64(0n); // first offset: the broker's to give
  out.int32(bytes - LENGTH_FROM);
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
  records.forEach(({ key, value }, at) => {
    out.varint(sizes[at] ?? 0);
    out.int8(0); // attributes
    out.varint(0); // timestamp delta
    out.varint(at); // offset delta
    out.varintBytes(key);
    out.varintBytes(value);
    out.copy(headers, headerEnds[at - 1] ?? 0, headerEnds[at] ?? 0);
  });
  out.checksum(crc32c, start + CRC_FROM - 4, start + CRC_FROM);
}
