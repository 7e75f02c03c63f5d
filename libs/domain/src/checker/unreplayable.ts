import { erasedNames } from '../decide/erase.ts';
import type { Range } from '../decide/limits.ts';
import { entryName } from '../ledger/entry-name.ts';
import type { SealedEntry } from '../ledger/sealed-batch.ts';

/** Entries that cannot be decided again, and why. That an input was erased is known by the `input.erased` that says so, later in the same tree. */
export class Unreplayable {
  /** Groups whose input is gone, by their first entry; each with the entry whose input it takes. */
  readonly #gone = new Map<string, { readonly because: string; readonly place: string; readonly entries: number }>();
  /** Leaf indexes of groups whose own input is gone, by origin. */
  readonly #goneAt = new Map<string, number[]>();
  readonly #erased = new Set<string>();
  #otherEngine = 0;

  /** Called for each entry, in order. */
  note({ kind, statement: { predicate } }: SealedEntry): void {
    if (kind !== 'input.erased') return;
    for (const name of erasedNames(predicate)) this.#erased.add(name);
  }

  /** Without their input, or without its key. */
  gone(group: readonly SealedEntry[]): void {
    this.#add(group);
    const { origin = '', index = '' } = group[0]?.statement.predicate ?? {};
    const at = this.#goneAt.get(origin);
    if (at) at.push(Number(index));
    else this.#goneAt.set(origin, [Number(index)]);
  }

  /**
   * Whether they were decided by the input of the entry at `index` of their tree, and that is gone. What comes after its input.erased was
   * decided without it, so it is decided again like anything else.
   */
  restOnGone(group: readonly SealedEntry[], index: string | undefined): boolean {
    const predicate = group[0]?.statement.predicate;
    const firstLog = predicate?.['firstLog']; // of a repetition whose first request is in a log that was closed
    const origin = typeof firstLog === 'string' ? firstLog : (predicate?.origin ?? '');
    return index !== undefined && this.#restOn(group, entryName(origin, index));
  }

  /** The same for entries that were decided by the inputs of several others, which are among these. */
  restOnGoneIn(group: readonly SealedEntry[], among: readonly Range[]): boolean {
    return among.some(({ origin, first, last }) =>
      (this.#goneAt.get(origin) ?? []).some((index) => first <= index && index <= last && this.#restOn(group, entryName(origin, index))),
    );
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
    const name = entryName(origin, index);
    this.#gone.set(name, { because: because ?? name, place: `${origin} index ${index}`, entries: group.length });
  }
}
