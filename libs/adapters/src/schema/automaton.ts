/** From a pattern to a table with one look-up for each character: Thompson's construction, then Rabin and Scott's subsets. */
import { type CodeSet, LAST_CODE_POINT } from './code-points.ts';
import { type Node, PatternError } from './pattern-syntax.ts';

/** Of the first automaton: counted repetitions are written out. */
const STEPS_MAX = 4096;
/** Of the second. A pattern within these bounds is one that its writer can still explain. */
export const STATES_MAX = 2048;
/** Cells of its table, two bytes each. */
export const CELLS_MAX = 65_536;
/** Members of all subsets together: some 50 ms of work, once for each bundle. */
const WORK_MAX = 2_000_000;

/** Nothing can match any more; everything matches from here on. */
export const DEAD = 0;
export const MATCHED = 1;

export interface Table {
  readonly start: number;
  /** Row for each state, column for each kind of character. */
  readonly next: Uint16Array;
  readonly kinds: number;
  /** Kind of a code point: those at `cuts[i]` and up to the next cut have `kindAt[i]`. */
  readonly cuts: Uint32Array;
  readonly kindAt: Uint8Array;
  /** 1: the text may end here. */
  readonly ends: Uint8Array;
}

/** An edge on a set of code points, or one that is free, everywhere or at one end of the text. */
type Edge = { readonly on: number; readonly to: number } | { readonly free: 'always' | 'start' | 'end'; readonly to: number };

class Steps {
  readonly edges: Edge[][] = [];
  readonly sets: CodeSet[] = [];

  #built = 0;

  /** Also for parts that need no step: an empty group may be repeated as often as one likes. */
  count(): void {
    if ((this.#built += 1) > 4 * STEPS_MAX) throw new PatternError(`it needs more than ${STEPS_MAX} steps`);
  }
  add(): number {
    if (this.edges.length >= STEPS_MAX) throw new PatternError(`it needs more than ${STEPS_MAX} steps`);
    return this.edges.push([]) - 1;
  }
  link(from: number, edge: Edge): void {
    this.edges[from]?.push(edge);
  }
  setOf(set: CodeSet): number {
    const known = this.sets.findIndex((other) => JSON.stringify(other) === JSON.stringify(set));
    return known >= 0 ? known : this.sets.push(set) - 1;
  }
}

/** Throws PatternError when the tables would be larger than their bounds. */
export function tableOf(pattern: Node): Table {
  const steps = new Steps();
  const first = steps.add();
  // Found anywhere in the text, as JSON Schema says: any character may come before.
  steps.link(first, { on: steps.setOf([[0, LAST_CODE_POINT]]), to: first });
  const last = build(steps, pattern, first);
  const { cuts, kindAt, members } = alphabetOf(steps.sets);
  return { ...subsets(steps, { first, last, members }), cuts, kindAt, kinds: members.length };
}

/** Adds what matches `node` after `from`; returns where it ends. */
function build(steps: Steps, node: Node, from: number): number {
  steps.count();
  if (node.is === 'sequence') return node.parts.reduce((at, part) => build(steps, part, at), from);
  if (node.is === 'repeat') return repeat(steps, node, from);
  const to = steps.add();
  if (node.is === 'set') steps.link(from, { on: steps.setOf(node.set), to });
  else if (node.is === 'either') for (const branch of node.branches) steps.link(build(steps, branch, from), { free: 'always', to });
  else steps.link(from, { free: node.is, to });
  return to;
}

function repeat(steps: Steps, { part, min, max }: Extract<Node, { is: 'repeat' }>, from: number): number {
  let at = from;
  for (let count = 0; count < min; count += 1) at = build(steps, part, at);
  if (max === Infinity) {
    const loop = steps.add();
    steps.link(at, { free: 'always', to: loop });
    steps.link(build(steps, part, loop), { free: 'always', to: loop });
    return loop;
  }
  const end = steps.add();
  for (let count = min; count < max; count += 1) {
    steps.link(at, { free: 'always', to: end });
    at = build(steps, part, at);
  }
  steps.link(at, { free: 'always', to: end });
  return end;
}

interface Alphabet {
  readonly cuts: Uint32Array;
  readonly kindAt: Uint8Array;
  /** For each kind the numbers of the sets that it is in. */
  readonly members: readonly ReadonlySet<number>[];
}

/** Characters that are in the same sets are of one kind. */
function alphabetOf(sets: readonly CodeSet[]): Alphabet {
  const cuts = [...new Set([0, ...sets.flatMap((set) => set.flatMap(([from, to]) => [from, to + 1]))])]
    .filter((cut) => cut <= LAST_CODE_POINT)
    .sort((a, b) => a - b);
  const kinds = new Map<string, number>();
  const members: Set<number>[] = [];
  const kindAt = cuts.map((cut) => {
    const of = sets.flatMap((set, at) => (set.some(([from, to]) => from <= cut && cut <= to) ? [at] : []));
    const known = kinds.get(of.join());
    if (known !== undefined) return known;
    kinds.set(of.join(), members.length);
    return members.push(new Set(of)) - 1;
  });
  if (members.length > 255) throw new PatternError('it tells apart more than 255 kinds of characters');
  return { cuts: Uint32Array.from(cuts), kindAt: Uint8Array.from(kindAt), members };
}

function subsets(
  { edges }: Steps,
  { first, last, members }: { readonly first: number; readonly last: number; readonly members: Alphabet['members'] },
): Pick<Table, 'start' | 'next' | 'ends'> {
  let work = 0;
  /** All that is reached without a character. */
  const closure = (from: Iterable<number>, isFree: (edge: Edge) => boolean): Set<number> => {
    const found = new Set(from);
    for (const step of found) {
      for (const edge of edges[step] ?? []) if ('free' in edge && isFree(edge)) found.add(edge.to);
      if ((work += 1) > WORK_MAX) throw new PatternError('it takes too much work to prepare');
    }
    return found;
  };
  const inside = (edge: Edge): boolean => 'free' in edge && edge.free === 'always';
  const atStart = (edge: Edge): boolean => inside(edge) || ('free' in edge && edge.free === 'start');
  const atEnd = (edge: Edge): boolean => inside(edge) || ('free' in edge && edge.free === 'end');
  const anywhere = (edge: Edge): boolean => 'free' in edge && edge.to >= 0;

  const alive = leadingTo(last, edges);
  const numbers = new Map<string, number>();
  const pending: { readonly state: number; readonly subset: ReadonlySet<number> }[] = [];
  const ends: number[] = [0, 1]; // DEAD, MATCHED
  const numberOf = (subset: ReadonlySet<number>, isStart = false): number => {
    if (subset.size === 0) return DEAD;
    if (subset.has(last)) return MATCHED;
    const name = `${isStart ? '^' : ''}${[...subset].sort((a, b) => a - b).join()}`;
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const state = ends.length;
    if (state >= STATES_MAX || state * members.length > CELLS_MAX) throw new PatternError(`it needs more than ${STATES_MAX} states`);
    numbers.set(name, state);
    ends.push(closure(subset, isStart ? anywhere : atEnd).has(last) ? 1 : 0);
    pending.push({ state, subset });
    return state;
  };
  const start = numberOf(closure([first], atStart), true);
  const rows: number[][] = [members.map(() => DEAD), members.map(() => MATCHED)];
  for (let next = pending.shift(); next; next = pending.shift()) {
    const { state, subset } = next;
    rows[state] = members.map((sets) => {
      const moved: number[] = [];
      for (const step of subset) {
        for (const edge of edges[step] ?? []) if ('on' in edge && sets.has(edge.on)) moved.push(edge.to);
        if ((work += 1) > WORK_MAX) throw new PatternError('it takes too much work to prepare');
      }
      const reached = [...closure(moved, inside)];
      return numberOf(new Set(reached.filter((step) => alive.has(step))));
    });
  }
  return { start, next: Uint16Array.from(rows.flat()), ends: Uint8Array.from(ends) };
}

/** The steps from which the end can be reached once the text has begun. */
function leadingTo(last: number, edges: readonly (readonly Edge[])[]): ReadonlySet<number> {
  const before: number[][] = edges.map(() => []);
  edges.forEach((of, from) => {
    for (const edge of of) if (!('free' in edge) || edge.free !== 'start') before[edge.to]?.push(from);
  });
  const found = new Set([last]);
  for (const step of found) for (const from of before[step] ?? []) found.add(from);
  return found;
}
