import { soundBundle, testBundle, testDocument } from '#testing';
import { describe, expect, it } from 'vitest';

import { sha256Hex } from '#crypto';

import { canonicalBytes, type Json } from '../formats/canonical-json.ts';
import { parseJson } from '../formats/strict-json.ts';
import { BUNDLE_DOCUMENT_BYTES_MAX, BundleError, parseBundle } from './bundle.ts';
import { faultsOf } from './faults.ts';
import { guardOf } from './guards.ts';
import { atPointer, isPointer } from './pointer.ts';
import { hasReservedMember } from './request.ts';

const LIMIT = { classes: ['note'], per: 'actor', of: 'count', max: 1, windowSeconds: 60, over: 'deny' };
const limit = (change: object): Record<string, Json> => ({ format: 2, limits: { one: { ...LIMIT, ...change } } });

describe('a bundle', () => {
  it('is named by the SHA-256 of its canonical form', () => {
    const document = testDocument();
    expect(parseBundle(document).digest).toBe(sha256Hex(canonicalBytes(document)));
    const reordered = Object.fromEntries(Object.entries(document).reverse());
    expect(parseBundle(reordered).digest).toBe(parseBundle(document).digest);
  });
  it('changes its name with any change', () => {
    expect(testBundle({ name: 'tes' }).digest).not.toBe(testBundle().digest);
  });
  it.each<[string, Record<string, Json>]>([
    ['an unknown member', { more: 1 }],
    ['another format', { format: 3 }],
    ['limits under format 1', { format: 1, limits: { one: LIMIT } }],
    ['a limit on the whole of the parameters', { format: 2, limits: { one: { ...LIMIT, per: '' } } }],
    ['a limit of more than thirty days', { format: 2, limits: { one: { ...LIMIT, windowSeconds: 2_592_001 } } }],
    [
      'more limits than an entry names',
      { format: 2, limits: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`l-${at}`, LIMIT])) },
    ],
    ['a class without executors', { classes: { a: { ...testDocument().classes.note, executors: [] } } }],
    ['an approval of less than a minute', { approvalRules: { fast: { group: 'g', min: 1, expiresInSeconds: 59 } } }],
    ['an approval of more than seven days', { approvalRules: { slow: { group: 'g', min: 1, expiresInSeconds: 604_801 } } }],
    ['a fact that is asserted', { classes: { a: { ...testDocument().classes.note, facts: { risk: { from: 'impact' } } } } }],
    ['several windows of a class in format 1', { format: 1, classes: { a: { ...testDocument().classes.note, window: ['weekdays'] } } }],
    ['no document', { classes: [] }],
    ['more levels than JSON may have', { windows: parseJson('['.repeat(80) + ']'.repeat(80), { maxDepth: 80 }) }],
  ])('is refused with %s', (_what, change) => {
    expect(() => testBundle(change)).toThrow(BundleError);
  });
  it('is refused with a member named __proto__, at any depth', () => {
    const document = parseJson('{"thing":{"low":{"environment":"sandbox","risk":"low","__proto__":{}}}}');
    expect(() => testBundle({ resources: document })).toThrow('__proto__');
  });
  it('is refused above its size', () => {
    expect(() => testBundle({ name: 'x'.repeat(BUNDLE_DOCUMENT_BYTES_MAX) })).toThrow('bytes');
  });
});

describe('tables that do not hold together are named', () => {
  const document = testDocument();
  const cases: [string, Record<string, Json>][] = [
    ['class change: resource type thing has no table', { resources: {} }],
    ['class change: unknown window weekdays', { windows: {} }],
    ['class change: facts come from a contract', { classes: { change: { ...document.classes.change, connectorRequired: false } } }],
    ['class change: no contract has an operation of it', { contracts: {} }],
    ['contract tool apply: unknown class change', { classes: { note: document.classes.note } }],
    ['contract tool apply: ci evidence needs an artifact pointer', withoutPointer('artifact')],
    ['contract tool apply: a rollback path needs a pointer', withoutPointer('rollbackPath')],
    ['limit one: unknown class nothing', limit({ classes: ['nothing'] })],
    ['limit one: unknown approval rule nobody', limit({ over: { approval: 'nobody' } })],
    ['limit one: contract tool apply does not say where its amount is', limit({ classes: ['change'], of: 'amount' })],
    ['limit one: class note: measures parameters, so a connector must be required', limit({ per: '/order' })],
    ['resource thing:a: unlisted parent thing:b', things({ a: ['b'] })],
    ['approval rule one: unlisted group typo', { approvalRules: { one: { group: 'typo', min: 1 } }, approverGroups: { owners: 'of it' } }],
    ['resource thing:a: is its own ancestor', things({ a: ['b'], b: ['a'] })],
    ['envelope acme: unknown operation nobody apply', envelope({ operations: [{ connector: 'nobody', operation: 'apply' }] })],
    ['envelope acme: unknown operation tool constructor', envelope({ operations: [{ connector: 'tool', operation: 'constructor' }] })],
    ['envelope acme: resource type place has no table', envelope({ resourceTypes: ['place'] })],
    ['resources: tenant is a type of principals', { resources: { ...document.resources, tenant: {} } }],
    ['window never: opens and closes in the same minute', windows({ never: { days: ['mon'], fromMinute: 60, toMinute: 60 } })],
    ['window dhaka: zone BST: expected UTC or a name with a /', windows({ dhaka: { ...document.windows.weekdays, zone: 'BST' } })],
    ['class change: unknown window nights', { classes: { change: { ...document.classes.change, window: ['weekdays', 'nights'] } } }],
    ['window never: never open', { format: 1, ...windows({ never: { days: ['mon'], fromMinute: 60, toMinute: 59 } }) }],
  ];
  it.each(cases)('%s', (fault, change) => {
    expect(faultsOf(testBundle(change).tables).some((found) => found.startsWith(fault))).toBe(true);
  });
  it('and sound ones have no fault', () => {
    expect(faultsOf(soundBundle().tables)).toEqual([]);
    expect(faultsOf(testBundle({ format: 1 }).tables)).toEqual([]);
  });

  function withoutPointer(name: string): Record<string, Json> {
    const apply = Object.fromEntries(Object.entries(document.contracts.tool.operations.apply).filter(([member]) => member !== name));
    return { contracts: { tool: { version: '1', operations: { apply } } } };
  }
  function things(parents: Record<string, string[]>): Record<string, Json> {
    const row = (ids: string[]) => ({ environment: 'e', risk: 'low', parents: ids.map((id) => ({ type: 'thing', id })) });
    return { resources: { ...document.resources, thing: Object.fromEntries(Object.entries(parents).map(([id, ids]) => [id, row(ids)])) } };
  }
  function windows(more: Record<string, Json>): Record<string, Json> {
    return { windows: { ...document.windows, ...more } };
  }
  function envelope(change: Record<string, Json>): Record<string, Json> {
    return { envelopes: { acme: { ...document.envelopes.acme, ...change } } };
  }
});

describe('the guard of a policy', () => {
  const guard = (effect: 'permit' | 'forbid', annotations: Record<string, string | null>) =>
    guardOf({ effect, annotations: new Map(Object.entries(annotations)) }, new Set(['two-eyes']));

  it('is an approval rule of the bundle, or a reason for none', () => {
    expect(guard('permit', { approval: 'two-eyes' })).toEqual({ guard: { approval: 'two-eyes' } });
    expect(guard('permit', { unattended: 'low risk' })).toEqual({ guard: { unattended: 'low risk' } });
    expect(guard('forbid', {})).toEqual({ guard: null });
  });
  it.each<[string, 'permit' | 'forbid', Record<string, string | null>]>([
    ['missing', 'permit', {}],
    ['both', 'permit', { approval: 'two-eyes', unattended: 'x' }],
    ['misspelt', 'permit', { aproval: 'two-eyes' }],
    ['in another case', 'permit', { Approval: 'two-eyes' }],
    ['beside another annotation', 'permit', { approval: 'two-eyes', id: 'x' }],
    ['empty', 'permit', { approval: '' }],
    ['blank', 'permit', { unattended: ' ' }],
    ['bare', 'permit', { approval: null }],
    ['of an unknown rule', 'permit', { approval: 'three-eyes' }],
    ['on a forbid', 'forbid', { approval: 'two-eyes' }],
  ])('is refused when %s', (_what, effect, annotations) => {
    expect(guard(effect, annotations)).toHaveProperty('fault');
  });
});

describe('a JSON Pointer', () => {
  it('finds what RFC 6901 §5 says', () => {
    const document: Json = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'm~n': 8 };
    const found = ['', '/foo', '/foo/0', '/', '/a~1b', '/m~0n'].map((pointer) => atPointer(document, pointer));
    expect(found).toEqual([document, ['bar', 'baz'], 'bar', 0, 1, 8]);
  });
  it('finds nothing that is not an own member', () => {
    const found = ['/constructor', '/__proto__', '/a/length', '/a/-', '/a/00', '/a/1', '/b/c'].map((pointer) =>
      atPointer({ a: [1] }, pointer),
    );
    expect(found.every((value) => value === undefined)).toBe(true);
  });
  it('has one syntax', () => {
    expect(['', '/a', '/a~0~1'].every(isPointer)).toBe(true);
    expect(['a', '/a~2', '#/a', '/~'].some(isPointer)).toBe(false);
  });
});

describe('a reserved member', () => {
  it('is found at any depth, and only as a name', () => {
    expect(hasReservedMember({ a: [{ b: { __extn: 1 } }] })).toBe(true);
    expect(hasReservedMember({ a: ['__entity', { b: '__expr' }] })).toBe(false);
  });
});
