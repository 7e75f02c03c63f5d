/** What a bundle's document holds, checked for shape. What refers to what is checked by faultsOf (faults.ts). */
import { z } from 'zod';

import type { Json } from '../formats/canonical-json.ts';
import { isIdentifier } from '../formats/ids.ts';
import { isPointer } from './pointer.ts';

const identifier = z.string().refine(isIdentifier, 'not an identifier');
/** A Cedar identifier: entity types and attributes are spelled in requests, tables and schema alike. */
const cedarName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'not a cedar identifier');
const pointer = z.string().max(256).refine(isPointer, 'not a JSON Pointer (RFC 6901)');
const seconds = (min: number, max: number) => z.int().min(min).max(max);

/** Where a fact that may loosen a decision comes from. Nothing that a proposer merely asserts is in this list. */
const fact = z.discriminatedUnion('from', [
  /** The resource table: always a string. */
  z.strictObject({ from: z.literal('table'), attribute: z.enum(['environment', 'risk']) }),
  /** The parameters, at a pointer that the bundle fixes. */
  z.strictObject({ from: z.literal('contract'), pointer, type: z.enum(['string', 'long', 'boolean']) }),
  /** Whether it was shown: boolean. */
  z.strictObject({ from: z.literal('evidence'), evidence: z.enum(['ci', 'rollback']) }),
]);

const classRule = z.strictObject({
  description: z.string().max(512),
  /** Missing: DENY_MISSING_EVIDENCE. */
  requires: z.array(z.enum(['ci', 'rollback'])).max(2),
  /** false: the class may be proposed without a connector, and then names itself. */
  connectorRequired: z.boolean(),
  resourceTypes: z.array(cedarName).min(1).max(16),
  /** Attributes of Cedar's context, all required there. */
  facts: z.record(cedarName, fact),
  /** Who may claim its permits. */
  executors: z.array(identifier).min(1).max(32),
  /** How long a permit may be claimed; a day at most, so that none outlives its reasons. */
  executeWithinSeconds: seconds(1, 86_400).optional(),
  /** How long its executor has for a result, from the grant of its claim; then the effect is uncertain. */
  resultWithinSeconds: seconds(1, 86_400).optional(),
  /** Proof afterwards: a health check before the effect counts as settled; state before and after in a result that succeeded. */
  after: z
    .array(z.enum(['healthcheck', 'state-hash']))
    .max(2)
    .optional(),
  window: identifier.optional(),
});

const operation = z.strictObject({
  class: identifier,
  /** JSON Schema 2020-12. */
  parameters: z.custom<Record<string, Json>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  /** Must hold the proposal's tenant. null: the operation belongs to no tenant's data. */
  tenant: pointer.nullable(),
  /** Must hold the proposal's resource id. */
  resource: pointer.nullable(),
  /** Digest of what is put in place; evidence is bound to it. */
  artifact: pointer.optional(),
  /** Holds { operation, reference }: how to go back. */
  rollbackPath: pointer.optional(),
  /** In words, for people. */
  effect: z.string().max(512),
  /** What undoes it: an operation of the same contract, the connector's own copy, or nothing. */
  rollback: z.enum(['inverse', 'snapshot', 'none']),
});

const contract = z.strictObject({ version: z.string().max(64), operations: z.record(identifier, operation) });

const resource = z.strictObject({
  environment: z.string().max(64),
  risk: z.enum(['low', 'medium', 'high']),
  /** Tenants it may be named by; absent: every tenant. */
  tenants: z.array(identifier).max(2000).optional(),
  /** Groups it is in: rows of the same tables. */
  parents: z
    .array(z.strictObject({ type: cedarName, id: identifier }))
    .max(16)
    .optional(),
});

const envelope = z.strictObject({
  /** What the tenant may ask for. */
  operations: z.array(z.strictObject({ connector: identifier.optional(), operation: identifier })).max(256),
  resourceTypes: z.array(cedarName).max(64),
});

const approvalRule = z.strictObject({
  group: identifier,
  min: z.int().min(1).max(16),
  /** One minute to seven days. */
  expiresInSeconds: seconds(60, 604_800).optional(),
});

/** UTC. Open from `from` until `to`, both in minutes since midnight. */
const window = z.strictObject({
  days: z
    .array(z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']))
    .min(1)
    .max(7),
  fromMinute: z.int().min(0).max(1439),
  toMinute: z.int().min(1).max(1440),
});

export const policyTables = z.strictObject({
  format: z.literal(1),
  name: identifier,
  cedar: z.strictObject({ schema: z.string(), policies: z.record(identifier, z.string()) }),
  classes: z.record(identifier, classRule),
  contracts: z.record(identifier, contract),
  /** By type, then id. Closed: what is not listed is denied. */
  resources: z.record(cedarName, z.record(identifier, resource)),
  /** By tenant; `*` for tenants without their own. */
  envelopes: z.record(z.union([identifier, z.literal('*')]), envelope),
  approvalRules: z.record(identifier, approvalRule),
  windows: z.record(identifier, window),
});

export type PolicyTables = z.infer<typeof policyTables>;
export type ClassRule = z.infer<typeof classRule>;
export type Contract = z.infer<typeof contract>;
export type Operation = z.infer<typeof operation>;
export type Resource = z.infer<typeof resource>;
export type Fact = z.infer<typeof fact>;
export type ChangeWindow = z.infer<typeof window>;

/** A quarter of an hour: long enough for an executor's queue, short enough that the facts still hold. */
export const EXECUTE_WITHIN_SECONDS = 900;
/** A quarter of an hour: a rollout with its checks. */
export const RESULT_WITHIN_SECONDS = 900;
/** An hour: people answer within it, or somebody asks again. */
export const APPROVE_WITHIN_SECONDS = 3600;
