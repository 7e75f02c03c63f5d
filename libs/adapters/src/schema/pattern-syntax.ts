/** Reads a regular expression: the syntax of ECMA-262 with the flag u, as far as it describes a regular language. */
import { type CodeSet, codeSet, DIGITS, LAST_CODE_POINT, LINE_ENDS, others, SPACES, WORD } from './code-points.ts';

export type Node =
  | { readonly is: 'set'; readonly set: CodeSet }
  | { readonly is: 'sequence'; readonly parts: readonly Node[] }
  | { readonly is: 'either'; readonly branches: readonly Node[] }
  | { readonly is: 'repeat'; readonly part: Node; readonly min: number; readonly max: number }
  | { readonly is: 'start' }
  | { readonly is: 'end' };

/** A pattern that this engine does not run. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Groups in groups: the reader recurses. */
const GROUPS_MAX = 32;

/** Throws PatternError for what is not a pattern, and for what no automaton can do: looking around, looking back. */
export function parsePattern(text: string): Node {
  try {
    new RegExp(text, 'u'); // whether it is one at all: what follows reads only sound ones
  } catch (error) {
    throw new PatternError(error instanceof Error ? error.message : 'not a pattern');
  }
  const reader = new Reader(text);
  const node = alternatives(reader, 0);
  if (!reader.isOver) throw new PatternError(`unexpected ${reader.peek()}`);
  return node;
}

/** By code points. */
class Reader {
  readonly #points: readonly string[];
  #at = 0;
  constructor(text: string) {
    this.#points = Array.from(text);
  }
  get isOver(): boolean {
    return this.#at >= this.#points.length;
  }
  peek(ahead = 0): string {
    return this.#points[this.#at + ahead] ?? '';
  }
  next(): string {
    return this.#points[this.#at++] ?? '';
  }
  takes(text: string): boolean {
    const isNext = Array.from(text).every((point, ahead) => this.peek(ahead) === point);
    if (isNext) this.#at += text.length;
    return isNext;
  }
  /** As long as they are in `alphabet`. */
  run(alphabet: string, max = Infinity): string {
    let found = '';
    while (found.length < max && !this.isOver && alphabet.includes(this.peek())) found += this.next();
    return found;
  }
}

function alternatives(reader: Reader, depth: number): Node {
  if (depth > GROUPS_MAX) throw new PatternError(`groups nested more than ${GROUPS_MAX} levels`);
  const branches = [sequence(reader, depth)];
  while (reader.takes('|')) branches.push(sequence(reader, depth));
  return branches.length === 1 && branches[0] ? branches[0] : { is: 'either', branches };
}

function sequence(reader: Reader, depth: number): Node {
  const parts: Node[] = [];
  while (!reader.isOver && reader.peek() !== '|' && reader.peek() !== ')') parts.push(repeated(reader, term(reader, depth)));
  return { is: 'sequence', parts };
}

function repeated(reader: Reader, part: Node): Node {
  const counts = quantifier(reader);
  if (!counts) return part;
  reader.takes('?'); // which match is found first does not matter, only whether there is one
  return { is: 'repeat', part, ...counts };
}

function quantifier(reader: Reader): { min: number; max: number } | undefined {
  if (reader.takes('*')) return { min: 0, max: Infinity };
  if (reader.takes('+')) return { min: 1, max: Infinity };
  if (reader.takes('?')) return { min: 0, max: 1 };
  if (!reader.takes('{')) return undefined;
  const min = Number(reader.run('0123456789'));
  const max = reader.takes(',') ? Number(reader.run('0123456789') || Infinity) : min;
  reader.takes('}');
  return { min, max };
}

function term(reader: Reader, depth: number): Node {
  const point = reader.next();
  if (point === '^') return { is: 'start' };
  if (point === '$') return { is: 'end' };
  if (point === '.') return { is: 'set', set: others(LINE_ENDS) };
  if (point === '[') return { is: 'set', set: characterClass(reader) };
  if (point === '(') return group(reader, depth);
  if (point === '\\') return { is: 'set', set: escaped(reader) };
  return { is: 'set', set: only(point) };
}

function group(reader: Reader, depth: number): Node {
  if (reader.takes('?<') && reader.peek() !== '=' && reader.peek() !== '!') {
    while (reader.next() !== '>'); // its name
  } else if (!reader.takes('?:') && (reader.peek() === '?' || reader.peek() === '=' || reader.peek() === '!')) {
    throw new PatternError('it looks ahead or behind, or sets flags');
  }
  const inside = alternatives(reader, depth + 1);
  reader.takes(')');
  return inside;
}

function characterClass(reader: Reader): CodeSet {
  const isNegated = reader.takes('^');
  const ranges: (readonly [number, number])[] = [];
  while (!reader.takes(']')) {
    const from = classMember(reader);
    if (reader.peek() === '-' && reader.peek(1) !== ']' && isOne(from)) {
      reader.next();
      const to = classMember(reader);
      ranges.push([from[0][0], (to[0] ?? [0, 0])[1]]);
    } else ranges.push(...from);
  }
  const set = codeSet(ranges);
  return isNegated ? others(set) : set;
}

const isOne = (set: CodeSet): set is readonly [readonly [number, number]] => set.length === 1 && set[0]?.[0] === set[0]?.[1];

function classMember(reader: Reader): CodeSet {
  if (!reader.takes('\\')) return only(reader.next());
  return reader.takes('b') ? [[8, 8]] : escaped(reader); // in a class, a backspace
}

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 };
const SETS: Readonly<Record<string, CodeSet>> = { d: DIGITS, w: WORD, s: SPACES, D: others(DIGITS), W: others(WORD), S: others(SPACES) };
const HEX = '0123456789abcdefABCDEF';

/** What follows a backslash. */
function escaped(reader: Reader): CodeSet {
  const point = reader.next();
  const set = SETS[point];
  if (set) return set;
  const control = CONTROLS[point];
  if (control !== undefined) return one(control);
  if (point === 'x') return one(parseInt(reader.run(HEX, 2), 16));
  if (point === 'u') return one(unicode(reader));
  if (point === 'c') return one((reader.next().codePointAt(0) ?? 0) % 32);
  if (/[bBkpP1-9]/.test(point)) throw new PatternError(`\\${point} is not supported`);
  return only(point);
}

function unicode(reader: Reader): number {
  if (reader.takes('{')) {
    const value = parseInt(reader.run(HEX), 16);
    reader.takes('}');
    return value;
  }
  const lead = parseInt(reader.run(HEX, 4), 16);
  const isPair = lead >= 0xd800 && lead <= 0xdbff && reader.peek() === '\\' && reader.peek(1) === 'u' && /^[dD]$/.test(reader.peek(2));
  if (!isPair || !/^[c-fC-F]$/.test(reader.peek(3))) return lead;
  reader.takes('\\u');
  return (lead - 0xd800) * 0x400 + (parseInt(reader.run(HEX, 4), 16) - 0xdc00) + 0x10000;
}

const one = (code: number): CodeSet => [[Math.min(code, LAST_CODE_POINT), Math.min(code, LAST_CODE_POINT)]];
const only = (point: string): CodeSet => one(point.codePointAt(0) ?? 0);
