import { z } from 'zod';

import { head, hexDigest, identifier, offset } from './fields.ts';

/**
 * One person's answer to an escalation, as an admin key vouches for it. It is bound to what was asked: another action, rule set, contract or
 * deadline has another digest.
 */
export const approvalRecorded = z.strictObject({
  ...head,
  /** Leaf index of the `action.decided` that escalated, decimal. */
  decision: offset,
  /** Its bindingDigest. */
  bindingDigest: hexDigest,
  vote: z.enum(['approve', 'deny']),
  /** The person. */
  by: identifier,
});
