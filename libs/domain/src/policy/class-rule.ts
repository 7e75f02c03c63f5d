/** Action classes as data: what a proposal of one must show, where each fact comes from, and what is owed afterwards. */
import { z } from 'zod';

import { cedarName, identifier, pointer, seconds } from './spelling.ts';
import { windowNames } from './window.ts';

/** What can be shown. `rollback` is a way back named by the parameters; the others are signed statements (evidence.ts). */
export const EVIDENCE_TYPES = ['ci', 'review', 'delegation', 'incident', 'rollback'] as const;
export type EvidenceType = (typeof EVIDENCE_TYPES)[number];
export const evidenceTypes = z.array(z.enum(EVIDENCE_TYPES)).max(EVIDENCE_TYPES.length);

/** Seven days, for any class: for as long it is known which statements were used. */
export const EVIDENCE_AGE_SECONDS_MAX = 604_800;

const scalar = z.enum(['string', 'long', 'boolean']);

/** A day: no permit outlives its reasons. */
export const EXECUTE_WITHIN_SECONDS_MAX = 86_400;

/** How old a statement of a kind may be, in seconds since it was made, also where its own expiry is later. */
const maxAge = seconds(60, EVIDENCE_AGE_SECONDS_MAX).optional();

/** Where a fact that may loosen a decision comes from. Nothing that a proposer merely asserts is in this list. */
const fact = z.discriminatedUnion('from', [
  /** The resource's row: `environment`, `risk`, or one of its attributes; a string unless it says another type. */
  z.strictObject({ from: z.literal('table'), attribute: cedarName, type: scalar.optional() }),
  /** The parameters, at a pointer that the bundle fixes. */
  z.strictObject({ from: z.literal('contract'), pointer, type: scalar }),
  /** Whether it was shown: boolean. */
  z.strictObject({ from: z.literal('evidence'), evidence: z.enum(EVIDENCE_TYPES) }),
  /**
   * What a registered party found in the artifact: member `member` of its statement's `facts`. `otherwise`: for operations that do not require
   * that evidence, so that the proposer does not choose between the two by leaving it out.
   */
  z.strictObject({
    from: z.literal('statement'),
    evidence: z.enum(['ci', 'review']),
    member: cedarName,
    type: scalar,
    otherwise: z.union([z.string().max(256), z.int(), z.boolean()]).optional(),
  }),
  /** The contract's name of what is done: a string. */
  z.strictObject({ from: z.literal('operation') }),
  /** The actor's row, where the bundle has a table of its kind. */
  z.strictObject({ from: z.literal('actor-table'), attribute: cedarName, type: scalar.optional() }),
  /** Who proposes, as the signer is registered to speak for: a string. */
  z.strictObject({ from: z.literal('actor') }),
]);

export const classRule = z.strictObject({
  description: z.string().max(512),
  /** Missing: DENY_MISSING_EVIDENCE. An operation may require more. */
  requires: evidenceTypes,
  /** How old evidence may be; absent: EVIDENCE_MAX_AGE_SECONDS. */
  evidenceMaxAgeSeconds: z.strictObject({ ci: maxAge, review: maxAge, delegation: maxAge, incident: maxAge }).optional(),
  /** false: the class may be proposed without a connector, and then names itself. */
  connectorRequired: z.boolean(),
  resourceTypes: z.array(cedarName).min(1).max(16),
  /** Attributes of Cedar's context, all required there. */
  facts: z.record(cedarName, fact),
  /** Who may claim its permits. */
  executors: z.array(identifier).min(1).max(32),
  /** How long a permit may be claimed. */
  executeWithinSeconds: seconds(1, EXECUTE_WITHIN_SECONDS_MAX).optional(),
  /** How long its executor has for a result, from the grant of its claim; then the effect is uncertain. */
  resultWithinSeconds: seconds(1, 86_400).optional(),
  /** Proof afterwards: a health check before the effect counts as settled; state before and after in a result that succeeded. */
  after: z
    .array(z.enum(['healthcheck', 'state-hash']))
    .max(2)
    .optional(),
  /** Change windows: open while one of them is. A list in format 2 only. */
  window: windowNames.optional(),
  /** A signed incident for this resource opens the window. It removes no approval: policies do not see it. */
  incidentOpensWindow: z.boolean().optional(),
  /** For people: what is at stake, and whether it can be undone. */
  risk: z.enum(['low', 'medium', 'high']).optional(),
  reversible: z.boolean().optional(),
  /** One line for people; `{actor}`, `{operation}`, `{connector}`, `{resource}` and `{/pointer}` into the parameters are filled in. */
  summary: z.string().min(1).max(256).optional(),
});

export type ClassRule = z.infer<typeof classRule>;
export type Fact = z.infer<typeof fact>;

/** A day: what was tested, read or delegated today. A statement that lasts longer says so little about now that its class has to ask for it. */
export const EVIDENCE_MAX_AGE_SECONDS = 86_400;
/** A quarter of an hour: long enough for an executor's queue, short enough that the facts still hold. */
export const EXECUTE_WITHIN_SECONDS = 900;
/** A quarter of an hour: a rollout with its checks. */
export const RESULT_WITHIN_SECONDS = 900;
