/** What in a bundle refers to nothing, or contradicts itself. Policies and JSON Schemas are the engine's to check. */
import { own } from './pointer.ts';
import { resourceOf } from './request.ts';
import type { ClassRule, Operation, PolicyTables } from './tables.ts';

/** Empty when the tables hold together. */
export function faultsOf(tables: PolicyTables): string[] {
  return [
    ...Object.entries(tables.classes).flatMap(([id, rule]) => classFaults(tables, id, rule).map((fault) => `class ${id}: ${fault}`)),
    ...operations(tables).flatMap(([name, operation]) => operationFaults(tables, operation).map((fault) => `contract ${name}: ${fault}`)),
    ...resourceFaults(tables),
    ...envelopeFaults(tables),
    ...Object.entries(tables.windows)
      .filter(([, window]) => window.fromMinute >= window.toMinute)
      .map(([id]) => `window ${id}: never open`),
  ];
}

function classFaults(tables: PolicyTables, id: string, rule: ClassRule): string[] {
  const faults: string[] = [];
  for (const type of rule.resourceTypes) if (!own(tables.resources, type)) faults.push(`resource type ${type} has no table`);
  if (rule.window !== undefined && !own(tables.windows, rule.window)) faults.push(`unknown window ${rule.window}`);
  const fromContract = rule.requires.length > 0 || Object.values(rule.facts).some((fact) => fact.from !== 'table');
  if (fromContract && !rule.connectorRequired) faults.push('facts come from a contract, so a connector must be required');
  if (rule.connectorRequired && !operations(tables).some(([, operation]) => operation.class === id)) {
    faults.push('no contract has an operation of it, and a connector is required: nothing of it could ever be proposed');
  }
  return faults;
}

function operationFaults(tables: PolicyTables, operation: Operation): string[] {
  const rule = own(tables.classes, operation.class);
  if (!rule) return [`unknown class ${operation.class}`];
  const evidence = [...rule.requires, ...Object.values(rule.facts).map((fact) => (fact.from === 'evidence' ? fact.evidence : ''))];
  const faults: string[] = [];
  if (evidence.includes('ci') && operation.artifact === undefined) faults.push('ci evidence needs an artifact pointer');
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
    ...envelope.operations
      .filter(({ connector, operation }) => connector !== undefined && !own(own(tables.contracts, connector)?.operations ?? {}, operation))
      .map(({ connector, operation }) => `envelope ${tenant}: unknown operation ${connector ?? ''} ${operation}`),
    ...envelope.resourceTypes
      .filter((type) => !own(tables.resources, type))
      .map((type) => `envelope ${tenant}: resource type ${type} has no table`),
  ]);
}

function operations(tables: PolicyTables): [string, Operation][] {
  return Object.entries(tables.contracts).flatMap(([id, contract]) =>
    Object.entries(contract.operations).map(([name, operation]): [string, Operation] => [`${id} ${name}`, operation]),
  );
}
