/** Avro's single-object encoding (Avro 1.11 §"Single-object encoding"): C3 01 ‖ 8-byte little-endian CRC-64-AVRO ‖ body. */
export const HEADER_BYTES = 10;

export type AvroSchema = string | readonly AvroSchema[] | AvroRecordSchema | AvroEnum | AvroArray;
export interface AvroRecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly fields: readonly { readonly name: string; readonly type: AvroSchema }[];
}
export interface AvroEnum {
  readonly type: 'enum';
  readonly name: string;
  readonly namespace?: string;
  readonly symbols: readonly string[];
}
export interface AvroArray {
  readonly type: 'array';
  readonly items: AvroSchema;
}

export function headerOf(schema: AvroSchema): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(0xc301, 0);
  header.writeBigInt64LE(fingerprintOf(schema), 2);
  return header;
}

/** CRC-64-AVRO of the Parsing Canonical Form, as Java's signed long. */
export function fingerprintOf(schema: AvroSchema): bigint {
  return crc64(Buffer.from(canonicalForm(schema)));
}

/** Avro's Parsing Canonical Form: full names; docs, defaults and aliases dropped; members in a fixed order; no white space. */
export function canonicalForm(schema: AvroSchema, namespace = ''): string {
  if (typeof schema === 'string') return JSON.stringify(schema);
  if (isUnion(schema)) return `[${schema.map((branch) => canonicalForm(branch, namespace)).join(',')}]`;
  if (schema.type === 'array') return `{"type":"array","items":${canonicalForm(schema.items, namespace)}}`;
  const space = schema.namespace ?? namespace;
  const name = JSON.stringify(space === '' || schema.name.includes('.') ? schema.name : `${space}.${schema.name}`);
  if (schema.type === 'enum') return `{"name":${name},"type":"enum","symbols":${JSON.stringify(schema.symbols)}}`;
  const fields = schema.fields.map((field) => `{"name":${JSON.stringify(field.name)},"type":${canonicalForm(field.type, space)}}`);
  return `{"name":${name},"type":"record","fields":[${fields.join(',')}]}`;
}

export function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}

const EMPTY = 0xc15d213aa4d7a795n;
const TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? EMPTY : 0n);
  return crc;
});

function crc64(bytes: Uint8Array): bigint {
  let crc = EMPTY;
  for (const byte of bytes) crc = (crc >> 8n) ^ (TABLE[Number((crc ^ BigInt(byte)) & 0xffn)] ?? 0n);
  return BigInt.asIntN(64, crc);
}
