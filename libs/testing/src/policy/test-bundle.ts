import { type Bundle, type Json, parseBundle } from '#domain';

/** A small bundle with one of everything; `change` patches the document's members. */
export function testBundle(change: Readonly<Record<string, Json>> = {}): Bundle {
  return parseBundle({ ...testDocument(change['format'] === 1 ? 1 : 2), ...change });
}

/** Golden ledgers hold the one of format 1: it is never changed. */
export function testDocument(format: 1 | 2 = 2) {
  const apply = {
    class: 'change',
    parameters: { ...PARAMETERS, properties: { ...PARAMETERS.properties, back: format === 1 ? {} : BACK } },
    tenant: '/tenant',
    resource: '/target',
    artifact: '/artifact',
    rollbackPath: '/back',
  };
  return {
    format,
    name: 'test',
    cedar: { schema: SCHEMA, policies: { ...POLICIES } as Record<string, string> },
    classes: {
      change: {
        description: 'a change',
        requires: ['ci', 'rollback'],
        connectorRequired: true,
        resourceTypes: ['thing'],
        facts: {
          environment: { from: 'table', attribute: 'environment' },
          risk: { from: 'table', attribute: 'risk' },
          amount: { from: 'contract', pointer: '/amount', type: 'long' },
          ci: { from: 'evidence', evidence: 'ci' },
        },
        executors: ['runner'],
        executeWithinSeconds: 60,
        window: 'weekdays',
      },
      note: {
        description: 'a note',
        requires: [],
        connectorRequired: false,
        resourceTypes: ['thing'],
        facts: { environment: { from: 'table', attribute: 'environment' }, risk: { from: 'table', attribute: 'risk' } },
        executors: ['runner'],
      },
    },
    contracts: {
      tool: {
        version: '1',
        operations: {
          apply: { ...apply, effect: 'applies', rollback: 'inverse' },
          undo: { ...apply, effect: 'undoes', rollback: 'inverse' },
        },
      },
    },
    resources: {
      thing: {
        low: { environment: 'sandbox', risk: 'low' },
        high: { environment: 'production', risk: 'high', parents: [{ type: 'thing', id: 'low' }] },
        medium: { environment: 'production', risk: 'medium' },
        frozen: { environment: 'frozen', risk: 'low' },
        private: { environment: 'sandbox', risk: 'low', tenants: ['globex'] },
      },
      other: { low: { environment: 'sandbox', risk: 'low' } },
    },
    envelopes: {
      acme: { operations: [{ connector: 'tool', operation: 'apply' }, { operation: 'write' }], resourceTypes: ['thing', 'other'] },
    },
    approvalRules: { 'two-eyes': { group: 'owners', min: 1 }, board: { group: 'board', min: 2, expiresInSeconds: 600 } },
    windows: { weekdays: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], fromMinute: 480, toMinute: 1080 } },
  } satisfies Json;
}

/** The same, as it may be put in force: its notes go through a contract, which ties them to what they are about. */
export function soundDocument() {
  const { classes, contracts, ...rest } = testDocument();
  const write = {
    class: 'note',
    parameters: {
      type: 'object',
      additionalProperties: false,
      required: ['target'],
      properties: { tenant: { type: 'string' }, target: { type: 'string' } },
    },
    ...{ tenant: '/tenant', resource: '/target', effect: 'writes a note', rollback: 'none' },
  };
  return {
    ...rest,
    classes: { ...classes, note: { ...classes.note, connectorRequired: true } },
    contracts: { tool: { version: '1', operations: { ...contracts.tool.operations, write } } },
  } satisfies Json;
}

/** Of a sound document. */
export const soundBundle = (change: Readonly<Record<string, Json>> = {}): Bundle => parseBundle({ ...soundDocument(), ...change });

const PARAMETERS = {
  type: 'object',
  additionalProperties: false,
  required: ['target', 'artifact', 'amount'],
  properties: {
    tenant: { type: 'string' },
    target: { type: 'string' },
    artifact: { type: 'string' },
    amount: { type: 'number' },
  },
};
/** Also what is no way back: that is the class's to say. */
const BACK = { type: ['string', 'object'], additionalProperties: { type: 'string' }, maxProperties: 8 };

const SCHEMA = `
entity tenant, other;
entity agent, person, pipeline in [tenant];
entity thing in [thing];
action change appliesTo { principal: [agent, person, pipeline], resource: [thing, other], context: { environment: String, risk: String, amount: Long, ci: Bool } };
action note appliesTo { principal: [agent, person, pipeline], resource: [thing, other], context: { environment: String, risk: String } };
`;

/** fake-engine.ts says the same in TypeScript. */
const POLICIES = {
  'low-risk': '@unattended("low risk") permit (principal, action, resource) when { context.risk == "low" };',
  'high-risk': '@approval("two-eyes") permit (principal, action, resource) when { context.risk == "high" };',
  'large-amount': '@approval("board") permit (principal, action == Action::"change", resource) when { context.amount > 100 };',
  'no-frozen': 'forbid (principal, action in [Action::"change", Action::"note"], resource) when { context.environment == "frozen" };',
};
