/** Sets of Unicode code points, as sorted ranges that neither touch nor overlap. */
export type CodeSet = readonly (readonly [from: number, to: number])[];

export const LAST_CODE_POINT = 0x10ffff;

export function codeSet(ranges: CodeSet): CodeSet {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = joined.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** Every code point that is not in it. */
export function others(set: CodeSet): CodeSet {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST_CODE_POINT) rest.push([next, LAST_CODE_POINT]);
  return rest;
}

const range = (from: string, to = from): readonly [number, number] => [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0];

/** ECMA-262 §22.2.1: CharacterClassEscape, without the case-folding that only the flag i brings. */
export const DIGITS = codeSet([range('0', '9')]);
export const WORD = codeSet([range('0', '9'), range('A', 'Z'), range('_'), range('a', 'z')]);
/** WhiteSpace and LineTerminator. */
export const SPACES = codeSet([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
export const LINE_ENDS = codeSet([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);
