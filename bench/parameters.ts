/**
 * What the validation of a contract's parameters costs: the worst that `policy check` accepts of each family, on a payload of full size, and
 * the contract that the pipeline's bench uses, with the language's own patterns and with ours, in turns.
 * node --import ./scripts/register.mjs bench/parameters.ts
 */
import { join } from 'node:path';

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import { loadBundleFolder, repositoryRoot } from '#adapters';
import { canonicalBytes, type Json, type PolicyTables } from '#domain';

import { compileSchemas } from '../libs/adapters/src/cedar/schemas.ts';
import { PARAMETERS_BYTES_MAX, schemaFaults } from '../libs/adapters/src/schema/schema-faults.ts';

type Schema = Record<string, Json>;
interface Family {
  readonly name: string;
  /** Grows with `size`, as does its cost. */
  readonly schema: (size: number) => Schema;
  /** The element or member that is repeated until the payload is full. */
  readonly fill: (index: number) => Json;
}

const root = (a: Json): Schema => ({ type: 'object', additionalProperties: false, properties: { a } });
const list = (items: Json, more: Schema = {}): Schema => root({ type: 'array', items, ...more });
const named = (count: number, value: Json): Schema => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, value]));
const INTEGER = { type: 'integer' };
const never = (count: number): Json => Array.from({ length: count }, (_, at) => `never ${at}`);

const FAMILIES: readonly Family[] = [
  { name: 'allOf for each element', schema: (size) => list({ ...INTEGER, allOf: Array<Json>(size).fill({ maximum: 9 }) }), fill: () => 1 },
  {
    name: 'anyOf for each of size elements',
    schema: (size) => list({ anyOf: [{ type: 'null' }, { type: 'string' }, INTEGER] }, { maxItems: size }),
    fill: () => 1,
  },
  {
    name: 'nested anyOf for each of size elements',
    schema: (size) => list({ anyOf: [{ anyOf: [{ type: 'null' }, { type: 'string' }] }, INTEGER] }, { maxItems: size }),
    fill: () => 1,
  },
  {
    name: 'oneOf for each of size elements',
    schema: (size) => list({ oneOf: [{ type: 'null' }, { type: 'boolean' }, INTEGER] }, { maxItems: size }),
    fill: () => 1,
  },
  {
    name: 'not for each of size elements',
    schema: (size) => list({ ...INTEGER, not: { enum: [7, 8] } }, { maxItems: size }),
    fill: () => 1,
  },
  {
    name: 'enum of objects',
    schema: (size) => list({ enum: Array.from({ length: size }, (_, at) => ({ a: at })) }, { maxItems: 1000 }),
    fill: () => ({ a: 0 }),
  },
  {
    name: 'enum of size for each of 1000',
    schema: (size) => list({ enum: [...(never(size) as string[]), 'x'] }, { maxItems: 1000 }),
    fill: () => 'x',
  },
  {
    name: 'uniqueItems of size objects',
    schema: (size) => list({ type: 'object', additionalProperties: INTEGER }, { uniqueItems: true, maxItems: size }),
    fill: (at) => ({ a: at }),
  },
  {
    name: 'uniqueItems of size numbers',
    schema: (size) => list({ type: 'number' }, { uniqueItems: true, maxItems: size }),
    fill: (at) => at + 0.5,
  },
  {
    name: 'uniqueItems of size texts',
    schema: (size) => list({ type: 'string' }, { uniqueItems: true, maxItems: size }),
    fill: (at) => String(at * 1_000_003),
  },
  {
    name: 'contains in size elements',
    schema: (size) => root({ type: 'array', items: INTEGER, contains: { const: 2 }, maxItems: size }),
    fill: () => 1,
  },
  {
    name: 'multipleOf a hundredth, size elements',
    schema: (size) => list({ type: 'number', multipleOf: 0.01 }, { maxItems: size }),
    fill: () => 1.01,
  },
  {
    name: 'properties of each small object',
    schema: (size) => list({ type: 'object', additionalProperties: false, properties: named(size, INTEGER) }),
    fill: () => ({}),
  },
  {
    name: 'size small objects',
    schema: (size) => list({ type: 'object', additionalProperties: false, properties: named(16, INTEGER) }, { maxItems: size }),
    fill: () => ({ m15: 1 }),
  },
  {
    name: 'patternProperties, size patterns',
    schema: (size) =>
      root({
        type: 'object',
        additionalProperties: INTEGER,
        patternProperties: Object.fromEntries(Array.from({ length: size }, (_, at) => [`x${at}$`, INTEGER])),
      }),
    fill: (at) => at,
  },
  {
    name: 'propertyNames of size members',
    schema: (size) => root({ type: 'object', additionalProperties: INTEGER, propertyNames: { pattern: '^[0-9k]+$' }, maxProperties: size }),
    fill: (at) => at,
  },
  {
    name: 'unevaluatedProperties of size members',
    schema: (size) =>
      root({ type: 'object', allOf: [{ properties: { b: INTEGER } }], unevaluatedProperties: INTEGER, maxProperties: size }),
    fill: (at) => at,
  },
  {
    name: 'if for each of size elements',
    schema: (size) => list({ ...INTEGER, if: { const: 2 }, then: { maximum: 9 }, else: { minimum: 0 } }, { maxItems: size }),
    fill: () => 1,
  },
  {
    name: 'patterns of one long text',
    schema: (size) => root({ type: 'string', allOf: Array<Json>(size).fill({ pattern: '^(a|b)*c?(a|é)*$' }) }),
    fill: () => 'a',
  },
  {
    name: 'length of one long text',
    schema: (size) => root({ type: 'string', allOf: Array<Json>(size).fill({ maxLength: 1_000_000 }) }),
    fill: () => 'a',
  },
  {
    name: 'dependentSchemas of one map',
    schema: (size) =>
      root({
        type: 'object',
        additionalProperties: INTEGER,
        dependentSchemas: Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, { minProperties: 1 }])),
      }),
    fill: (at) => at,
  },
  {
    name: 'additionalProperties beside eight names',
    schema: (size) => root({ type: 'object', additionalProperties: INTEGER, properties: named(8, INTEGER), maxProperties: size }),
    fill: (at) => at,
  },
  {
    name: 'lists in lists',
    schema: (size) => list({ type: 'array', items: { ...INTEGER, allOf: Array<Json>(size).fill({ maximum: 9 }) } }),
    fill: () => [1, 1, 1, 1],
  },
];

/** The largest that is accepted. */
function largest({ schema }: Family): number {
  let [low, high] = [0, 200_000];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (schemaFaults(schema(middle)).length === 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

function payload({ fill, schema }: Family, size: number): Json {
  const { a } = schema(size)['properties'] as Record<string, { type: string; maxItems?: number; maxProperties?: number }>;
  const countMax = a?.maxItems ?? a?.maxProperties ?? Infinity;
  if (a?.type === 'string') return { a: 'a'.repeat(PARAMETERS_BYTES_MAX - 8) };
  const bytesOfOne = canonicalBytes([fill(10_000)]).length - 1 + (a?.type === 'object' ? 9 : 0);
  const count = Math.min(countMax, Math.floor(PARAMETERS_BYTES_MAX / bytesOfOne));
  const parts = Array.from({ length: count }, (_, at) => fill(at));
  return { a: a?.type === 'object' ? Object.fromEntries(parts.map((part, at) => [`k${at}`, part])) : parts };
}

function compiled(parameters: Schema): ValidateFunction {
  const tables = { format: 2, contracts: { bench: { version: '1', operations: { run: { parameters } } } } } as unknown as PolicyTables;
  const { validators, faults } = compileSchemas(tables);
  const [validate] = validators.values();
  if (!validate) throw new Error(`not accepted: ${faults.join('; ').slice(0, 300)}`);
  return validate;
}

/** Of this thread, so that what else the machine does is not in it. */
const ms = (run: () => unknown): number => {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
};
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

console.log('family                                     | size accepted | first ms | median ms | worst ms');
for (const family of FAMILIES) {
  const size = largest(family);
  if (size === 0) {
    console.log(`${family.name.padEnd(42)} | none`);
    continue;
  }
  const value = payload(family, size);
  const first = Math.min(...Array.from({ length: 5 }, () => compiled(family.schema(size))).map((fresh) => ms(() => fresh(value))));
  const validate = compiled(family.schema(size));
  const all = Array.from({ length: 31 }, () => ms(() => validate(value)));
  console.log(
    `${family.name.padEnd(42)} | ${String(size).padStart(13)} | ${first.toFixed(2).padStart(8)} | ${median(all).toFixed(2).padStart(9)} | ${Math.max(...all).toFixed(2)}`,
  );
}

/** In turns, so that neither has the better half of the minute. */
const document = loadBundleFolder(join(repositoryRoot(), 'policies', 'standard')) as unknown as PolicyTables;
const ROUNDS = 30;
const CALLS = 20_000;
for (const [contract, operation, value] of [
  ['crm', 'update-record', { tenantId: 'acme', recordType: 'customer', recordId: 'c-1029', fields: { phone: '+49 30 5550100' } }],
  [
    'deploy',
    'deploy',
    {
      service: 'checkout',
      artifactDigest: `sha256:${'5f'.repeat(32)}`,
      rollback: { operation: 'rollback', reference: `sha256:${'4e'.repeat(32)}` },
    },
  ],
] as const) {
  const parameters = document.contracts[contract]?.operations[operation]?.parameters ?? {};
  const native = new Ajv2020({ strict: true, ownProperties: true, logger: false, allowUnionTypes: true }).compile(parameters);
  const ours = compiled(parameters);
  const took = { native: [] as number[], ours: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, validate] of [
      ['native', native],
      ['ours', ours],
    ] as const) {
      took[name].push(
        (ms(() => {
          for (let call = 0; call < CALLS; call += 1) validate(value);
        }) /
          CALLS) *
          1e6,
      );
    }
  }
  console.log(
    `${contract} ${operation}: ${median(took.native).toFixed(0)} ns with the language's patterns, ${median(took.ours).toFixed(0)} ns with ours`,
  );
}
