/**
 * Bundles of format 2 in which a proposer could choose a fact. What decides must be tied to what is done: a row of a table by the place where
 * the contract names the resource, a parameter by the place where the schema has it, an actor's groups by a table of its kind.
 */
import type { Fact } from './class-rule.ts';
import { EVERY, tokensOf } from './pointer.ts';
import { canHoldMember, type JsonType, ONE_ELEMENT, typesAt } from './schema-place.ts';
import type { ClassRule, Contract, Operation, PolicyTables } from './tables.ts';
import { holesOf } from './summary.ts';

const ID: readonly JsonType[] = ['string', 'integer'];
const FACTS: Readonly<Record<Extract<Fact, { from: 'contract' }>['type'], readonly JsonType[]>> = {
  string: ['string'],
  long: ['integer'],
  boolean: ['boolean'],
};

export function tieFaults(tables: PolicyTables): string[] {
  if (tables.format === 1) return [];
  return [
    ...Object.entries(tables.classes).flatMap(([id, rule]) => classFaults(tables, id, rule).map((fault) => `class ${id}: ${fault}`)),
    ...Object.entries(tables.contracts).flatMap(([id, contract]) => [
      ...memberFaults(contract).map((fault) => `contract ${id}: ${fault}`),
      ...Object.entries(contract.operations).flatMap(([name, operation]) =>
        operationFaults(tables, operation).map((fault) => `contract ${id} ${name}: ${fault}`),
      ),
    ]),
    ...actorFaults(tables),
  ];
}

/** Without a contract nothing ties the parameters to the resource that is named beside them. */
function classFaults({ contracts }: PolicyTables, id: string, rule: ClassRule): string[] {
  const operations = Object.values(contracts).flatMap((contract) => Object.values(contract.operations).filter((each) => each.class === id));
  const faults = summaryFaults(rule, operations);
  if (rule.connectorRequired) return faults;
  const tabled = Object.entries(rule.facts).filter(([, { from }]) => from === 'table');
  faults.push(...tabled.map(([name]) => `fact ${name} comes from a table, and no contract ties the resource: require a connector`));
  if (operations.length > 0)
    faults.push('a contract has operations of it, and leaving the connector out would escape the contract: require one');
  return faults;
}

function summaryFaults({ summary = '' }: ClassRule, operations: readonly Operation[]): string[] {
  const pointers = holesOf(summary).filter((hole) => hole.startsWith('/'));
  const isHeld = (pointer: string): boolean =>
    operations.some(({ parameters }) => {
      const types = typesAt(parameters, pointer);
      return types !== ONE_ELEMENT && types.size > 0;
    });
  return operations.length === 0
    ? []
    : pointers.filter((pointer) => !isHeld(pointer)).map((pointer) => `summary: no contract has ${pointer}`);
}

function operationFaults({ classes }: PolicyTables, operation: Operation): string[] {
  const rule = classes[operation.class];
  const faults: string[] = [];
  if (operation.resource === null)
    faults.push('resource is null: the proposer would choose whose row decides; name where the parameters hold it');
  const types = rule?.resourceTypes ?? [];
  if (operation.resourceType === undefined && types.length > 1) {
    faults.push(`its class has several resource types, and the proposer would choose among them: say resourceType`);
  }
  if (operation.resourceType !== undefined && !types.includes(operation.resourceType)) {
    faults.push(`resourceType ${operation.resourceType} is none of its class`);
  }
  const facts = Object.entries(rule?.facts ?? {}).flatMap(([name, fact]): Place[] =>
    fact.from === 'contract' ? [{ what: `fact ${name}`, pointer: fact.pointer, types: FACTS[fact.type] }] : [],
  );
  return [...faults, ...[...placesOf(operation), ...facts].flatMap((place) => placeFaults(operation, place))];
}

interface Place {
  readonly what: string;
  readonly pointer: string | null | undefined;
  /** One of them must be possible there. */
  readonly types: readonly JsonType[];
  readonly every?: boolean;
}

const placesOf = (operation: Operation): Place[] => [
  { what: 'tenant', pointer: operation.tenant, types: ID },
  ...(operation.alsoTenant ?? []).map((pointer) => ({ what: 'alsoTenant', pointer, types: ID, every: true })),
  { what: 'resource', pointer: operation.resource, types: ID },
  { what: 'artifact', pointer: operation.artifact, types: ['string'] },
  { what: 'rollbackPath', pointer: operation.rollbackPath, types: ['object'] },
  { what: 'fields', pointer: operation.fields, types: ['object', 'array'] },
  { what: 'rows', pointer: operation.rows, types: ['array', 'integer'] },
  { what: 'amount', pointer: operation.amount, types: ['integer', 'number'] },
];

/** A pointer to what cannot be there would find nothing, and an optional one would say nothing. */
function placeFaults({ parameters }: Operation, { what, pointer, types, every = false }: Place): string[] {
  if (pointer === null || pointer === undefined) return [];
  if (!every && tokensOf(pointer).includes(EVERY)) return [`${what} ${pointer}: only alsoTenant may say ${EVERY}`];
  const found = typesAt(parameters, pointer);
  if (found === ONE_ELEMENT) return [`${what} ${pointer}: looks at one element of a list, and not at the others`];
  if (types.some((type) => found.has(type))) return [];
  return [`${what} ${pointer}: the schema has no ${types.join(' or ')} there`];
}

/** A name that no parameter can have was mistyped, and would find no tenant. */
const memberFaults = ({ tenantMembers = [], operations }: Contract): string[] =>
  tenantMembers
    .filter((name) => !Object.values(operations).some(({ parameters }) => canHoldMember(parameters, name)))
    .map((name) => `tenantMembers: no operation can hold a member named ${name}`);

/** An actor of a kind without a table is in no group: it would slip past a forbid on the group by naming itself another kind. */
function actorFaults({ actors }: PolicyTables): string[] {
  if (!actors) return [];
  return (['agent', 'person', 'pipeline'] as const)
    .filter((kind) => !actors[kind])
    .map((kind) => `actors: no table of ${kind}: each kind needs one, if an empty one`);
}
