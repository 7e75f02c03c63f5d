import type { SealedEntry } from '../ledger/sealed-batch.ts';

/** Entries that cannot be decided again, and why. That an input was erased is known by the `input.erased` that says so, later in the same tree. */
export class Unreplayable {
  /** Groups whose input is gone, by their first entry; each with the entry whose input it takes. */
  readonly #gone = new Map<string, { readonly because: string; readonly place: string; readonly entries: number }>();
  /** Groups whose own input is gone, by tenant: a tenant's log may have had a successor since. */
  readonly #goneAt = new Map<string, { readonly index: number; readonly name: string }[]>();
  readonly #erased = new Set<string>();
  #otherEngine = 0;

  /** Called for each entry, in order. */
  note({ kind, statement: { predicate } }: SealedEntry): void {
    if (kind !== 'input.erased') return;
    for (const index of predicate['erases'] as readonly string[]) this.#erased.add(`${predicate.origin}\0${index}`);
  }

  /** Without their input, or without its key. */
  gone(group: readonly SealedEntry[]): void {
    this.#add(group);
    const [first] = group;
    if (!first) return;
    const { origin, index } = first.statement.predicate;
    const gone = { index: Number(index), name: `${origin}\0${index}` };
    const at = this.#goneAt.get(first.record.tenant);
    if (at) at.push(gone);
    else this.#goneAt.set(first.record.tenant, [gone]);
  }

  /**
   * Whether they were decided by the input of the entry at `index` of their tree, and that is gone. What comes after its input.erased was
   * decided without it, so it is decided again like anything else.
   */
  restOnGone(group: readonly SealedEntry[], index: string | undefined): boolean {
    const { origin = '' } = group[0]?.statement.predicate ?? {};
    return index !== undefined && this.#restOn(group, `${origin}\0${index}`);
  }

  /** The same for entries that were decided by the inputs of several others, which are among these ranges of leaf indexes, first and last. */
  restOnGoneIn(group: readonly SealedEntry[], ranges: readonly (readonly [first: number, last: number])[]): boolean {
    const gone = ranges.length === 0 ? [] : (this.#goneAt.get(group[0]?.record.tenant ?? '') ?? []);
    const isMeant = (index: number): boolean => ranges.some(([first, last]) => first <= index && index <= last);
    return gone.some(({ index, name }) => isMeant(index) && this.#restOn(group, name));
  }

  #restOn(group: readonly SealedEntry[], name: string): boolean {
    const known = this.#gone.get(name);
    if (!known || this.#erased.has(known.because)) return false;
    this.#add(group, known.because);
    return true;
  }

  /** Judged by another engine, or another version of it, than the one at hand. */
  otherEngine(group: readonly SealedEntry[]): void {
    this.#otherEngine += group.length;
  }

  /** Places of erased decisions, and how many entries they are. */
  erased(): { readonly places: readonly string[]; readonly entries: number } {
    const erased = [...this.#gone.values()].filter(({ because }) => this.#erased.has(because));
    return { places: erased.map(({ place }) => place), entries: erased.reduce((sum, { entries }) => sum + entries, 0) };
  }

  /** Entries whose input is gone though no entry says that it was erased, and those of another engine. */
  unexplained(): number {
    const gone = [...this.#gone.values()].filter(({ because }) => !this.#erased.has(because));
    return this.#otherEngine + gone.reduce((sum, { entries }) => sum + entries, 0);
  }

  #add(group: readonly SealedEntry[], because?: string): void {
    const { origin = '', index = '' } = group[0]?.statement.predicate ?? {};
    const name = `${origin}\0${index}`;
    this.#gone.set(name, { because: because ?? name, place: `${origin} index ${index}`, entries: group.length });
  }
}
