import type { Json } from '../formats/canonical-json.ts';

const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;

export function isPointer(text: string): boolean {
  return POINTER.test(text);
}

/** The value at a JSON Pointer (RFC 6901), through own members only; undefined where nothing is. */
export function atPointer(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const token of tokensOf(pointer)) value = step(value, token);
  return value;
}

export const isIndex = (token: string): boolean => /^(?:0|[1-9][0-9]{0,8})$/.test(token);

/** Names and indices, unescaped. */
export const tokensOf = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

function step(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return isIndex(token) ? value[Number(token)] : undefined;
  return typeof value === 'object' && value !== null ? own(value, token) : undefined;
}

/** Stands for every element of a list, and every member of an object. */
export const EVERY = '*';

/** Every value at a pointer of format 2; none where nothing is. */
export function everyAt(document: Json, pointer: string): readonly Json[] {
  let values: readonly Json[] = [document];
  for (const token of tokensOf(pointer)) {
    values = values.flatMap((value) => {
      if (token === EVERY) return typeof value === 'object' && value !== null ? Object.values(value) : [];
      const found = step(value, token);
      return found === undefined ? [] : [found];
    });
  }
  return values;
}

/** Whether a parameter names this id. An integer is its decimal text: canonical JSON has one spelling for it. In format 1 only texts name anything. */
export function isIdOf(value: Json | undefined, id: string, format: 1 | 2): boolean {
  return value === id || (format > 1 && typeof value === 'number' && Number.isSafeInteger(value) && String(value) === id);
}

/** A member of its own, never one of Object.prototype: names come from outside. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
