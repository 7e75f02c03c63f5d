/** What in a bundle refers to nothing, or contradicts itself. Policies and JSON Schemas are the engine's to check. */
import type { EvidenceType } from './class-rule.ts';
import { tabled } from './facts.ts';
import { own } from './pointer.ts';
import { resourceOf } from './request.ts';
import { unknownHoles } from './summary.ts';
import type { ClassRule, EnvelopeOperation, Operation, PolicyTables } from './tables.ts';
import { tieFaults } from './tie-faults.ts';
import { unknownWindows, windowFaults } from './window-faults.ts';

/** Empty when the tables hold together. */
export function faultsOf(tables: PolicyTables): string[] {
  return [
    ...Object.entries(tables.classes).flatMap(([id, rule]) => classFaults(tables, id, rule).map((fault) => `class ${id}: ${fault}`)),
    ...operations(tables).flatMap(([name, operation]) => operationFaults(tables, operation).map((fault) => `contract ${name}: ${fault}`)),
    ...resourceFaults(tables),
    ...actorFaults(tables),
    ...envelopeFaults(tables),
    ...Object.entries(tables.approvalRules)
      .filter(([, { group }]) => tables.approverGroups && !Object.hasOwn(tables.approverGroups, group))
      .map(([id, { group }]) => `approval rule ${id}: unlisted group ${group}`),
    ...limitFaults(tables),
    ...windowFaults(tables),
    ...tieFaults(tables),
  ];
}

function classFaults(tables: PolicyTables, id: string, rule: ClassRule): string[] {
  const faults: string[] = [];
  for (const type of rule.resourceTypes) if (!own(tables.resources, type)) faults.push(`resource type ${type} has no table`);
  faults.push(...unknownWindows(tables, rule.window));
  if (rule.incidentOpensWindow === true && rule.window === undefined) faults.push('an incident opens its window, and it has none');
  const facts = Object.values(rule.facts);
  const fromContract = evidenceOf(rule).length > 0 || facts.some((fact) => fact.from === 'contract');
  if (fromContract && !rule.connectorRequired) faults.push('facts come from a contract, so a connector must be required');
  if (rule.connectorRequired && !operations(tables).some(([, operation]) => operation.class === id)) {
    faults.push('no contract has an operation of it, and a connector is required: nothing of it could ever be proposed');
  }
  if (
    facts.some((fact) => fact.from === 'actor-table') &&
    ['agent', 'person', 'pipeline'].some((kind) => !Object.hasOwn(tables.actors ?? {}, kind))
  ) {
    faults.push('a fact comes from the tables of actors: each kind needs one, if an empty one');
  }
  const called = operations(tables).filter(([, operation]) => operation.class === id);
  for (const [name, fact] of Object.entries(rule.facts)) {
    if (fact.from !== 'statement') continue;
    const { evidence, otherwise, type } = fact;
    if (otherwise !== undefined && typeof otherwise !== (type === 'long' ? 'number' : type))
      faults.push(`fact ${name}: otherwise is no ${type}`);
    for (const [operation, { requires = [] }] of called) {
      const isRequired = [...rule.requires, ...requires].includes(evidence);
      if (!isRequired && otherwise === undefined)
        faults.push(`fact ${name}: ${operation} requires no ${evidence}, and nothing is said otherwise`);
    }
  }
  for (const hole of unknownHoles(rule.summary ?? '')) faults.push(`summary: nothing fills {${hole}}`);
  return [...faults, ...attributeFaults(tables, rule)];
}

/** A row without the fact would be denied for ever, and look as if evidence were missing. */
function attributeFaults(tables: PolicyTables, rule: ClassRule): string[] {
  return Object.values(rule.facts).flatMap((fact) => {
    if (fact.from !== 'table') return [];
    const type = fact.type ?? 'string';
    return rule.resourceTypes.flatMap((resourceType) =>
      Object.entries(own(tables.resources, resourceType) ?? {})
        .filter(([, row]) => typeof tabled(row, fact.attribute) !== (type === 'long' ? 'number' : type))
        .map(([id]) => `resource ${resourceType}:${id} has no ${fact.attribute} of type ${type}`),
    );
  });
}

/** All that a proposal of the class may have to show, or may show. */
function evidenceOf(rule: ClassRule): EvidenceType[] {
  const named = Object.values(rule.facts).flatMap((fact) => (fact.from === 'evidence' ? [fact.evidence] : []));
  return [...rule.requires, ...named, ...(rule.incidentOpensWindow === true ? ['incident' as const] : [])];
}

function operationFaults(tables: PolicyTables, operation: Operation): string[] {
  const rule = own(tables.classes, operation.class);
  if (!rule) return [`unknown class ${operation.class}`];
  const evidence = [...evidenceOf(rule), ...(operation.requires ?? [])];
  const faults: string[] = [];
  for (const type of ['ci', 'review'] as const) {
    // A fact may be false without one; what is required must be possible.
    if (evidence.includes(type) && operation.artifact === undefined) faults.push(`${type} evidence needs an artifact pointer`);
  }
  if (evidence.includes('rollback') && operation.rollbackPath === undefined) faults.push('a rollback path needs a pointer');
  return faults;
}

/** Dangling and circular parents: an entity that is in no group slips past a forbid on the group. */
function resourceFaults(tables: PolicyTables): string[] {
  const faults: string[] = [];
  for (const [type, rows] of Object.entries(tables.resources)) {
    if (['agent', 'person', 'pipeline', 'tenant'].includes(type)) faults.push(`resources: ${type} is a type of principals`);
    for (const [id, row] of Object.entries(rows)) {
      for (const parent of row.parents ?? []) {
        if (!resourceOf(tables, parent)) faults.push(`resource ${type}:${id}: unlisted parent ${parent.type}:${parent.id}`);
      }
      if (reaches(tables, { type, id })) faults.push(`resource ${type}:${id}: is its own ancestor`);
    }
  }
  return faults;
}

function actorFaults(tables: PolicyTables): string[] {
  return Object.entries(tables.actors ?? {}).flatMap(([kind, byTenant]) =>
    Object.entries(byTenant ?? {}).flatMap(([tenant, rows]) =>
      Object.entries(rows).flatMap(([id, { parents = [] }]) =>
        parents
          .filter((parent) => !resourceOf(tables, parent))
          .map((parent) => `actor ${kind}:${tenant}#${id}: unlisted parent ${parent.type}:${parent.id}`),
      ),
    ),
  );
}

function reaches(tables: PolicyTables, target: { type: string; id: string }): boolean {
  const seen = new Set<string>();
  const pending = [...(resourceOf(tables, target)?.parents ?? [])];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.type === target.type && next.id === target.id) return true;
    const name = `${next.type}#${next.id}`;
    if (!seen.has(name)) pending.push(...(resourceOf(tables, next)?.parents ?? []));
    seen.add(name);
  }
  return false;
}

function envelopeFaults(tables: PolicyTables): string[] {
  return Object.entries(tables.envelopes).flatMap(([tenant, envelope]) => [
    ...envelope.operations.flatMap((one) => envelopeOperationFaults(tables, one).map((fault) => `envelope ${tenant}: ${fault}`)),
    ...envelope.resourceTypes
      .filter((type) => !own(tables.resources, type))
      .map((type) => `envelope ${tenant}: resource type ${type} has no table`),
  ]);
}

function envelopeOperationFaults(tables: PolicyTables, one: EnvelopeOperation): string[] {
  const name = `${one.connector ?? ''} ${one.operation}`;
  const called = one.connector === undefined ? undefined : own(own(tables.contracts, one.connector)?.operations ?? {}, one.operation);
  if (one.connector !== undefined && !called) return [`unknown operation ${name}`];
  const faults: string[] = [];
  faults.push(...unknownWindows(tables, one.window).map((fault) => `${name}: ${fault}`));
  const limited = { fields: one.fields, rows: one.rowsMax, amount: one.amountMax };
  for (const what of ['fields', 'rows', 'amount'] as const) {
    if (limited[what] !== undefined && called?.[what] === undefined)
      faults.push(`${name}: limits ${what}, and its contract does not say where they are`);
  }
  return faults;
}

/** A limit that cannot be measured would deny for ever. */
function limitFaults(tables: PolicyTables): string[] {
  return Object.entries(tables.limits ?? {}).flatMap(([id, { classes, per, of, over }]) => {
    const faults = classes.flatMap((cls) => {
      const rule = own(tables.classes, cls);
      if (!rule) return [`unknown class ${cls}`];
      const called = operations(tables).filter(([, operation]) => operation.class === cls);
      const isMeasured = of === 'amount' || per.startsWith('/');
      return [
        ...(isMeasured && !rule.connectorRequired ? [`class ${cls}: measures parameters, so a connector must be required`] : []),
        ...called
          .filter(([, operation]) => of === 'amount' && operation.amount === undefined)
          .map(([name]) => `contract ${name} does not say where its amount is`),
      ];
    });
    const unknown = over !== 'deny' && !own(tables.approvalRules, over.approval) ? [`unknown approval rule ${over.approval}`] : [];
    return [...faults, ...unknown].map((fault) => `limit ${id}: ${fault}`);
  });
}

function operations(tables: PolicyTables): [string, Operation][] {
  return Object.entries(tables.contracts).flatMap(([id, contract]) =>
    Object.entries(contract.operations).map(([name, operation]): [string, Operation] => [`${id} ${name}`, operation]),
  );
}
