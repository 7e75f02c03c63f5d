/** What a bundle of format 1 cannot say. Format 1 keeps the meaning that it had when it was the only one: ledgers replay by it. */
import type { PolicyTables } from './tables.ts';

/** Words of format 2 in a bundle of format 1: the decider of its time would have refused it. */
export function wordsBeyondFormat(tables: PolicyTables): string[] {
  if (tables.format !== 1) return [];
  const named = [
    ...Object.entries(tables.classes).map(([id, { window }]) => [`class ${id}`, window] as const),
    ...Object.entries(tables.envelopes).flatMap(([tenant, { operations }]) =>
      operations.map(({ operation, window }) => [`envelope ${tenant}: ${operation}`, window] as const),
    ),
  ];
  return [
    ...named.filter(([, window]) => Array.isArray(window)).map(([where]) => `${where}: several windows need format 2`),
    ...Object.entries(tables.contracts).flatMap(([id, { tenantMembers, operations }]) => [
      ...(tenantMembers === undefined ? [] : [`contract ${id}: tenantMembers need format 2`]),
      ...Object.entries(operations)
        .filter(([, { resourceType }]) => resourceType !== undefined)
        .map(([name]) => `contract ${id} ${name}: a resourceType needs format 2`),
    ]),
    ...(tables.limits === undefined ? [] : ['limits need format 2']),
    ...Object.entries(tables.classes).flatMap(([id, { facts, evidenceMaxAgeSeconds }]) => [
      ...(evidenceMaxAgeSeconds === undefined ? [] : [`class ${id}: an age of evidence needs format 2`]),
      ...(Object.values(facts).some(({ from }) => from === 'statement') ? [`class ${id}: facts from statements need format 2`] : []),
    ]),
  ];
}
