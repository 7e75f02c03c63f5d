import { type NextAfterNo, permit } from '#domain';
import { z } from 'zod';

/** Shapes of the answers, for the OpenAPI document. Indexes and offsets are decimal strings: they may exceed 2^53 elsewhere. */
const index = z.string().regex(/^(0|[1-9][0-9]*)$/);
const receipt = z.string().describe('C2SP tlog-proof text; verifies offline against the trust file');

const proofs = z.array(z.string()).describe('what the receipt proves, by name: docs/explain.md');
const next = z.enum(['stop', 'retry', 'ask again'] satisfies NextAfterNo[]).describe('what to do after a no: docs/reasons.md');
const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('hex SHA-256 of what was signed: the receipt names it as its subject');
const links = z.object({ action: z.string(), receipt: z.string().optional(), trust: z.string() });

export const pendingAnswer = z
  .object({ id: z.string(), state: z.literal('pending'), lane: z.int(), digest: digest.optional(), links })
  .describe('accepted: every in-sync replica has the proposal. No verdict yet, so do not act.');

export const decisionAnswer = z
  .object({
    id: z.string(),
    state: z.enum(['decided', 'refused', 'settled']),
    verdict: z.string().describe('ALLOW, DENY or ESCALATE; WOULD_… in shadow mode; REFUSED when the record was no valid proposal'),
    reasons: z.array(z.string()),
    next: next.optional(),
    tenant: z.string(),
    index,
    decidedAt: z.string(),
    mode: z.string().optional(),
    permit: permit.optional(),
    approvalDeadline: z.string().optional(),
    repeats: index.optional().describe('this very request only repeated the action decided at this index'),
    proposal: z.string().optional().describe('base64 of the payload that was signed; its SHA-256 is the subject of the receipt'),
    settlement: z
      .object({ outcome: z.string(), index, permit: permit.optional(), proofs, receipt })
      .optional()
      .describe('how the escalation ended; ALLOW_APPROVED comes with the permit, every other outcome is no yes'),
    proofs,
    receipt,
    links: z.object({ receipt: z.string(), trust: z.string() }),
  })
  .describe('shown only after its receipt was verified');
export type DecisionAnswer = z.infer<typeof decisionAnswer>;

export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  next,
  requestId: z.string(),
});
