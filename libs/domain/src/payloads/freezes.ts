import { z } from 'zod';

import { head, identifier, label, time } from './fields.ts';
import { isTenantId } from '../formats/ids.ts';

/** What a freeze stops: everything, or what one tenant, class, connector or agent asks for. */
const scope = z
  .strictObject({ kind: z.enum(['all', 'tenant', 'class', 'connector', 'agent']), value: identifier.optional() })
  .refine(({ kind, value }) => (kind === 'all') === (value === undefined))
  .refine(({ kind, value }) => kind !== 'tenant' || isTenantId(value ?? ''));

/** The head's `id` names the freeze. */
export const freezeRaised = z.strictObject({
  ...head,
  /** A freeze lets an approved rollback be claimed, a stop nothing. */
  level: z.enum(['freeze', 'stop']),
  scope,
  /** For people; never in an entry. */
  why: label,
  /** The person who raises it: another one must lift it. */
  by: identifier,
  /** Over from this moment on; absent: until lifted. */
  until: time.optional(),
});

export const freezeLifted = z.strictObject({ ...head, lifts: identifier, by: identifier, why: label });
