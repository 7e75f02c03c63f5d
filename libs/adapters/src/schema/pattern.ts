import { DEAD, MATCHED, type Table, tableOf } from './automaton.ts';
import { parsePattern } from './pattern-syntax.ts';

/** Patterns of a few bundles; a bundle's own stay with its validators. */
const KEPT_MAX = 1024;

/** A pattern as a table: each character of a text costs one look-up, whatever the pattern and whatever the text. */
export class Pattern {
  readonly #table: Table;
  /** Kind of each ASCII character. */
  readonly #ascii: Uint8Array;

  /** Throws PatternError. */
  constructor(readonly text: string) {
    this.#table = tableOf(parsePattern(text));
    this.#ascii = Uint8Array.from({ length: 128 }, (_, code) => this.#kindOf(code));
  }

  /** Cells of its table: what it holds in memory, two bytes each. */
  get cells(): number {
    return this.#table.next.length;
  }

  test(text: string): boolean {
    return this.read(text).matches;
  }

  /** The answer, and how many code points it took to know it. */
  read(text: string): { readonly matches: boolean; readonly read: number } {
    const { start, next, kinds, ends } = this.#table;
    const ascii = this.#ascii;
    let state = start;
    let read = 0;
    for (let at = 0; at < text.length && state > MATCHED; at += 1, read += 1) {
      const unit = text.charCodeAt(at);
      let kind = unit < 128 ? ascii[unit] : undefined;
      if (kind === undefined) {
        const code = text.codePointAt(at) ?? 0;
        if (code > 0xffff) at += 1;
        kind = this.#kindOf(code);
      }
      state = next[state * kinds + kind] ?? DEAD;
    }
    return { matches: state === MATCHED || ends[state] === 1, read };
  }

  /** ajv tells patterns apart by it. */
  toString(): string {
    return this.text;
  }

  /** The last cut at or before it: at most eight halvings for the 255 kinds that a pattern may tell apart, a few more for their pieces. */
  #kindOf(code: number): number {
    const { cuts, kindAt } = this.#table;
    let low = 0;
    for (let high = cuts.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if ((cuts[middle] ?? 0) <= code) low = middle;
      else high = middle - 1;
    }
    return kindAt[low] ?? 0;
  }
}

const kept = new Map<string, Pattern>();

/** The same pattern is in many schemas of a bundle: its table is made once. Throws PatternError. */
export function patternOf(text: string): Pattern {
  const known = kept.get(text);
  if (known) return known;
  const pattern = new Pattern(text);
  if (kept.size >= KEPT_MAX) kept.clear();
  kept.set(text, pattern);
  return pattern;
}
