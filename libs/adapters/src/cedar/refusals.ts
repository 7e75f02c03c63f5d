import type { Entities, SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type Bundle, engineRequest, type EngineRequest, faultsOf, type Json, type PolicyTables } from '#domain';

import type { Cedar } from './instance.ts';
import { oversize } from './limits.ts';
import { readPolicies } from './policies.ts';
import { compileSchemas } from './schemas.ts';

/** Why a bundle cannot be activated; empty when it can. Throws when the instance breaks. */
export function refusalsOf(cedar: Cedar, { tables }: Bundle): string[] {
  const early = [...oversize(tables), ...faultsOf(tables)];
  if (early.length > 0) return [...early, ...parameterFaults(tables)]; // of its Cedar nothing is read
  const schema = cedar.schemaToJson(tables.cedar.schema);
  if (schema.type === 'failure') return schema.errors.map((error) => `schema: ${error.message}`);
  const policies = readPolicies(cedar, tables).faults;
  if (policies.length > 0) return [...policies]; // the validator recurses as well
  const late = [
    ...schema.warnings.map((warning) => `schema: ${warning.message}`),
    ...actionFaults(tables, schema.json),
    ...validatorFaults(cedar, tables),
    ...parameterFaults(tables),
  ];
  return late.length > 0 ? late : trialFaults(cedar, tables);
}

function actionFaults({ classes }: PolicyTables, schema: SchemaJson<string>): string[] {
  if (Object.keys(schema).some((namespace) => namespace !== '')) return ['schema: namespaces are not supported'];
  const actions = schema['']?.actions ?? {};
  return Object.keys(classes)
    .filter((id) => !Object.hasOwn(actions, id))
    .map((id) => `schema: class ${id} has no action of its name`);
}

/** Strict mode, and a warning (a policy that can never match, look-alike characters) refuses as an error does. */
function validatorFaults(cedar: Cedar, { cedar: { schema, policies } }: PolicyTables): string[] {
  const answer = cedar.validate({ validationSettings: { mode: 'strict' }, schema, policies: { staticPolicies: policies } });
  if (answer.type === 'failure') return answer.errors.map((error) => `policies: ${error.message}`);
  const perPolicy = [...answer.validationErrors, ...answer.validationWarnings];
  return [
    ...perPolicy.map(({ policyId, error }) => `policy ${policyId}: ${error.message}`),
    ...answer.otherWarnings.map((warning) => `policies: ${warning.message}`),
  ];
}

function parameterFaults(tables: PolicyTables): string[] {
  const { validators, faults } = compileSchemas(tables);
  return [
    ...faults,
    ...[...validators].flatMap(([name, validate]) => {
      try {
        validate({});
        return [];
      } catch {
        return [`contract ${name}: parameters: validation throws`]; // a schema that refers to itself
      }
    }),
  ];
}

/**
 * Asks one question per class, resource type and kind of actor, with the class's facts: what the schema does not accept then,
 * it would not accept later. Catches attributes without facts, facts without attributes, other types, other entities.
 */
function trialFaults(cedar: Cedar, tables: PolicyTables): string[] {
  const parsed = [
    cedar.preparseSchema(TRIAL_SLOT, tables.cedar.schema),
    cedar.preparsePolicySet(TRIAL_SLOT, { staticPolicies: tables.cedar.policies }),
  ];
  const broken = parsed.flatMap((answer) => (answer.type === 'failure' ? answer.errors.map(({ message }) => message) : []));
  if (broken.length > 0) return broken;
  const faults = new Set<string>();
  for (const [id, rule] of Object.entries(tables.classes)) {
    const facts = Object.entries(rule.facts).map(([name, fact]): [string, Json] => {
      if (fact.from === 'evidence') return [name, true];
      const type = fact.from === 'operation' || fact.from === 'actor' ? 'string' : (fact.type ?? 'string');
      return [name, type === 'string' ? '' : type === 'long' ? 0 : false];
    });
    for (const type of rule.resourceTypes) {
      for (const { kind, tenant, id: actor } of triedActors(tables)) {
        const resource = { type, id: Object.keys(tables.resources[type] ?? {})[0] ?? 'trial' };
        const proposal = { ...TRIAL, tenant, actor: { kind, id: actor }, class: id, resource };
        const request = engineRequest(tables, proposal, Object.fromEntries(facts));
        const answer = cedar.statefulIsAuthorized({
          ...request,
          action: { type: 'Action', id },
          context: request.context,
          entities: withBare(request, [resource, { type: 'tenant', id: tenant }]),
          preparsedSchemaName: TRIAL_SLOT,
          preparsedPolicySetId: TRIAL_SLOT,
          validateRequest: true,
        });
        if (answer.type === 'failure') for (const error of answer.errors) faults.add(`class ${id}: ${error.message}`);
      }
    }
  }
  return [...faults];
}

/** One of each kind in no group, and one for each type of group that actors of the kind are in. */
function triedActors({ actors }: PolicyTables) {
  return (['agent', 'person', 'pipeline'] as const).flatMap((kind) => {
    const tried = new Map<string, { kind: typeof kind; tenant: string; id: string }>([['', { kind, tenant: TRIAL.tenant, id: 'trial' }]]);
    for (const [tenant, rows] of Object.entries(actors?.[kind] ?? {})) {
      for (const [id, { parents = [] }] of Object.entries(rows)) for (const { type } of parents) tried.set(type, { kind, tenant, id });
    }
    return [...tried.values()];
  });
}

/** Those that the request leaves out as well, so that the schema is asked about them: one with attributes is refused. */
function withBare({ entities }: EngineRequest, uids: readonly { readonly type: string; readonly id: string }[]): Entities {
  const listed = entities as unknown as Entities;
  const isListed = (uid: object): boolean => listed.some((entity) => JSON.stringify(entity.uid) === JSON.stringify(uid));
  return [...listed, ...uids.filter((uid) => !isListed(uid)).map((uid) => ({ uid, attrs: {}, parents: [] }))];
}

/** Parsed once and overwritten by the next candidate; bundles in force have slots of their own (engine.ts). */
const TRIAL_SLOT = 'trial';
const TRIAL = { tenant: 'trial', issuer: 'trial', id: 'trial', operation: 'trial', parameters: {}, mode: 'enforce' } as const;
