import avro from 'avsc';

import { type AvroRecordSchema, type AvroSchema, fingerprintOf, HEADER_BYTES, headerOf } from './single-object.ts';
import { LONG_MAX, strictCheck, WireError } from './strict.ts';
import { ViewBytes } from './view-bytes.ts';

/** One kind of record on the wire: what this version writes, and everything any version ever wrote, read as the current shape. */
export class AvroRecord<T extends object> {
  /** CRC-64-AVRO of the schema that `encode` writes. */
  readonly fingerprint: bigint;
  readonly #type: avro.Type;
  readonly #header: Buffer;
  readonly #fields: readonly Field[];
  readonly #writers = new Map<bigint, Writer>();

  /** `reads`: whether the bytes in a decoded record are its own, or views of what was decoded. */
  constructor(current: AvroRecordSchema, written: readonly AvroRecordSchema[] = [], reads: 'copies' | 'views' = 'copies') {
    this.fingerprint = fingerprintOf(current);
    this.#type = typeOf(current, reads);
    this.#header = headerOf(current);
    this.#fields = current.fields.map(({ name, type }) => ({ name, form: formOf(type) }));
    for (const schema of [current, ...written]) this.#addWriter(schema);
  }

  /** Throws WireError VALUE for a value that is not of the schema. Undeclared members are dropped: tests call `valid`. */
  encode(value: T): Buffer {
    const { record, size } = this.#toAvro(value);
    const out = Buffer.allocUnsafe(size);
    this.#header.copy(out);
    let end: number;
    try {
      end = this.#type.encode(record, out, HEADER_BYTES);
    } catch (cause) {
      throw new WireError('VALUE', `not a ${this.#type.name ?? 'record'}`, { cause });
    }
    if (end < 0) throw new WireError('VALUE', `size was estimated ${-end} bytes too small`); // a defect, never an input
    return out.subarray(0, end);
  }

  /** Throws WireError on anything but exactly one record, in its one spelling, by a known writer. */
  decode(bytes: Uint8Array): T {
    const buffer = asBuffer(bytes);
    if (buffer.length < HEADER_BYTES || buffer.readUInt16BE(0) !== 0xc301) throw new WireError('HEADER', 'not avro single-object encoding');
    const fingerprint = buffer.readBigInt64LE(2);
    const writer = this.#writers.get(fingerprint);
    if (writer === undefined) throw new WireError('SCHEMA', `unknown schema fingerprint ${fingerprint.toString()}`);
    writer.check(buffer, HEADER_BYTES);
    return this.#fromAvro(this.#type.fromBuffer(buffer.subarray(HEADER_BYTES), writer.resolver) as Members);
  }

  /** Whether the bytes say that they are of this kind, in its current shape. */
  wrote(bytes: Uint8Array): boolean {
    return bytes.length >= HEADER_BYTES && this.#header.equals(bytes.subarray(0, HEADER_BYTES));
  }

  /** The right members, all of them, and no other. */
  valid(value: T): boolean {
    return this.#type.isValid(this.#toAvro(value, { ...(value as Members) }).record, { noUndeclaredFields: true });
  }

  #addWriter(schema: AvroRecordSchema): void {
    const fingerprint = fingerprintOf(schema);
    if (this.#writers.has(fingerprint)) return;
    const check = strictCheck(schema);
    this.#writers.set(
      fingerprint,
      fingerprint === this.fingerprint ? { check } : { check, resolver: this.#type.createResolver(typeOf(schema)) },
    );
  }

  /** avsc takes only Buffers for bytes, and writes lone surrogates as invalid UTF-8. `size` is an upper bound. */
  #toAvro(value: T, record: Members = {}): { record: Members; size: number } {
    let size = HEADER_BYTES;
    for (const { name, form } of this.#fields) {
      const member = (value as Members)[name];
      if (form === 'many' && Array.isArray(member)) {
        const items = (member as unknown[]).map(forAvro);
        for (const item of items) size += sizeMax(item);
        record[name] = items;
        size += 20; // a block count and its end
      } else {
        const item = (record[name] = forAvro(member));
        size += sizeMax(item);
      }
    }
    return { record, size };
  }

  /** A plain object with plain Uint8Arrays: a Buffer has other methods under the same names. */
  #fromAvro(record: Members): T {
    const value: Members = {};
    for (const { name, form } of this.#fields) {
      const member = record[name];
      value[name] = form === 'many' ? (member as unknown[]).map(plain) : plain(member);
    }
    return value as T;
  }
}

interface Writer {
  readonly check: (bytes: Uint8Array, start: number) => void;
  readonly resolver?: ReturnType<avro.Type['createResolver']>;
}
interface Field {
  readonly name: string;
  readonly form: 'one' | 'many';
}
type Members = Record<string, unknown>;

function typeOf(schema: AvroRecordSchema, reads: 'copies' | 'views' = 'copies'): avro.Type {
  const typeHook = (part: unknown): avro.Type | undefined => (part === 'bytes' ? new ViewBytes() : undefined);
  // avsc's declarations want mutable arrays; it does not change them.
  return avro.Type.forSchema(structuredClone(schema) as unknown as Parameters<typeof avro.Type.forSchema>[0], {
    omitRecordMethods: true,
    ...(reads === 'views' ? { typeHook } : {}),
  });
}

function formOf(type: AvroSchema): Field['form'] {
  return typeof type === 'object' && 'type' in type && type.type === 'array' ? 'many' : 'one';
}

/** Bytes on the wire, at most: a UTF-16 unit takes at most 3 bytes of UTF-8; a number, length or branch at most 10. */
function sizeMax(item: unknown): number {
  if (item instanceof Uint8Array) return item.length + 20;
  if (typeof item === 'number' && Math.abs(item) > LONG_MAX) throw new WireError('VALUE', `number is 2^52 or beyond: ${item}`);
  if (typeof item !== 'string') return 10;
  if (!item.isWellFormed()) throw new WireError('VALUE', 'a string has a lone surrogate');
  return item.length * 3 + 10;
}

const forAvro = (item: unknown): unknown => (item instanceof Uint8Array ? asBuffer(item) : item);

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function plain(item: unknown): unknown {
  return Buffer.isBuffer(item) ? new Uint8Array(item.buffer, item.byteOffset, item.length) : item;
}
