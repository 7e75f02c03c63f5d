import { describe, expect, it } from 'vitest';

import type { Json } from '../formats/canonical-json.ts';
import { canHoldMember, typesAt } from './schema-place.ts';

type Schema = Record<string, Json>;
const closed = (properties: Schema, more: Schema = {}): Schema => ({ type: 'object', additionalProperties: false, properties, ...more });
const TEXT = { type: 'string' };
const at = (schema: Schema, pointer: string) => {
  const found = typesAt(schema, pointer);
  return typeof found === 'string' ? found : [...found].sort();
};

describe('what a schema lets stand at a pointer', () => {
  it.each<[string, Schema, string, string[] | string]>([
    ['a member', closed({ a: TEXT }), '/a', ['string']],
    ['a member of a member', closed({ a: closed({ b: { type: ['integer', 'null'] } }) }), '/a/b', ['integer', 'null']],
    ['no member that is not named', closed({ a: TEXT }), '/b', []],
    ['nothing below a text', closed({ a: TEXT }), '/a/b', []],
    ['any member of a map', closed({ a: { type: 'object', additionalProperties: TEXT } }), '/a/whatever', ['string']],
    ['a member whose name fits a pattern', closed({}, { patternProperties: { '^x-': { type: 'boolean' } } }), '/x-y', ['boolean']],
    ['no member whose name does not', closed({}, { patternProperties: { '^x-': { type: 'boolean' } } }), '/y', []],
    ['each element', closed({ a: { type: 'array', items: closed({ b: TEXT }) } }), '/a/*/b', ['string']],
    ['each member', closed({ a: closed({ b: TEXT, c: { type: 'integer' } }) }), '/a/*', ['integer', 'string']],
    ['one element', closed({ a: { type: 'array', items: TEXT } }), '/a/0', 'one element'],
    ['a choice', closed({ a: { enum: ['x', 1, null] } }), '/a', ['integer', 'null', 'string']],
    ['a constant', closed({ a: { const: 'x' } }), '/a', ['string']],
    ['either branch', closed({ a: { oneOf: [closed({ b: TEXT }), closed({ c: TEXT })] } }), '/a/c', ['string']],
    ['no branch', closed({ a: { oneOf: [closed({ b: TEXT }), closed({ c: TEXT })] } }), '/a/d', []],
    ['a definition', closed({ a: { $ref: '#/$defs/x' } }, { $defs: { x: closed({ b: TEXT }) } }), '/a/b', ['string']],
    ['nothing where definitions refer on', closed({ a: { $ref: '#/$defs/x' } }, { $defs: { x: { $ref: '#/$defs/x' } } }), '/a', []],
    ['all of several', { type: 'object', allOf: [{ properties: { a: TEXT } }], unevaluatedProperties: false }, '/a', ['string']],
    ['no member that one of all forbids', { type: 'object', allOf: [closed({ a: TEXT })], additionalProperties: TEXT }, '/b', []],
    ['what a condition brings', closed({ a: { type: 'object', then: { properties: { b: TEXT } } } }), '/a/b', ['string']],
    ['no member that is named like a prototype', closed({ a: TEXT }), '/constructor', []],
  ])('%s', (_what, schema, pointer, types) => {
    expect(at(schema, pointer)).toEqual(types);
  });
});

it('a schema can hold a member of a name where it names it at some depth, or where it takes any name', () => {
  const deep = closed({ a: { type: 'array', items: { anyOf: [TEXT, closed({ tenantId: TEXT })] } } });
  expect([canHoldMember(deep, 'tenantId'), canHoldMember(deep, 'tenatId')]).toEqual([true, false]);
  expect(canHoldMember(closed({ a: { type: 'object', additionalProperties: TEXT } }), 'tenantId')).toBe(true);
});
