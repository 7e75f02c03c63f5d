import { type Bundle, type Json, parseBundle } from '#domain';

/** A small bundle with one of everything; `change` patches the document's members. */
export function testBundle(change: Readonly<Record<string, Json>> = {}): Bundle {
  return parseBundle({ ...testDocument(), ...change });
}

export function testDocument() {
  const apply = {
    class: 'change',
    parameters: PARAMETERS,
    tenant: '/tenant',
    resource: '/target',
    artifact: '/artifact',
    rollbackPath: '/back',
  };
  return {
    format: 2,
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

const PARAMETERS = {
  type: 'object',
  additionalProperties: false,
  required: ['target', 'artifact', 'amount'],
  properties: {
    tenant: { type: 'string' },
    target: { type: 'string' },
    artifact: { type: 'string' },
    amount: { type: 'number' },
    back: {},
  },
};

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
