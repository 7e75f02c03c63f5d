import { gunzipSync } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { DamagedBatch, type KafkaFault, UnreadableBatch, messageOf } from './errors.ts';
import { isAbortMarker } from './patch.ts';

export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Unit ms since 1970: append time or create time, as the topic is set. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, string>;
}

export interface DecodedPartition {
  readonly records: KafkaRecord[];
  readonly nextOffset: bigint;
  readonly error?: KafkaFault;
}

interface Aborted {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** A 1 MiB gzip bomb holds 200 MB; the largest honest batch is the ledger's 16 MiB. */
const DECOMPRESSED_BYTES_MAX = 32 * 1024 * 1024;
/**
 * What the packed batches of one answer may come to, so that many small bombs are no large one: the rest is fetched again. One batch more than this is
 * in memory at most.
 */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of a record batch up to and with its record count (Kafka message format 2). */
const HEADER_BYTES = 61;
/** Bytes up to and with its length, which counts what follows. */
const LENGTH_END = 12;
/** Its checksum, four bytes, covers all that follows them. */
const CRC_AT = 17;

/**
 * The committed records of one partition of a fetch answer, from `from` on. Batches come in offset order; an aborted transaction covers its
 * producer's batches from its first offset to its abort marker. `nextOffset` lies past control records, aborted records and holes.
 * A batch that cannot be decoded, is not what its producer or broker summed, or is not after the one before, ends the list with an error: it is
 * never skipped in silence.
 */
export function decodeRecordSet(
  bytes: Buffer,
  at: { topic: string; partition: number; from: bigint; aborted: Aborted[] },
): DecodedPartition {
  const waiting = at.aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  const records: KafkaRecord[] = [];
  let nextOffset = at.from;
  const unreadable = (first: bigint, last: bigint, why: string, cause?: unknown): DecodedPartition => {
    const where = { topic: at.topic, partition: at.partition, firstOffset: first, lastOffset: last };
    return { records, nextOffset, error: new UnreadableBatch(where, why, cause) };
  };
  let unpackedBytes = 0;
  let before = -1n; // last offset of the batch before
  for (let start = 0; start + HEADER_BYTES <= bytes.length;) {
    const length = bytes.readInt32BE(start + LENGTH_END - 4);
    if (length < HEADER_BYTES - LENGTH_END) return unreadable(nextOffset, nextOffset, `a batch says that it has ${length} bytes`);
    const end = start + LENGTH_END + length;
    if (end > bytes.length) break; // the broker cuts the last batch at the byte limit; the next fetch brings it whole
    const batch = readBatch(bytes.subarray(start, end));
    start = end;
    if (batch.magic !== 2) return unreadable(nextOffset, nextOffset, `message format 2 expected, ${batch.magic} found`);
    // Also of a batch that we leave out: it is by its own word that we do.
    if (crc32c(batch.summed) !== batch.crc) return { records, nextOffset, error: new DamagedBatch(at.topic, at.partition, nextOffset) };
    if (batch.firstOffset <= before || batch.lastOffset < batch.firstOffset) {
      return unreadable(nextOffset, nextOffset, `a batch of offsets ${batch.firstOffset} to ${batch.lastOffset} after ${before}`);
    }
    before = batch.lastOffset;
    if (batch.lastOffset < at.from) continue;
    if (unpackedBytes >= UNPACKED_BYTES_MAX) break; // the next fetch begins here
    for (let first = waiting[0]; first && first.firstOffset <= batch.lastOffset; first = waiting[0]) {
      aborting.add(first.producerId);
      waiting.shift();
    }
    try {
      if (batch.isControl) {
        const marker = decodeRecords(batch, at)[0];
        if (marker && isAbortMarker(marker.key)) aborting.delete(batch.producerId);
      } else if (!(batch.isTransactional && aborting.has(batch.producerId))) {
        const payload = unpacked(batch);
        if (batch.codec !== 0) unpackedBytes += payload.length;
        for (const record of decodeRecords(batch, at, payload)) if (record.offset >= at.from) records.push(record);
      }
    } catch (error) {
      return unreadable(batch.firstOffset, batch.lastOffset, messageOf(error), error);
    }
    nextOffset = batch.lastOffset + 1n;
  }
  return { records, nextOffset };
}

interface Batch {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly magic: number;
  readonly codec: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly isAppendTime: boolean;
  readonly firstTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: bigint;
  readonly count: number;
  readonly crc: number;
  readonly summed: Buffer;
  readonly payload: Buffer;
}

function readBatch(bytes: Buffer): Batch {
  const attributes = bytes.readInt16BE(21);
  const firstOffset = bytes.readBigInt64BE(0);
  return {
    firstOffset,
    lastOffset: firstOffset + BigInt(bytes.readInt32BE(23)),
    magic: bytes.readInt8(16),
    codec: attributes & 0x07,
    isAppendTime: (attributes & 0x08) !== 0,
    isTransactional: (attributes & 0x10) !== 0,
    isControl: (attributes & 0x20) !== 0,
    firstTimestampMs: Number(bytes.readBigInt64BE(27)),
    maxTimestampMs: Number(bytes.readBigInt64BE(35)),
    producerId: bytes.readBigInt64BE(43),
    count: bytes.readInt32BE(57),
    crc: bytes.readUInt32BE(CRC_AT),
    summed: bytes.subarray(CRC_AT + 4),
    payload: bytes.subarray(HEADER_BYTES),
  };
}

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

function decodeRecords(batch: Batch, { topic, partition }: { topic: string; partition: number }, payload = unpacked(batch)): KafkaRecord[] {
  const reader = new Reader(payload);
  const records: KafkaRecord[] = [];
  for (let index = 0; index < batch.count; index++) {
    const length = reader.varint();
    const end = reader.position + length;
    reader.skip(1); // attributes: unused
    const timestampDelta = reader.varlong();
    const offsetDelta = reader.varint();
    const key = reader.bytes();
    const value = reader.bytes();
    const headers: Record<string, string> = {};
    for (let left = reader.varint(); left > 0; left--) setOwn(headers, reader.name(left), reader.text());
    if (reader.position !== end) throw new Error(`record ${index} has another length than it says`);
    const offset = batch.firstOffset + BigInt(offsetDelta);
    if (offset <= (records.at(-1)?.offset ?? batch.firstOffset - 1n) || offset > batch.lastOffset) {
      throw new Error(`record ${index} has offset ${offset}, which is out of order or of its batch`);
    }
    records.push({
      topic,
      partition,
      offset,
      timestampMs: batch.isAppendTime ? batch.maxTimestampMs : batch.firstTimestampMs + timestampDelta,
      key,
      value,
      headers,
    });
  }
  return records;
}

/** Also of a name that would otherwise change what the object is. */
function setOwn(headers: Record<string, string>, name: string, value: string): void {
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}

function unpacked({ codec, payload }: Batch): Buffer {
  if (codec === 0) return payload;
  if (codec === 1) return gunzipSync(payload, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
  throw new Error(`codec none or gzip expected, ${CODECS[codec] ?? codec} found`);
}

/** Zigzag varints and length-prefixed bytes; every read is checked against the end. */
class Reader {
  position = 0;
  readonly #bytes: Buffer;
  readonly #names: Name[] = [];
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  skip(count: number): void {
    this.position += count;
  }
  varint(): number {
    const value = this.varlong();
    if (value < -0x8000_0000 || value > 0x7fff_ffff) throw new Error('a varint exceeds 32 bits');
    return value;
  }
  /** Exact up to 2^53, which every honest time stamp delta is. */
  varlong(): number {
    let unsigned = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#bytes[this.position++];
      if (byte === undefined || shift > 2 ** 63) throw new Error('a varint runs past its end');
      unsigned += (byte & 0x7f) * shift;
      if (byte < 0x80) break;
    }
    return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
  }
  /** A copy would double the memory; a view keeps the fetch answer alive as long as one record of it. */
  bytes(): Buffer | null {
    const start = this.#field();
    return start < 0 ? null : this.#bytes.subarray(start, this.position);
  }
  /** '' for none. */
  text(): string {
    const start = this.#field();
    return start < 0 ? '' : this.#bytes.toString('utf8', start, this.position);
  }
  /** A text that mostly is the one that came before as the `nth`: to see that costs a fifth of making it again. */
  name(nth: number): string {
    const start = this.#field();
    if (start < 0) return '';
    const known = this.#names[nth];
    if (known && this.#isAgain(known, start)) return known.name;
    const name = this.#bytes.toString('utf8', start, this.position);
    this.#names[nth] = { name, start, end: this.position };
    return name;
  }
  #isAgain({ start, end }: Name, from: number): boolean {
    if (end - start !== this.position - from) return false;
    for (let at = start; at < end; at++) if (this.#bytes[at] !== this.#bytes[from + at - start]) return false;
    return true;
  }
  /** Moves over one and returns where it starts; −1: there is none. */
  #field(): number {
    const length = this.varint();
    if (length < 0) return -1;
    const start = this.position;
    this.position += length;
    if (this.position > this.#bytes.length) throw new Error('a field runs past the end of its batch');
    return start;
  }
}

interface Name {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}
