/** A permit as it is shown to whoever acts on it: made here, and nowhere else. */
import { z } from 'zod';

import { REVERTS } from '../policy/tables.ts';
import type { Predicate } from './entry.ts';

export const permit = z.object({
  /** Who may claim it. */
  executors: z.array(z.string()),
  /** It holds from then on. */
  notBefore: z.string(),
  /** It is over then. */
  executeBy: z.string(),
  /** Owed afterwards: `healthcheck`, `state-hash`. */
  obligations: z.array(z.string()).optional(),
  resultWithinSeconds: z.int().optional(),
  /** The operation that was approved as the way back. */
  rollback: z.string().optional(),
  /** What undoes the effect, as the contract says. */
  revert: z.enum(REVERTS).optional(),
});
export type Permit = Readonly<z.infer<typeof permit>>;

/** What an entry permits; undefined: nothing. The entry says `notBefore` as its own `decidedAt`, which is signed as all of it. */
export function permitOf({ decidedAt, permit: signed }: Predicate): Permit | undefined {
  if (typeof signed !== 'object' || signed === null) return undefined;
  const { executors, ...rest } = signed as unknown as Omit<Permit, 'notBefore'>;
  return { executors, notBefore: decidedAt, ...rest };
}
