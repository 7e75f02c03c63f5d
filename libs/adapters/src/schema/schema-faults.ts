/**
 * What a contract's JSON Schema may not hold in a bundle of format 2. It is a list of what is allowed: a word that is not in it might cost
 * what nobody has counted.
 */
import type { Json } from '#domain';

import { stepsFor } from './cost.ts';
import { divisorOf } from './multiple-of.ts';
import { patternOf } from './pattern.ts';
import { PatternError } from './pattern-syntax.ts';
import { costOf } from './schema-cost.ts';
import { listIn, objectIn, typesOf } from './schema-words.ts';

/** A proposal's payload has at most 128 KiB, and its parameters are part of it. */
export const PARAMETERS_BYTES_MAX = 128 * 1024;
/** 5 ms, in steps of 10 ns: a lane decides some thousand proposals a second, and one may not take the time of many. */
export const STEPS_MAX = 500_000;

const WORDS = new Set([
  ...['$schema', '$defs', '$ref', '$comment', 'title', 'description', 'examples', 'default', 'deprecated', 'readOnly', 'writeOnly'],
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'],
  ...['maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains'],
  ...['maxProperties', 'minProperties', 'required', 'dependentRequired', 'dependentSchemas', 'properties', 'patternProperties'],
  ...['additionalProperties', 'propertyNames', 'unevaluatedProperties', 'unevaluatedItems', 'items', 'prefixItems', 'contains'],
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'],
]);
/** Their value is a schema, a list of schemas, or an object whose members are schemas. */
const ONE = [
  'additionalProperties',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
  'items',
  'contains',
  'not',
  'if',
  'then',
  'else',
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
/** Applied to the very value that the schema around them is about. */
const SAME_VALUE = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'];
const NAMED = ['$defs', 'properties', 'patternProperties', 'dependentSchemas'];

type Schema = Readonly<Record<string, Json>>;

export function schemaFaults(root: Schema): string[] {
  const faults = new Set<string>();
  if (root['type'] !== 'object') faults.add('type is not object');
  if (root['additionalProperties'] !== false && root['unevaluatedProperties'] !== false) faults.add('takes unknown members');
  walk(root, { path: '', insideDefinition: false, isTyped: false, isClosed: false }, faults);
  if (faults.size > 0) return [...faults]; // what follows takes the schema to be sound
  const steps = stepsFor(costOf(root), PARAMETERS_BYTES_MAX);
  if (steps <= STEPS_MAX) return [];
  const found = steps === Infinity ? 'without bound' : `${Math.ceil(steps / 100_000) * 100_000} steps`;
  return [
    `a payload of ${PARAMETERS_BYTES_MAX} bytes could cost ${found}, at most ${STEPS_MAX}: bound lists by maxItems, maps by maxProperties, and say required`,
  ];
}

interface At {
  readonly path: string;
  readonly insideDefinition: boolean;
  /** A schema on the same value says its type. */
  readonly isTyped: boolean;
  /** A schema on the same value says what its further members are. */
  readonly isClosed: boolean;
}

function walk(value: Json, at: At, faults: Set<string>): void {
  if (typeof value === 'boolean') {
    if (value) faults.add(`${at.path || '/'}: takes anything: say its type`);
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return; // ajv says what is no schema
  for (const [word, member] of Object.entries(value)) faultsOfWord(word, member, at, faults);
  const isTyped = at.isTyped || ['type', 'const', 'enum', '$ref'].some((word) => word in value);
  const isClosed = at.isClosed || 'additionalProperties' in value || 'unevaluatedProperties' in value;
  if (!isTyped && !['allOf', 'anyOf', 'oneOf'].some((word) => word in value)) faults.add(`${at.path || '/'}: takes anything: say its type`);
  if (isObject(value) && !isClosed) faults.add(`${at.path || '/'}: takes unknown members: say additionalProperties`);
  for (const { child, word, name } of children(value)) {
    const isSameValue = SAME_VALUE.includes(word);
    const insideDefinition = at.insideDefinition || word === '$defs';
    const below = {
      path: `${at.path}/${name}`,
      insideDefinition,
      isTyped: (isSameValue && isTyped) || word === 'propertyNames',
      isClosed: isSameValue && isClosed,
    };
    if (!(child === true && below.isTyped)) walk(child, below, faults);
  }
}

function* children(schema: Schema): Generator<{ readonly child: Json; readonly word: string; readonly name: string }> {
  for (const word of ONE) {
    const child = schema[word];
    if (child !== undefined && child !== false) yield { child, word, name: word };
  }
  for (const word of LIST) for (const [index, child] of listIn(schema[word]).entries()) yield { child, word, name: `${word}/${index}` };
  for (const word of NAMED) {
    for (const [key, child] of Object.entries(objectIn(schema[word]))) yield { child, word, name: `${word}/${key}` };
  }
}

function faultsOfWord(word: string, member: Json, { insideDefinition }: At, faults: Set<string>): void {
  if (!WORDS.has(word))
    faults.add(word === 'format' ? `format ${JSON.stringify(member)} is not checked: use pattern` : `${word} is not supported`);
  // One step only: a definition that refers on could come back to itself, and cost 2^depth.
  if (word === '$ref' && (insideDefinition || typeof member !== 'string' || !member.startsWith('#/$defs/'))) {
    faults.add('$ref goes from outside $defs to #/$defs/… only');
  }
  if (word === 'pattern' && typeof member === 'string') faultsOfPattern(member, faults);
  if (word === 'patternProperties' && typeof member === 'object' && member !== null) {
    for (const pattern of Object.keys(member)) faultsOfPattern(pattern, faults);
  }
  if (word === 'multipleOf' && typeof member === 'number' && !divisorOf(member))
    faults.add(`multipleOf ${member}: expected up to 15 digits`);
}

function faultsOfPattern(text: string, faults: Set<string>): void {
  try {
    patternOf(text);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    faults.add(`pattern ${text}: ${error.message}`);
  }
}

const isObject = (schema: Schema): boolean => typesOf(schema).includes('object');
