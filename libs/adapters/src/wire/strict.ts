/**
 * Checks that bytes are the one spelling of a value of a schema, before avsc decodes them. avsc alone repairs invalid UTF-8,
 * takes long spellings of numbers, and allocates as many array items as a record claims to have (avsc 5.7.9, lib/types.js).
 */
import { isUtf8 } from 'node:buffer';

import { type AvroSchema, isUnion } from './single-object.ts';

export type WireFault = 'HEADER' | 'SCHEMA' | 'TRUNCATED' | 'TRAILING' | 'NUMBER' | 'UTF8' | 'BRANCH' | 'BLOCK' | 'VALUE';

/** Bytes that are not exactly one record of the expected kind. */
export class WireError extends Error {
  readonly code: WireFault;

  constructor(code: WireFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WireError';
    this.code = code;
  }
}

/** Throws WireError unless `bytes` from `start` to the end are exactly one value. Allocates nothing that grows with a claimed length. */
export function strictCheck(schema: AvroSchema): (bytes: Uint8Array, start: number) => void {
  const walk = walker(schema);
  return (bytes, start) => {
    const cursor = new Cursor(bytes, start);
    walk(cursor);
    if (cursor.at !== bytes.length) throw new WireError('TRAILING', `${bytes.length - cursor.at} bytes after the record`);
  };
}

type Walk = (cursor: Cursor) => void;

/** Arithmetic on doubles is exact up to here: the zig-zag form is twice the value, and 2^53 is also what 2^53 + 1 rounds to. */
export const LONG_MAX = 2 ** 52 - 1;

class Cursor {
  at: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.at = start;
  }

  /** Zig-zag varint in its shortest spelling, within ±LONG_MAX. */
  long(): number {
    let value = 0;
    let scale = 1;
    for (let length = 1; ; length++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new WireError('TRUNCATED', 'record ends within a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && length > 1) throw new WireError('NUMBER', 'number is not in its shortest form');
        break;
      }
      if (length === 8) throw new WireError('NUMBER', 'number is 2^52 or beyond'); // 8 × 7 bits hold every safe one
      scale *= 128;
    }
    const long = value % 2 === 0 ? value / 2 : -(value + 1) / 2; // from 2^53 the sum may be rounded, but then it is refused
    if (Math.abs(long) > LONG_MAX) throw new WireError('NUMBER', 'number is 2^52 or beyond');
    return long;
  }

  /** Moves over a length-prefixed run of bytes and returns where it starts. */
  run(): number {
    const length = this.long();
    if (length < 0 || length > this.bytes.length - this.at) throw new WireError('TRUNCATED', `length ${length} is beyond the record`);
    const start = this.at;
    this.at += length;
    return start;
  }
}

function walker(schema: AvroSchema): Walk {
  if (typeof schema === 'string') return primitive(schema);
  if (isUnion(schema)) return choice(schema.map(walker));
  if (schema.type === 'record') return sequence(schema.fields.map((field) => walker(field.type)));
  if (schema.type === 'enum') return index(schema.symbols.length);
  return block(walker(schema.items));
}

function primitive(name: string): Walk {
  switch (name) {
    case 'null':
      return () => undefined;
    case 'long':
      return (cursor) => void cursor.long();
    case 'int':
      return (cursor) => {
        const value = cursor.long();
        if (value !== (value | 0)) throw new WireError('NUMBER', `${value} is not a 32-bit integer`);
      };
    case 'bytes':
      return (cursor) => void cursor.run();
    case 'string':
      return (cursor) => {
        const start = cursor.run();
        if (!isUtf8(cursor.bytes.subarray(start, cursor.at))) throw new WireError('UTF8', 'a string is not valid utf-8');
      };
    default:
      throw new TypeError(`schema type ${name} is not used here: maps have no order, floats no single spelling`);
  }
}

function sequence(walks: readonly Walk[]): Walk {
  return (cursor) => {
    for (const walk of walks) walk(cursor);
  };
}

function index(count: number): Walk {
  return (cursor) => {
    const value = cursor.long();
    if (value < 0 || value >= count) throw new WireError('BRANCH', `index ${value} is not below ${count}`);
  };
}

function choice(walks: readonly Walk[]): Walk {
  return (cursor) => {
    const branch = cursor.long();
    const walk = walks[branch];
    if (walk === undefined) throw new WireError('BRANCH', `union has no branch ${branch}`);
    walk(cursor);
  };
}

/** One block of items, then the empty block: the spelling avsc writes. Every item takes at least a byte, so a false count ends soon. */
function block(item: Walk): Walk {
  return (cursor) => {
    const count = cursor.long();
    if (count < 0) throw new WireError('BLOCK', 'a block with a size: not the spelling avsc writes');
    for (let at = 0; at < count; at++) item(cursor);
    if (count > 0 && cursor.long() !== 0) throw new WireError('BLOCK', 'items in more than one block');
  };
}
