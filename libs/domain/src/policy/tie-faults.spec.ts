import { soundBundle, soundDocument } from '#testing';
import { describe, expect, it } from 'vitest';

import type { Json } from '../formats/canonical-json.ts';
import { faultsOf } from './faults.ts';

const document = soundDocument();
const { apply, undo, write } = document.contracts.tool.operations;
const { change, note } = document.classes;

const withApply = (more: Record<string, Json>, contract: Record<string, Json> = {}) => ({
  contracts: { tool: { version: '1', ...contract, operations: { apply: { ...apply, ...more }, undo, write } } },
});
const withFact = (fact: Record<string, Json>) => ({ classes: { note, change: { ...change, facts: { ...change.facts, more: fact } } } });
const line = { type: 'object', additionalProperties: false, properties: { tenant: { type: 'string' }, id: { type: 'integer' } } };
const withLines = (more: Record<string, Json>) =>
  withApply({
    parameters: { ...apply.parameters, properties: { ...apply.parameters.properties, lines: { type: 'array', items: line } } },
    ...more,
  });
const withoutConnector = (more: Record<string, Json> = {}) => ({
  classes: { change, note: { ...note, connectorRequired: false, facts: {}, ...more } },
  contracts: { tool: { version: '1', operations: { apply, undo } } },
});
const faults = (of: Record<string, Json>): string[] => faultsOf(soundBundle(of).tables);

describe('a fact that a proposer could choose is refused', () => {
  it.each<[string, Record<string, Json>, string]>([
    ['an operation that names no resource', withApply({ resource: null }), 'contract tool apply: resource is null'],
    [
      'a class of two resource types',
      { classes: { note, change: { ...change, resourceTypes: ['thing', 'other'] } } },
      'contract tool apply: its class has several resource types',
    ],
    [
      'a resource type of another class',
      withApply({ resourceType: 'other' }),
      'contract tool apply: resourceType other is none of its class',
    ],
    ['a table behind a class without connector', withoutConnector({ facts: note.facts }), 'class note: fact risk comes from a table'],
    [
      'a connector that may be left out',
      { classes: { change, note: { ...note, facts: {}, connectorRequired: false } } },
      'class note: a contract has operations of it',
    ],
    ['groups of agents only', { actors: { agent: {} } }, 'actors: no table of person'],
    [
      'a tenant that the schema cannot hold',
      withApply({ tenant: '/tenantId' }),
      'tenant /tenantId: the schema has no string or integer there',
    ],
    ['a further tenant that is mistyped', withApply({ alsoTenant: ['/back/tenant/id'] }), 'alsoTenant /back/tenant/id: the schema has no'],
    ['a further tenant in a list, mistyped', withLines({ alsoTenant: ['/lines/*/tenat'] }), 'alsoTenant /lines/*/tenat: the schema has no'],
    ['a further tenant in one element', withLines({ alsoTenant: ['/lines/0/tenant'] }), 'alsoTenant /lines/0/tenant: looks at one element'],
    ['a resource in one element', withLines({ resource: '/lines/0/id' }), 'resource /lines/0/id: looks at one element'],
    ['a resource in every element', withLines({ resource: '/lines/*/id' }), 'resource /lines/*/id: only alsoTenant may say *'],
    ['a list of tenants that is looked at whole', withLines({ alsoTenant: ['/lines'] }), 'alsoTenant /lines: the schema has no'],
    ['an artifact that is no text', withApply({ artifact: '/amount' }), 'artifact /amount: the schema has no string there'],
    ['a way back that is no object', withApply({ rollbackPath: '/target' }), 'rollbackPath /target: the schema has no object there'],
    ['an amount that is no number', withApply({ amount: '/target' }), 'amount /target: the schema has no integer or number there'],
    ['rows that are no number', withApply({ rows: '/target' }), 'rows /target: the schema has no array or integer there'],
    ['fields that are no object', withApply({ fields: '/target' }), 'fields /target: the schema has no object or array there'],
    [
      'a parameter that the schema has not',
      withFact({ from: 'contract', pointer: '/amont', type: 'long' }),
      'fact more /amont: the schema has no',
    ],
    [
      'a parameter of another type',
      withFact({ from: 'contract', pointer: '/amount', type: 'boolean' }),
      'fact more /amount: the schema has no boolean',
    ],
    [
      'members of a name that nothing has',
      { contracts: { tool: { version: '1', tenantMembers: ['tenat'], operations: { write } } } },
      'tenantMembers: no operation',
    ],
    [
      'a summary of what nothing has',
      { classes: { note, change: { ...change, summary: '{/nowhere}' } } },
      'class change: summary: no contract has /nowhere',
    ],
  ])('%s', (_what, of, fault) => {
    expect(faults(of).some((found) => found.includes(fault))).toBe(true);
  });

  it.each<[string, Record<string, Json>]>([
    ['a further tenant in every element of a list', withLines({ alsoTenant: ['/lines/*/tenant'] })],
    [
      'a resource that is an integer',
      withApply({ parameters: { ...apply.parameters, properties: { ...apply.parameters.properties, target: { type: 'integer' } } } }),
    ],
    ['a class without connector, of which no row decides', withoutConnector()],
    ['members of a name that stands in a list', withLines({})],
    ['a table of each kind of actors', { actors: { agent: {}, person: {}, pipeline: {} } }],
  ])('and what is tied is not: %s', (_what, of) => {
    expect(faults(of)).toEqual([]);
  });

  it('in format 2 only: what is in force in format 1 is decided again as it was', () => {
    const old = { ...withApply({ resource: null, alsoTenant: ['/nowhere'] }), format: 1 };
    expect(faultsOf(soundBundle(old).tables)).toEqual([]);
  });
});
