/** What executors say: that they want to act, and what came of it. */
import { z } from 'zod';

import { head, hexDigest, identifier, label, offset } from './fields.ts';

/** UTF-16 units: twice the largest entry in base64, with a proof of 64 hashes and a checkpoint. */
const RECEIPT_MAX = 64 * 1024;
/** Digests of an outcome's evidence that fit into its entry. */
const OUTCOME_EVIDENCE_MAX = 8;

/** Before the effect. `id` is the claim's own; the decision's receipt is all that the decider needs to know of it. */
export const claimRequested = z.strictObject({
  ...head,
  /** Leaf index of the `action.decided`, decimal. */
  decision: offset,
  /** Its `.tlog-proof` text. */
  receipt: z.string().max(RECEIPT_MAX),
});

export const OUTCOME_KINDS = ['result', 'healthcheck', 'rollback'] as const;
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

/** People have looked at an effect of which nobody reported, and know what became of it, or that nobody ever will. */
export const effectClosed = z.strictObject({
  ...head,
  /** Leaf index of the decision whose effect is uncertain, decimal. */
  decision: offset,
  /** The person who says so. */
  by: identifier,
  /** For people; never in an entry. */
  why: label,
});

/** After it. Digests only: what they are of stays with the executor. */
export const outcomeReported = z.strictObject({
  ...head,
  decision: offset,
  /** Id of the granted claim. */
  claim: identifier,
  kind: z.enum(OUTCOME_KINDS),
  status: z.enum(['succeeded', 'failed']),
  /** SHA-256 of the state before and after. */
  before: hexDigest.optional(),
  after: hexDigest.optional(),
  evidence: z
    .array(z.strictObject({ type: identifier, digest: hexDigest }))
    .max(OUTCOME_EVIDENCE_MAX)
    .optional(),
});
