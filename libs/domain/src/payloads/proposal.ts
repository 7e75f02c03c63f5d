import { z } from 'zod';

import { ACTOR_KINDS } from './actors.ts';
import {
  base64Text,
  bound,
  EVIDENCE_MAX,
  head,
  hexDigest,
  identifier,
  integersOnly,
  JUSTIFICATION_MAX,
  keyId,
  label,
  object,
  time,
} from './fields.ts';

/** A DSSE signature by a party that is neither proposer nor executor, for example of a CI run. */
const evidence = z.strictObject({ type: identifier, payloadType: label, payload: base64Text, keyid: keyId, signature: base64Text });

/** What the caller says of an action; HTTP callers send this, and the gateway adds the head. */
export const proposalBody = z.strictObject({
  actor: z.strictObject({
    kind: z.enum(ACTOR_KINDS),
    id: identifier,
    actingFor: identifier.optional(),
    /** Asserted: shown to people, looked at by no rule that loosens. */
    model: z.strictObject({ vendor: label, name: label, run: label.optional() }).optional(),
  }),
  class: identifier,
  connector: identifier.optional(),
  contractDigest: hexDigest.optional(),
  operation: identifier,
  /** Any finite double may stand here, and nowhere else. */
  parameters: object,
  resource: z.strictObject({ type: identifier, id: identifier }),
  evidence: z.array(evidence).max(EVIDENCE_MAX).optional(),
  justification: z.string().max(JUSTIFICATION_MAX).optional(),
  impact: integersOnly.optional(),
  /** shadow: decided and receipted as WOULD_…, never a permit. */
  mode: z.enum(['enforce', 'shadow']).default('enforce'),
});

export const proposalRules1 = z.strictObject({ ...head, ...proposalBody.shape });

/**
 * `askedAt`: when this action was first asked for. Chosen once with the id, and the same in every copy. `token`: the credential that the
 * gateway speaks for, so that its own key says no more than the tokens that exist.
 */
export const proposal = z
  .strictObject({ ...head, ...bound, askedAt: time, token: identifier.optional(), ...proposalBody.shape })
  .refine(({ issuer, token }) => (issuer === 'gateway') === (token !== undefined), { path: ['token'] });
