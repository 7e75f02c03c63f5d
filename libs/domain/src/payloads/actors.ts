/** What a credential may say of actors. The ledger keeps the list: docs/decisions/0023-what-a-credential-may-say.md. */
import { z } from 'zod';

import { identifier, isSet, LIST_MAX } from './fields.ts';

export const ACTOR_KINDS = ['agent', 'person', 'pipeline'] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** Any id. No identifier has this character. */
export const ANY = '*';

/** People that one credential names, over all its actors: the entry stays below 16 KiB. */
export const ACTING_FOR_MAX = 32;

export interface ActorRule {
  readonly kind: ActorKind;
  /** Of the actor; `*`: any of this kind that has no rule of its own. */
  readonly id: string;
  /** The people for whom it may act, one of whom each proposal must name; `*`: any. Absent: it acts for itself and names no one. */
  readonly actingFor?: readonly string[] | undefined;
}

const anyOr = identifier.or(z.literal(ANY));

/** One rule for each actor, so that nothing a proposal leaves out can choose a looser one. */
export const actors = z
  .array(
    z.strictObject({
      kind: z.enum(ACTOR_KINDS),
      id: anyOr,
      actingFor: z.array(anyOr).min(1).max(ACTING_FOR_MAX).refine(isSet).optional(),
    }),
  )
  .max(LIST_MAX)
  .refine((rules) => isSet(rules.map(({ kind, id }) => `${kind}:${id}`)))
  .refine((rules) => rules.reduce((people, { actingFor = [] }) => people + actingFor.length, 0) <= ACTING_FOR_MAX);

export interface SaidActor {
  readonly kind: string;
  readonly id: string;
  readonly actingFor?: string | undefined;
}
export type ActorCheck =
  | {
      readonly ok: true;
      /** What lets it say this id: the id itself, or `*`. */
      readonly listedAs: 'id' | typeof ANY;
    }
  | { readonly ok: false; readonly fault: 'actor' | 'acting-for' };

/** Whether a credential with this list may say this actor. Without a list it may say none. */
export function checkActor(rules: readonly ActorRule[] | undefined, { kind, id, actingFor }: SaidActor): ActorCheck {
  const of = (name: string): ActorRule | undefined => rules?.find((rule) => rule.kind === kind && rule.id === name);
  const rule = of(id) ?? of(ANY);
  if (!rule) return { ok: false, fault: 'actor' };
  const people = rule.actingFor;
  const isOfList = actingFor !== undefined && people !== undefined && (people.includes(actingFor) || people.includes(ANY));
  if (people === undefined ? actingFor !== undefined : !isOfList) return { ok: false, fault: 'acting-for' };
  return { ok: true, listedAs: rule.id === ANY ? ANY : 'id' };
}
