import type { EntryKind, Predicate } from '#domain';

/** One entry of a ledger, in its order. */
export interface ToldEntry {
  readonly tenant: string;
  readonly kind: EntryKind;
  readonly predicate: Predicate;
}
