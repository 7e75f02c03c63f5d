import type { Json } from '#domain';
import { describe, expect, it } from 'vitest';

import { schemaFaults } from './schema-faults.ts';

const object = (properties: Record<string, Json>, more: Record<string, Json> = {}) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...more,
});
const withA = (a: Json, more?: Record<string, Json>) => schemaFaults(object({ a }, more)).join('\n');
const TEXT = { type: 'string' };

describe('a schema of parameters', () => {
  const line = object({ sku: TEXT, count: { type: 'integer', minimum: 1 }, price: { type: 'number', multipleOf: 0.01 } });
  it.each<[string, Json]>([
    ['a text with a pattern, of any length', { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }],
    ['a list of numbers, of any length', { type: 'array', items: { type: 'integer', minimum: 0, maximum: 9 } }],
    ['a map of labels', { type: 'object', additionalProperties: TEXT, propertyNames: { pattern: '^[a-z]+$' }, maxProperties: 64 }],
    ['order lines', { type: 'array', items: { ...line, required: ['sku', 'count', 'price'] }, maxItems: 1000 }],
    ['a list of unique names', { type: 'array', items: TEXT, uniqueItems: true, maxItems: 1000 }],
    ['one of two shapes', { oneOf: [object({ id: TEXT }), object({ name: TEXT })] }],
    ['a condition', object({ x: TEXT, y: TEXT }, { if: { properties: { x: { const: 'y' } } }, then: { required: ['y'] } })],
    ['an object put together from others', { type: 'object', allOf: [{ properties: { x: TEXT } }], unevaluatedProperties: false }],
  ])('may hold %s', (_what, a) => {
    expect(withA(a)).toBe('');
  });

  it.each<[string, Json, string]>([
    ['a list of long choices', { type: 'array', items: { enum: Array.from({ length: 200 }, (_, at) => `choice ${at}`) } }, 'could cost'],
    ['a list of branches', { type: 'array', items: { anyOf: [TEXT, { type: 'number' }, { type: 'null' }] } }, 'could cost'],
    ['unique objects without bound', { type: 'array', items: object({ x: TEXT }), uniqueItems: true }, 'could cost without bound'],
    ['many unique objects', { type: 'array', items: object({ x: TEXT }), uniqueItems: true, maxItems: 1000 }, 'could cost'],
    [
      'a thousand rules for each element',
      { type: 'array', items: { type: 'integer', allOf: Array(1000).fill({ maximum: 9 }) } },
      'could cost',
    ],
    [
      'patterns for each name',
      object({}, { patternProperties: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`x${at}`, TEXT])) }),
      'could cost',
    ],
    [
      'a search through lists of lists',
      { type: 'array', items: { type: 'array', contains: { anyOf: [TEXT, { type: 'null' }] } } },
      'could cost',
    ],
    [
      'a definition that many refer to',
      { type: 'array', items: { type: 'integer', allOf: Array(50).fill({ $ref: '#/$defs/d' }) } },
      'could cost',
    ],
    ['anything', {}, '/properties/a: takes anything'],
    ['anything, said otherwise', true, '/properties/a: takes anything'],
    ['a list of anything', { type: 'array', items: true }, '/properties/a/items: takes anything'],
    ['an open object', { type: 'object' }, '/properties/a: takes unknown members'],
    [
      'an open object in a list',
      { type: 'array', items: { type: 'object', properties: {} } },
      '/properties/a/items: takes unknown members',
    ],
    ['a map of anything', { type: 'object', additionalProperties: true }, 'takes anything'],
    ['a pattern that looks ahead', { type: 'string', pattern: '^(?=a)' }, 'pattern ^(?=a): it looks ahead'],
    ['a pattern of a name that refers back', object({}, { patternProperties: { '(a)\\1': TEXT } }), 'is not supported'],
    ['a format', { type: 'string', format: 'date' }, 'format "date" is not checked'],
    ['a word that is unknown', { type: 'string', minimun: 1 }, 'minimun is not supported'],
    ['a word for schemas elsewhere', { type: 'string', $id: 'x' }, '$id is not supported'],
    ['a divisor that no value has', { type: 'number', multipleOf: 1 / 3 }, 'expected up to 15 digits'],
  ])('may not hold %s', (_what, a, fault) => {
    const $defs = { d: { type: 'integer', enum: Array.from({ length: 50 }, (_, at) => at) } };
    expect(withA(a, { $defs })).toContain(fault);
  });

  it('may be nested as deep as JSON goes, and is worked out once', () => {
    const deep = Array.from({ length: 28 }).reduce<Json>((items) => ({ type: 'array', items, maxItems: 2 }), { type: 'integer' });
    expect(withA(deep)).toContain('could cost');
    expect(withA(Array.from({ length: 28 }).reduce<Json>((a) => object({ a }), TEXT))).toBe('');
  });
  it('is an object that names its members', () => {
    expect(schemaFaults({ type: 'array' }).join()).toContain('type is not object');
    expect(schemaFaults({ type: 'object', properties: {} }).join()).toContain('takes unknown members');
  });
});
