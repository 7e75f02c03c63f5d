/**
 * Whether bytes are canonical JSON, seen in one pass and without a value: what nearly every text that machines sign is. It only ever says yes
 * to what is; a text with escapes, fractions or keys beyond ASCII gets no, and the slow way decides.
 */
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Numbers of so many digits are below 2^53: JavaScript writes them as they came. */
const DIGITS_MAX = 15;
/** Levels; a text with more goes the slow way. */
const DEPTH_MAX = 64;
// Of each open level: 1 for an object, and where the key before lies, which ends at 0 before the first. One for all, as this is synchronous.
const isObject = new Uint8Array(DEPTH_MAX + 1);
const keyFrom = new Int32Array(DEPTH_MAX + 1);
const keyTo = new Int32Array(DEPTH_MAX + 1);

/** `bytes` must have been parsed as JSON already: their syntax is believed. `depthMax` counts levels of arrays and objects. */
export function isPlainlyCanonical(bytes: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  let isKeyNext = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      const from = at + 1;
      const to = endOfText(bytes, from, isKeyNext);
      if (to < 0) return false;
      if (isKeyNext) {
        if (!isAfter(bytes, keyFrom[depth] ?? 0, keyTo[depth] ?? 0, from, to)) return false;
        keyFrom[depth] = from;
        keyTo[depth] = to;
        isKeyNext = false;
      }
      at = to;
    } else if (byte === COMMA) isKeyNext = isObject[depth] === 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > depthMax || depth > DEPTH_MAX) return false;
      isKeyNext = byte === OPEN_OBJECT;
      isObject[depth] = isKeyNext ? 1 : 0;
      keyTo[depth] = 0;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      isKeyNext = false;
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const to = endOfInteger(bytes, at);
      if (to < 0) return false;
      at = to - 1;
    } else if (byte !== COLON && !(byte >= 0x61 && byte <= 0x7a)) return false; // a letter is of true, false or null; anything else is space
  }
  return true;
}

/** Where the text that begins at `from` ends; -1 when it holds an escape, or as a key anything beyond ASCII. */
function endOfText(bytes: Uint8Array, from: number, isKey: boolean): number {
  let seen = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return isKey && seen > 0x7f ? -1 : at;
    if (byte === BACKSLASH) return -1;
    seen |= byte;
  }
  return -1;
}

/** Whether the second key comes after the first. Every key comes after none, whose end is 0. */
function isAfter(bytes: Uint8Array, from: number, to: number, nextFrom: number, nextTo: number): boolean {
  if (to === 0) return true;
  let at = from;
  let next = nextFrom;
  while (at < to && next < nextTo && bytes[at] === bytes[next]) {
    at++;
    next++;
  }
  if (next === nextTo) return false; // the same, or a beginning of it
  return at === to || (bytes[at] ?? 0) < (bytes[next] ?? 0);
}

/** The byte behind the integer at `from`; -1 for one that JavaScript writes otherwise, or may. */
function endOfInteger(bytes: Uint8Array, from: number): number {
  const isNegative = bytes[from] === MINUS;
  const first = isNegative ? from + 1 : from;
  let at = first;
  while (at < bytes.length && (bytes[at] ?? 0) >= ZERO && (bytes[at] ?? 0) <= NINE) at++;
  const byte = bytes[at];
  if (at - first > DIGITS_MAX || byte === 0x2e || byte === 0x65 || byte === 0x45) return -1; // . e E
  return isNegative && bytes[first] === ZERO ? -1 : at; // -0 is written 0
}
