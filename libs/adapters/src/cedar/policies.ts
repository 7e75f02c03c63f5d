import type { ActionConstraint, EntityUidJson, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { guardOf, type PermitGuard, type PolicyTables } from '#domain';

import type { Cedar } from './instance.ts';
import { EXPRESSION_LEVELS_MAX, levelsOf } from './limits.ts';
import { unlistedEntities } from './named.ts';
import { asksForAbsence } from './optional.ts';
import { optionalEvidence, restsOnAbsence } from './shown.ts';

export interface ReadPolicies {
  /** Of permits only. */
  readonly guards: ReadonlyMap<string, PermitGuard>;
  /** The texts whose scope can match, by class. */
  readonly byClass: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Empty, or the policies must not be used. */
  readonly faults: readonly string[];
}

const NONE: ReadonlySet<string> = new Set();

/** Parses every policy by itself. Throws when the instance breaks. */
export function readPolicies(cedar: Cedar, tables: PolicyTables): ReadPolicies {
  const rules = new Set(Object.keys(tables.approvalRules));
  const guards = new Map<string, PermitGuard>();
  const faults: string[] = [];
  const byClass = new Map<string, Record<string, string>>();
  for (const name of Object.keys(tables.classes)) byClass.set(name, {});
  const optionalBy = new Map(Object.entries(tables.classes).map(([name, rule]) => [name, optionalEvidence(rule)]));
  for (const [id, text] of Object.entries(tables.cedar.policies)) {
    const answer = cedar.policyToJson(text); // refuses templates and a second policy in one text
    if (answer.type === 'failure') {
      faults.push(`policy ${id}: ${answer.errors.map((error) => error.message).join('; ')}`);
      continue;
    }
    if (levelsOf(answer.json.conditions) > EXPRESSION_LEVELS_MAX) {
      faults.push(`policy ${id}: expressions nested more than ${EXPRESSION_LEVELS_MAX} levels`);
      continue;
    }
    const { effect, annotations } = answer.json;
    const guarded = guardOf({ effect, annotations: new Map(Object.entries(annotations ?? {})) }, rules);
    if ('fault' in guarded) faults.push(`policy ${id}: ${guarded.fault}`);
    else if (guarded.guard) guards.set(id, guarded.guard);
    if (asksForAbsence(answer.json)) faults.push(`policy ${id}: asks for an optional attribute where its absence would loosen`);
    faults.push(...unlistedEntities(answer.json, tables).map((fault) => `policy ${id}: ${fault}`));
    const isUnattended = 'guard' in guarded && guarded.guard !== null && 'unattended' in guarded.guard;
    for (const [name, texts] of byClass) {
      if (!canMatch(answer.json, name, byClass)) continue;
      texts[id] = text;
      const optional = optionalBy.get(name) ?? NONE;
      if (restsOnAbsence(answer.json, isUnattended, optional)) {
        faults.push(`policy ${id}: asks for evidence that ${name} does not require where its absence would loosen`);
      }
      if (tables.format > 1 && tables.classes[name]?.connectorRequired === false && looksAtResource(answer.json)) {
        faults.push(`policy ${id}: looks at the resource of ${name}, which no contract ties to what is done`);
      }
    }
  }
  return { guards, byClass, faults };
}

/** By the action in the policy's scope. Groups and whatever is not a class by name can match any. */
function canMatch({ action }: PolicyJson, name: string, classes: ReadonlyMap<string, unknown>): boolean {
  const named = actionsOf(action);
  return named === undefined || named.some(({ type, id }) => type !== 'Action' || id === name || !classes.has(id));
}

function actionsOf(action: ActionConstraint): { type: string; id: string }[] | undefined {
  if ('entities' in action) return action.entities.map(plain);
  return 'entity' in action ? [plain(action.entity)] : undefined;
}

/** In its scope or its conditions, whatever it asks of it. */
const looksAtResource = ({ resource, conditions }: PolicyJson): boolean =>
  resource.op !== 'All' || JSON.stringify(conditions).includes('{"Var":"resource"}');

const plain = (uid: EntityUidJson) => ('__entity' in uid ? uid.__entity : uid);
