/** Canonical JSON, RFC 8785: one spelling per value, keys in the order of their UTF-16 code units. */
import { fromUtf8, utf8 } from './bytes.ts';
import { isPlainlyCanonical } from './canonical-scan.ts';
import { FormatError } from './errors.ts';
import { firstNumberFault, NUMBER_FAULTS, type NumberFault } from './exact-number.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export class CanonicalJsonError extends FormatError<
  'UTF8' | 'SYNTAX' | 'NOT_CANONICAL' | 'DUPLICATE_KEY' | 'LONE_SURROGATE' | 'NOT_FINITE' | 'NUMBER' | 'NOT_JSON' | 'DEPTH'
> {
  /** Of NOT_FINITE and NUMBER: in which way the number would become another one. */
  readonly fault: NumberFault | undefined;

  constructor(code: CanonicalJsonError['code'], message: string, options?: ErrorOptions & { readonly fault?: NumberFault }) {
    super(code, message, options);
    this.fault = options?.fault;
  }
}

/** A number in a text that would come back with another value. */
export const numberError = (fault: NumberFault): CanonicalJsonError =>
  new CanonicalJsonError(fault === 'TOO_LARGE' ? 'NOT_FINITE' : 'NUMBER', `json: ${NUMBER_FAULTS[fault]}`, { fault });

/** Levels of arrays and objects, unless the caller says otherwise: twice what a payload may have. */
export const JSON_DEPTH_MAX = 64;

/** Throws on what JSON cannot carry (undefined, functions, class instances), never drops or repairs it. */
export function canonicalize(value: unknown, opts: { maxDepth?: number } = {}): string {
  const maxDepth = opts.maxDepth ?? JSON_DEPTH_MAX;
  if (isInCanonicalOrder(value, maxDepth)) {
    const text = JSON.stringify(value);
    if (!text.includes('\\ud')) return text; // an escape of a lone surrogate; the slow way tells it from the same six characters as text
  }
  return write(value, maxDepth);
}

/** Whether native stringify writes exactly what `write` would: plain, finite and sorted all the way down. */
function isInCanonicalOrder(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth <= 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    if (prototype !== Array.prototype || 'toJSON' in value) return false;
    return !value.some((item) => !isInCanonicalOrder(item, depth - 1)) && !value.includes(undefined); // some() passes over holes
  }
  if ((prototype !== Object.prototype && prototype !== null) || typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  let previous: string | undefined;
  for (const key of Object.keys(value)) {
    if (previous !== undefined && previous >= key) return false;
    if (!isInCanonicalOrder((value as Record<string, unknown>)[key], depth - 1)) return false;
    previous = key;
  }
  return true;
}

export function canonicalBytes(value: unknown, opts: { maxDepth?: number } = {}): Uint8Array {
  return utf8(canonicalize(value, opts));
}

/** Accepts exactly the bytes that canonicalBytes would write for the value they hold. */
export function parseCanonical(bytes: Uint8Array, opts: { maxDepth: number }): Json {
  const text = decode(bytes);
  const value = parse(text);
  if (!isPlainlyCanonical(bytes, opts.maxDepth) && canonicalize(value, opts) !== text) {
    const fault = firstNumberFault(text);
    throw fault ? numberError(fault) : new CanonicalJsonError('NOT_CANONICAL', 'json is not in canonical form');
  }
  return value;
}

/** Only integers within ±(2^53 − 1): what entries and envelopes may hold, so that no reader rounds. */
export function isIntegerSafeDeep(value: unknown): boolean {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === 'number' && !Number.isSafeInteger(next)) return false;
    if (typeof next === 'object' && next !== null) for (const member of Object.values(next)) pending.push(member);
  }
  return true;
}

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CanonicalJsonError('NOT_FINITE', `not a finite number: ${value}`);
    return JSON.stringify(value);
  }
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value !== 'object') throw new CanonicalJsonError('NOT_JSON', `json has no ${typeof value}`);
  if (depth <= 0) throw new CanonicalJsonError('DEPTH', 'json is nested too deeply');
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
}

function writeArray(items: unknown[], depth: number): string {
  let text = '';
  for (const item of items) text += (text === '' ? '' : ',') + write(item, depth - 1); // a hole is undefined: refused
  return `[${text}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw new CanonicalJsonError('NOT_JSON', 'json has only plain objects');
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw new CanonicalJsonError('NOT_JSON', 'json has no symbol keys');
  let text = '';
  for (const key of Object.keys(value).sort()) {
    text += `${text === '' ? '' : ','}${quote(key)}:${write((value as Record<string, unknown>)[key], depth - 1)}`;
  }
  return `{${text}}`;
}

/** ECMAScript's own escapes are those of RFC 8785 §3.2.2.2. */
function quote(text: string): string {
  if (!text.isWellFormed()) throw new CanonicalJsonError('LONE_SURROGATE', 'json string has a lone surrogate');
  return JSON.stringify(text);
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new CanonicalJsonError('UTF8', 'json is not valid utf-8', { cause });
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new CanonicalJsonError('SYNTAX', 'not json', { cause });
  }
}
