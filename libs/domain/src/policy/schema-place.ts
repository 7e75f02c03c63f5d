/** What a JSON Schema lets stand at a pointer, read from the schema alone. */
import type { Json } from '../formats/canonical-json.ts';
import { EVERY, isIndex, own, tokensOf } from './pointer.ts';

type Schema = Readonly<Record<string, Json>>;
export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';
const ALL: readonly JsonType[] = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];

/** A pointer that leads to one element of a list: the others would go unseen. */
export const ONE_ELEMENT = 'one element';

/** Types of the values that can stand there; none where nothing can. */
export function typesAt(root: Schema, pointer: string): ReadonlySet<JsonType> | typeof ONE_ELEMENT {
  // Definitions that refer on may come back to themselves; the engine refuses them.
  if (JSON.stringify(root['$defs'] ?? {}).includes('"$ref"')) return new Set();
  let places: readonly Schema[] = [root];
  for (const token of tokensOf(pointer)) {
    const isOne = isIndex(token) && places.some((place) => mayBe(root, place, 'array') && elementsOf(root, place).length > 0);
    if (isOne) return ONE_ELEMENT;
    places = places.flatMap((place) => below(root, place, token));
  }
  return new Set(places.flatMap((place) => [...typesOf(root, place)]));
}

/** Whether a member of this name can stand anywhere in it, at any depth. */
export function canHoldMember(schema: Json | undefined, name: string): boolean {
  if (Array.isArray(schema)) return schema.some((item) => canHoldMember(item, name));
  if (!isSchema(schema)) return false;
  const { properties, additionalProperties, patternProperties, unevaluatedProperties, ...rest } = objectIn(schema);
  const named = objectIn(properties);
  if (Object.hasOwn(named, name) || [additionalProperties, unevaluatedProperties].some(isSchema) || patternProperties !== undefined)
    return true;
  const inside = ['$defs', 'dependentSchemas'].flatMap((word) => Object.values(objectIn(rest[word])));
  const words = ['items', 'prefixItems', 'contains', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'].map((word) => rest[word]);
  return [...Object.values(named), ...inside, ...words].some((below) => canHoldMember(below, name));
}

/** The schemas of what a token leads to, from one schema: several where it has branches. */
function below(root: Schema, schema: Schema, token: string): Schema[] {
  const found = mayBe(root, schema, 'object') ? (token === EVERY ? membersOf(root, schema) : (memberOf(root, schema, token) ?? [])) : [];
  return token === EVERY && mayBe(root, schema, 'array') ? [...found, ...elementsOf(root, schema)] : found;
}

/** undefined: it cannot be there, whatever other schemas on the same value say. */
function memberOf(root: Schema, schema: Schema, name: string): Schema[] | undefined {
  const member = own(objectIn(schema['properties']), name);
  const found = member === undefined ? [] : [objectIn(member)];
  for (const [pattern, value] of Object.entries(objectIn(schema['patternProperties'])))
    if (isFound(pattern, name)) found.push(objectIn(value));
  const { additionalProperties, unevaluatedProperties } = schema;
  if (found.length === 0 && additionalProperties === false) return undefined;
  if (found.length === 0 && isSchema(additionalProperties)) found.push(objectIn(additionalProperties));
  for (const all of together(root, schema)) {
    const inside = memberOf(root, all, name);
    if (!inside) return undefined;
    found.push(...inside);
  }
  for (const word of ['anyOf', 'oneOf']) {
    const branches = listIn(schema[word]);
    const inside = branches.map((branch) => memberOf(root, branch, name)).filter((held) => held !== undefined);
    if (branches.length > 0 && inside.length === 0) return undefined;
    found.push(...inside.flat());
  }
  for (const branch of conditional(schema)) found.push(...(memberOf(root, branch, name) ?? []));
  if (found.length === 0 && isSchema(unevaluatedProperties)) found.push(objectIn(unevaluatedProperties));
  return found;
}

function membersOf(root: Schema, schema: Schema): Schema[] {
  const open = [schema['additionalProperties'], schema['unevaluatedProperties']].filter(isSchema);
  const named = ['properties', 'patternProperties'].flatMap((word) => Object.values(objectIn(schema[word])));
  return [...named, ...open].map(objectIn).concat(onSameValue(root, schema).flatMap((same) => membersOf(root, same)));
}

function elementsOf(root: Schema, schema: Schema): Schema[] {
  const open = [schema['items'], schema['unevaluatedItems']].filter(isSchema).map(objectIn);
  return [...listIn(schema['prefixItems']), ...open, ...onSameValue(root, schema).flatMap((same) => elementsOf(root, same))];
}

function typesOf(root: Schema, schema: Schema): ReadonlySet<JsonType> {
  let types = new Set(namedTypes(schema));
  const narrow = (by: ReadonlySet<JsonType>): void => {
    types = new Set([...types].filter((type) => by.has(type)));
  };
  for (const all of together(root, schema)) narrow(typesOf(root, all));
  for (const word of ['anyOf', 'oneOf']) {
    const branches = listIn(schema[word]);
    if (branches.length > 0) narrow(new Set(branches.flatMap((branch) => [...typesOf(root, branch)])));
  }
  return types;
}

function namedTypes({ type, const: only, enum: choices }: Schema): readonly JsonType[] {
  if (Array.isArray(choices)) return choices.map(typeOf);
  if (only !== undefined) return [typeOf(only)];
  const named = (Array.isArray(type) ? type : [type]).filter((each): each is JsonType => (ALL as readonly unknown[]).includes(each));
  if (named.includes('number')) return [...named, 'integer'];
  return named.length === 0 ? ALL : named;
}

function typeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'string' | 'boolean' | 'object';
}

const mayBe = (root: Schema, schema: Schema, type: JsonType): boolean => typesOf(root, schema).has(type);
const isSchema = (value: Json | undefined): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const objectIn = (value: Json | undefined): Schema => (isSchema(value) ? (value as Schema) : {});
const listIn = (value: Json | undefined): Schema[] => (Array.isArray(value) ? value.map(objectIn) : []);

/** Schemas that hold of the same value in any case; `$ref` leads from outside `$defs` into them, once. */
function together(root: Schema, { allOf, $ref }: Schema): Schema[] {
  const referred = typeof $ref === 'string' ? [objectIn(own(objectIn(root['$defs']), $ref.slice('#/$defs/'.length)))] : [];
  return [...listIn(allOf), ...referred];
}
const conditional = (schema: Schema): Schema[] => [
  ...['then', 'else']
    .map((word) => schema[word])
    .filter(isSchema)
    .map(objectIn),
  ...Object.values(objectIn(schema['dependentSchemas'])).map(objectIn),
];
const onSameValue = (root: Schema, schema: Schema): Schema[] => [
  ...together(root, schema),
  ...['anyOf', 'oneOf'].flatMap((word) => listIn(schema[word])),
  ...conditional(schema),
];

/** Of a pattern that is not one: that is the engine's to say. */
function isFound(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(name);
  } catch {
    return false;
  }
}
