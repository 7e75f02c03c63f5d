/** Which bundle was in force where: read from the ledger's own order, not from clocks. */
import { type FollowedEntry, textOf } from '#adapters';
import { parseTime } from '#domain';

import { CliError } from './errors.ts';

/** The bundle that an entry of the tree was decided under. */
export interface InForce {
  readonly digest: string;
  readonly name: string;
  /** Of the entry that activated it, in the system's tree of the lane. */
  readonly index: number;
  readonly activatedAt: string;
}
export type At = { readonly index: number } | { readonly timeMs: number } | 'now';

/** An index of the tree, or a time. Throws CliError. */
export function parseAt(text: string | undefined): At {
  if (text === undefined) return 'now';
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return { index: Number(text) };
  try {
    return { timeMs: parseTime(/\.\d{3}Z$/.test(text) ? text : text.replace(/Z$/, '.000Z')) };
  } catch {
    throw new CliError(`--at: expected an index of the tree, or a time such as 2026-01-31T12:00:00Z, got ${text}`);
  }
}

/**
 * Takes a lane's entries in their order. An activation is in force for every tree of the lane from its entry in the system's tree on;
 * a tenant that came later has no entry of it, and is under it all the same.
 */
export class InForceReader {
  #last: InForce | undefined;
  #found: InForce | undefined;
  #isOver = false;
  /** Entries of the tree seen so far. */
  size = 0;

  constructor(
    private readonly tree: string,
    private readonly at: At,
  ) {}

  add({ record, kind, statement: { predicate } }: FollowedEntry): void {
    const isOwn = record.tenant === this.tree;
    if (isOwn) this.size += 1;
    if (this.#isOver) return;
    if (typeof this.at === 'object' && 'timeMs' in this.at && parseTime(predicate.decidedAt) > this.at.timeMs) {
      this.#isOver = true;
      return;
    }
    if (kind === 'bundle.activated' && record.tenant.startsWith('_')) {
      const { decidedAt } = predicate;
      this.#last = {
        digest: textOf(predicate, 'activated'),
        name: textOf(predicate, 'bundleName'),
        index: record.leafIndex,
        activatedAt: decidedAt,
      };
    }
    this.#found = this.#last;
    if (isOwn && typeof this.at === 'object' && 'index' in this.at && record.leafIndex === this.at.index) this.#isOver = true;
  }

  /** undefined: none was. Throws CliError for an index that the tree has not. */
  get inForce(): InForce | undefined {
    if (typeof this.at === 'object' && 'index' in this.at && this.at.index >= this.size) {
      throw new CliError(`--at: ${this.tree} has ${this.size} entries, there is no index ${this.at.index}`);
    }
    return this.#found;
  }
}
