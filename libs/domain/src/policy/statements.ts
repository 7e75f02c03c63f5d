/** What registered parties state of a proposal, each for its own kind. Times are RFC 3339 in UTC with milliseconds. */
import { z } from 'zod';

import type { Json } from '../formats/canonical-json.ts';
import { actionDigest } from '../payloads/digests.ts';
import { blind, hexDigest } from '../payloads/fields.ts';
import type { IssuerType } from '../payloads/kinds.ts';
import type { EvidenceType } from './class-rule.ts';
import { cedarName, identifier } from './spelling.ts';
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

/** A party that vouches for more than this many decisions with one signature vouches for none of them. */
export const STATEMENT_USES_MAX = 1000;
/** Facts of one statement: more than one class looks at. */
export const STATEMENT_FACTS_MAX = 16;

/** What version 2 adds: a bundle of format 2 counts no other. */
const counted = {
  /** 32 random bytes, base64url: the statement's digest is on the ledger, and must say nothing about it. */
  blind,
  /** Hex: digest of the birth of the ledger that it is for. Its proposal names the same, from rules 2 on. */
  birth: hexDigest.optional(),
  /** How many decisions it may count for; absent: one. */
  uses: z.int().min(1).max(STATEMENT_USES_MAX).optional(),
  /** Hex: it counts for the action of this digest only. */
  actionDigest: hexDigest.optional(),
};
/** What the party found in the artifact. */
const found = {
  facts: z
    .record(cedarName, z.union([z.string().max(256), z.int(), z.boolean()]))
    .refine((facts) => Object.keys(facts).length <= STATEMENT_FACTS_MAX)
    .optional(),
};
type Counted = Partial<z.infer<z.ZodObject<typeof counted>>>;
type Found = z.infer<z.ZodObject<typeof found>>;

export type CiStatement = z.infer<typeof ciStatement> & Counted & Found;
export type ReviewStatement = z.infer<typeof reviewStatement> & Counted & Found;
export type DelegationStatement = z.infer<typeof delegationStatement> & Counted;
export type IncidentStatement = z.infer<typeof incidentStatement> & Counted;
export type Statement = CiStatement | ReviewStatement | DelegationStatement | IncidentStatement;

/** Which type of registered party may state it. */
export const PARTY_OF: Readonly<Record<StatementType, IssuerType>> = {
  ci: 'ci',
  review: 'reviewer',
  delegation: 'directory',
  incident: 'incident-desk',
};

/** The version follows the format of the bundle that counts it. */
export type StatementVersion = 1 | 2;
export const statementPayloadType = (type: StatementType, version: StatementVersion): string =>
  `application/vnd.countersign.${type}+json;v=${version}`;

/** Throws for anything that is not exactly one statement of the type and version. */
export function parseStatement(type: StatementType, version: StatementVersion, json: Json): Statement {
  return SHAPES[version][type].parse(json);
}

const SHAPES = {
  1: { ci: ciStatement, review: reviewStatement, delegation: delegationStatement, incident: incidentStatement },
  2: {
    ci: ciStatement.extend({ ...counted, ...found }),
    review: reviewStatement.extend({ ...counted, ...found }),
    delegation: delegationStatement.extend(counted),
    incident: incidentStatement.extend(counted),
  },
};

/** What a statement must be about. */
export interface Vouched {
  readonly proposal: Proposal;
  /** What is done with the artifact: the proposal's, or its way back. */
  readonly operation: string;
  /** What the contract's artifact pointer holds, or the reference of the way back. */
  readonly artifact: Json | undefined;
}

/** Whether it is about exactly this. Times are checked elsewhere. */
export function isOf(statement: Statement, { proposal, operation, artifact }: Vouched): boolean {
  const { tenant, resource, actor } = proposal;
  // Stated for another installation, perhaps of the same name. Version 1, which has no blind, is of ledgers that have no births to name.
  if (statement.blind !== undefined && statement.birth !== proposal.birth) return false;
  if (statement.actionDigest !== undefined && statement.actionDigest !== actionDigest(proposal)) return false;
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
