/** What a bundle's document holds, checked for shape. What refers to what is checked by faultsOf (faults.ts). */
import { z } from 'zod';

import type { Json } from '../formats/canonical-json.ts';
import { classRule, evidenceTypes } from './class-rule.ts';
import { limit, LIMITS_PER_BUNDLE_MAX } from './limit.ts';
import { cedarName, identifier, pointer, seconds } from './spelling.ts';
import { changeWindow, windowNames } from './window.ts';

export * from './class-rule.ts';

/** What undoes an effect: an operation of the same contract, the connector's own copy, or nothing. */
export const REVERTS = ['inverse', 'snapshot', 'none'] as const;
export type Revert = (typeof REVERTS)[number];

const operation = z.strictObject({
  class: identifier,
  /** JSON Schema 2020-12. */
  parameters: z.custom<Record<string, Json>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  /** Must hold the proposal's tenant. null: the operation belongs to no tenant's data. */
  tenant: pointer.nullable(),
  /** Further places where a tenant may stand: what is there must be the proposal's too. In format 2 a `*` stands for every element or member. */
  alsoTenant: z.array(pointer).max(16).optional(),
  /** Must hold the proposal's resource id. null in format 1 only. */
  resource: pointer.nullable(),
  /** Type of that resource; needed where the class has several. Format 2. */
  resourceType: cedarName.optional(),
  /** Evidence beyond what its class requires. */
  requires: evidenceTypes.optional(),
  /** Digest of what is put in place; evidence is bound to it. */
  artifact: pointer.optional(),
  /** Holds { operation, reference }: how to go back. */
  rollbackPath: pointer.optional(),
  /** What envelopes limit: an object whose members are fields, or a list of their names; a number of rows, or a list of them; an amount. */
  fields: pointer.optional(),
  rows: pointer.optional(),
  amount: pointer.optional(),
  /** In words, for people. */
  effect: z.string().max(512),
  /** What undoes it. */
  rollback: z.enum(REVERTS),
});

const contract = z.strictObject({
  version: z.string().max(64),
  /** Names of members that mean a tenant wherever they stand in the parameters. Format 2. */
  tenantMembers: z.array(z.string().min(1).max(128)).max(16).optional(),
  operations: z.record(identifier, operation),
});

const resource = z.strictObject({
  environment: z.string().max(64),
  risk: z.enum(['low', 'medium', 'high']),
  /** Further facts of it. */
  attributes: z.record(cedarName, z.union([z.string().max(256), z.int(), z.boolean()])).optional(),
  /** Tenants it may be named by; absent: every tenant. */
  tenants: z.array(identifier).max(2000).optional(),
  /** Groups it is in: rows of the same tables. */
  parents: z
    .array(z.strictObject({ type: cedarName, id: identifier }))
    .max(16)
    .optional(),
});

/** One who proposes: in groups that are rows of the resource tables, and with facts of its own. */
const actor = z.strictObject({
  attributes: z.record(cedarName, z.union([z.string().max(256), z.int(), z.boolean()])).optional(),
  parents: z
    .array(z.strictObject({ type: cedarName, id: identifier }))
    .max(16)
    .optional(),
});
/** By tenant, then id. */
const actors = z.record(identifier, z.record(identifier, actor));

/** What the tenant may ask for: an operation, and how much of it. */
const envelopeOperation = z.strictObject({
  connector: identifier.optional(),
  operation: identifier,
  /** The only fields it may touch. */
  fields: z.array(z.string().max(128)).max(256).optional(),
  rowsMax: z.int().min(0).optional(),
  /** In the amount's own unit. */
  amountMax: z.int().min(0).optional(),
  /** Hours: outside of them the operation is outside of the envelope. A list in format 2 only. */
  window: windowNames.optional(),
});

const envelope = z.strictObject({
  operations: z.array(envelopeOperation).max(256),
  resourceTypes: z.array(cedarName).max(64),
});

const approvalRule = z.strictObject({
  group: identifier,
  min: z.int().min(1).max(16),
  /** One minute to seven days. */
  expiresInSeconds: seconds(60, 604_800).optional(),
});

export const policyTables = z.strictObject({
  /** 1 keeps its meaning for the ledgers that have it: format-words.ts. */
  format: z.literal([1, 2]),
  name: identifier,
  cedar: z.strictObject({ schema: z.string(), policies: z.record(identifier, z.string()) }),
  classes: z.record(identifier, classRule),
  contracts: z.record(identifier, contract),
  /** By type, then id. Closed: what is not listed is denied. */
  resources: z.record(cedarName, z.record(identifier, resource)),
  /** By kind. Closed where it is given: an actor of the kind that is not listed is denied. A kind without one has no groups. */
  actors: z.strictObject({ agent: actors.optional(), person: actors.optional(), pipeline: actors.optional() }).optional(),
  /** By tenant; `*` for tenants without their own. */
  envelopes: z.record(z.union([identifier, z.literal('*')]), envelope),
  approvalRules: z.record(identifier, approvalRule),
  /** Groups of people that approval rules may name, each with what it is for. Closed where it is given. */
  approverGroups: z.record(identifier, z.string().min(1).max(256)).optional(),
  windows: z.record(identifier, changeWindow),
  /** Cumulative limits, by id. */
  limits: z
    .record(identifier, limit)
    .refine((limits) => Object.keys(limits).length <= LIMITS_PER_BUNDLE_MAX, `at most ${LIMITS_PER_BUNDLE_MAX} limits`)
    .optional(),
});

export type PolicyTables = z.infer<typeof policyTables>;
export type Contract = z.infer<typeof contract>;
export type Operation = z.infer<typeof operation>;
export type ActorRow = z.infer<typeof actor>;
export type Resource = z.infer<typeof resource>;
export type EnvelopeOperation = z.infer<typeof envelopeOperation>;

/** An hour: people answer within it, or somebody asks again. */
export const APPROVE_WITHIN_SECONDS = 3600;
