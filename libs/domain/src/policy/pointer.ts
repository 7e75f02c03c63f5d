import type { Json } from '../formats/canonical-json.ts';

const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;

export function isPointer(text: string): boolean {
  return POINTER.test(text);
}

/** The value at a JSON Pointer (RFC 6901), through own members only; undefined where nothing is. */
export function atPointer(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value)) value = /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? value[Number(name)] : undefined;
    else value = typeof value === 'object' && value !== null ? own(value, name) : undefined;
  }
  return value;
}

/** A member of its own, never one of Object.prototype: names come from outside. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
