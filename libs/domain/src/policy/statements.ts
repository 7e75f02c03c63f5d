/** What registered parties state of a proposal, each for its own kind. Times are RFC 3339 in UTC with milliseconds. */
import { z } from 'zod';

import type { Json } from '../formats/canonical-json.ts';
import type { IssuerType } from '../payloads/kinds.ts';
import type { EvidenceType } from './class-rule.ts';
import { identifier } from './spelling.ts';
import type { Proposal } from './types.ts';

export type StatementType = Exclude<EvidenceType, 'rollback'>;

const common = {
  tenant: z.string(),
  resource: z.strictObject({ type: z.string(), id: z.string() }),
  issuedAt: z.string(),
  expiresAt: z.string(),
};
const bound = { ...common, operation: z.string(), artifactDigest: z.string().min(1) };

/** A pipeline: this artifact passed, for this operation on this target. */
export const ciStatement = z.strictObject({ ...bound, type: z.literal('ci'), conclusion: z.literal('success') });
/** A reviewer: read exactly this, and agrees that this is done with it. */
export const reviewStatement = z.strictObject({
  ...bound,
  type: z.literal('review'),
  reviewer: z.string().min(1),
  conclusion: z.literal('approved'),
});
/** A directory: on whose behalf the actor acts here, from the person who may to the actor who does. */
export const delegationStatement = z.strictObject({
  ...common,
  type: z.literal('delegation'),
  operation: z.string(),
  actor: z.strictObject({ kind: z.string(), id: z.string() }),
  /** First the person, last the actor. */
  chain: z.array(z.string().min(1)).min(2).max(8),
});
/** An incident desk: this incident is open, and it is about this target. Its name is in the entry for ever: an identifier, no text about people. */
export const incidentStatement = z.strictObject({ ...common, type: z.literal('incident'), incident: identifier });

export type CiStatement = z.infer<typeof ciStatement>;
export type ReviewStatement = z.infer<typeof reviewStatement>;
export type DelegationStatement = z.infer<typeof delegationStatement>;
export type IncidentStatement = z.infer<typeof incidentStatement>;
export type Statement = CiStatement | ReviewStatement | DelegationStatement | IncidentStatement;

/** Which type of registered party may state it. */
export const PARTY_OF: Readonly<Record<StatementType, IssuerType>> = {
  ci: 'ci',
  review: 'reviewer',
  delegation: 'directory',
  incident: 'incident-desk',
};

export const statementPayloadType = (type: StatementType): string => `application/vnd.countersign.${type}+json;v=1`;

/** Throws for anything that is not exactly one statement of the type. */
export function parseStatement(type: StatementType, json: Json): Statement {
  return SHAPES[type].parse(json);
}

const SHAPES = { ci: ciStatement, review: reviewStatement, delegation: delegationStatement, incident: incidentStatement };

/** Whether it is about exactly this proposal. `artifact`: what the contract's artifact pointer holds. Times are checked elsewhere. */
export function isOf(statement: Statement, proposal: Proposal, artifact: Json | undefined): boolean {
  const { tenant, resource, operation, actor } = proposal;
  if (statement.tenant !== tenant || statement.resource.type !== resource.type || statement.resource.id !== resource.id) return false;
  if (statement.type === 'incident') return true;
  if (statement.operation !== operation) return false;
  if (statement.type === 'delegation') {
    const { chain } = statement;
    const isActor = statement.actor.kind === actor.kind && statement.actor.id === actor.id && chain.at(-1) === actor.id;
    return isActor && chain[0] === actor.actingFor;
  }
  if (statement.artifactDigest !== artifact) return false;
  // Nobody reviews their own, nor what was asked for in their name.
  return statement.type === 'ci' || (statement.reviewer !== actor.id && statement.reviewer !== actor.actingFor);
}
