import { z } from 'zod';

import { head, identifier, label, offset } from './fields.ts';

/** Characters of `<ledger name>/t/<log id>`, both identifiers. */
const ORIGIN_MAX = 300;
/** Entries erased by one control. An action with more of them takes several; the list stays below 2 KiB of its entry. */
export const ERASED_INDEXES_MAX = 64;

/** The inputs of these entries, all of one action, are to be readable by nobody any more. */
export const inputErased = z.strictObject({
  ...head,
  /** The action's id; the decider remembers no list of an action's entries, so `indexes` names them. */
  action: identifier,
  /** Leaf indexes in the tenant's tree, decimal, ascending. */
  indexes: z.array(offset).min(1).max(ERASED_INDEXES_MAX).refine(isAscending),
  /** For people; never in an entry, and kept for ever with this control: it must name nothing that is to be forgotten. */
  why: label,
});

/** From rules 2 on: the log that holds them, where it was closed since; absent: the tenant's log that goes on. */
export const ofLog = { log: z.string().max(ORIGIN_MAX).optional() };

function isAscending(indexes: readonly string[]): boolean {
  return indexes.every((index, at) => at === 0 || BigInt(indexes[at - 1] ?? '0') < BigInt(index));
}
