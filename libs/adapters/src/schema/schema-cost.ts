/** How many steps ajv may take to compare a value with a schema, at worst. docs/decisions/0026 has where the weights come from. */
import type { Json } from '#domain';

import { cost, type Cost, each, NOTHING, shared, sum } from './cost.ts';
import { isSchema, listIn, listOf, objectIn, schemaIn, type Schema, typesOf } from './schema-words.ts';

/** A branch that does not fit leaves an error behind: an object with the place as text. */
const BRANCH = 20;
/** Each character is counted, or looked up in a pattern's table. */
const PER_CHARACTER = 0.5;
/** A decimal is multiplied, rounded, divided and compared. */
const MULTIPLE_OF = 5;
/** All members are gone through; those of a large object are in no order that is quick to read. */
const LOOP = 12;
/** A value is compared with one of a list. */
const CHOICE = 3;
/** An own member is looked for by its name. */
const MEMBER = 2;
/** Members that were looked at are written down. */
const EVALUATED = 10;
/** A number becomes a text, and an entry of a table. */
const UNIQUE = 120;
/** Half of the pairs of two objects, each with its list of members. */
const EQUAL = 5;
/** `"":1,` */
const MEMBER_BYTES = 5;

/** Of the whole schema. `$ref` leads to `$defs` only, and from there nowhere: schema-faults.ts. */
export function costOf(root: Schema): Cost {
  const known = new Map<string, Cost>();
  const defs = objectIn(root['$defs']);
  const deref = (name: string): Cost => {
    const before = known.get(name);
    if (before) return before;
    const found = of(schemaIn(defs[name]));
    known.set(name, found);
    return found;
  };

  function of(schema: Schema): Cost {
    return sum(cost(ownSteps(schema), ownPerByte(schema)), inPlace(schema), members(schema), items(schema));
  }

  /** Applied to the value itself. */
  function inPlace(schema: Schema): Cost {
    const branches = [
      ...listIn(schema['anyOf']),
      ...listIn(schema['oneOf']),
      ...['not', 'if', 'then', 'else'].flatMap((name) => (name in schema ? [schemaIn(schema[name])] : [])),
    ];
    const { $ref } = schema;
    return sum(
      ...listIn(schema['allOf']).map(of),
      ...branches.map((branch) => sum(cost(BRANCH), of(branch))),
      ...Object.values(objectIn(schema['dependentSchemas'])).map((each) => sum(cost(MEMBER), of(schemaIn(each)))),
      typeof $ref === 'string' ? sum(cost(1), deref($ref.slice('#/$defs/'.length))) : NOTHING,
    );
  }

  function members(schema: Schema): Cost {
    const named = Object.values(objectIn(schema['properties'])).map(schemaIn);
    const patterns = Object.values(objectIn(schema['patternProperties'])).map(schemaIn);
    const rest = ['additionalProperties', 'unevaluatedProperties'].flatMap((name) =>
      isSchema(schema[name]) ? [of(schemaIn(schema[name]))] : [],
    );
    const names = isSchema(schema['propertyNames']) ? sum(cost(BRANCH), of(schemaIn(schema['propertyNames']))) : NOTHING;
    const look = cost(ownPerMember(schema), patterns.length * PER_CHARACTER);
    // The first that is not named is the last that is looked at.
    const isClosed = schema['additionalProperties'] === false && patterns.length === 0;
    const countMax = Math.min(countIn(schema['maxProperties']), isClosed ? named.length + 1 : Infinity);
    const any = each(sum(look, names, ...patterns.map(of), ...rest), { bytesMin: MEMBER_BYTES, countMax });
    return sum(any, shared(...named.map(of)));
  }

  function items(schema: Schema): Cost {
    const item = schemaIn(schema['items']);
    const countMax = countIn(schema['maxItems']);
    const contained = 'contains' in schema ? sum(cost(BRANCH), of(schemaIn(schema['contains']))) : NOTHING;
    const rest = isSchema(schema['unevaluatedItems']) ? sum(cost(EVALUATED), of(schemaIn(schema['unevaluatedItems']))) : NOTHING;
    return sum(
      shared(...listIn(schema['prefixItems']).map(of)),
      'items' in schema ? each(sum(cost(1), of(item)), { bytesMin: bytesOf(item, root) + 1, countMax }) : NOTHING,
      each(sum(contained, rest), { bytesMin: 2, countMax }),
      schema['uniqueItems'] === true ? unique(item, countMax) : NOTHING,
    );
  }
  return of(root);
}

/** By a table where all are numbers or all are texts; else each is compared with each. */
function unique(item: Schema, countMax: number): Cost {
  const types = typesOf(item);
  if (types.length > 0 && !types.includes('object') && !types.includes('array')) return each(cost(UNIQUE), { bytesMin: 2, countMax });
  return countMax === Infinity ? cost(Infinity) : cost(EQUAL * countMax * countMax, countMax / 4);
}

/** The value is looked at, and each word that is about itself. */
function ownSteps(schema: Schema): number {
  let steps = 1;
  for (const [word, value] of Object.entries(schema)) {
    if (word === 'enum' || word === 'const') steps += CHOICE * sizeOf(value);
    else if (word === 'required') steps += MEMBER * listOf(value).length;
    else if (word === 'properties') steps += MEMBER * Object.keys(objectIn(value)).length;
    else if (word === 'dependentRequired')
      steps += Object.values(objectIn(value)).reduce<number>((all, names) => all + MEMBER * (1 + listOf(names).length), 0);
    else if (word === 'multipleOf') steps += MULTIPLE_OF;
    else steps += 1;
  }
  return steps;
}

function ownPerByte(schema: Schema): number {
  return ['minLength', 'maxLength', 'pattern'].filter((word) => word in schema).length * PER_CHARACTER;
}

/** Whether it is one of those that are named, and how many there are. */
function ownPerMember(schema: Schema): number {
  const once = ['additionalProperties', 'propertyNames', 'minProperties', 'maxProperties', 'unevaluatedProperties'];
  const loops = once.filter((word) => word in schema).length + Object.keys(objectIn(schema['patternProperties'])).length;
  const named = 'additionalProperties' in schema ? Math.min(8, Object.keys(objectIn(schema['properties'])).length) : 0;
  return LOOP * loops + named;
}

/** A value that fits has at least so many bytes. */
function bytesOf(schema: Schema, root: Schema): number {
  const { $ref } = schema;
  const referred = typeof $ref === 'string' ? bytesOf(schemaIn(objectIn(root['$defs'])[$ref.slice('#/$defs/'.length)]), root) : 1;
  const types = typesOf(schema);
  return Math.max(referred, types.length === 0 ? 1 : Math.min(...types.map((type) => bytesAs(type, schema, root))));
}

function bytesAs(type: string, schema: Schema, root: Schema): number {
  if (type === 'string') return 2 + numberIn(schema['minLength']);
  if (type === 'boolean' || type === 'null') return 4;
  if (type === 'array') return 2 + numberIn(schema['minItems']) * (1 + bytesOf(schemaIn(schema['items']), root));
  if (type !== 'object') return 1;
  const named = objectIn(schema['properties']);
  const required = listOf(schema['required']).filter((name) => typeof name === 'string');
  return required.reduce((all, name) => all + 4 + name.length + bytesOf(schemaIn(named[name]), root), 2);
}

/** Values in it, at any depth. */
function sizeOf(value: Json): number {
  return typeof value === 'object' && value !== null ? Object.values(value).reduce<number>((all, member) => all + sizeOf(member), 1) : 1;
}

const numberIn = (value: Json | undefined): number => (typeof value === 'number' ? value : 0);
const countIn = (value: Json | undefined): number => (typeof value === 'number' ? value : Infinity);
