import { deepStrictEqual as same, ok } from 'node:assert/strict';

import { type EngineRequest, type Json, type PolicyEngine } from '#domain';

import { soundBundle, testBundle } from './test-bundle.ts';

interface Rule {
  readonly rule: string;
  readonly holds: (engine: PolicyEngine) => void;
}

/** What every PolicyEngine keeps, over testBundle(). */
export const ENGINE_CONTRACT: readonly Rule[] = [
  {
    rule: 'is named with its version',
    holds: (engine) => {
      ok(/^[a-z-]+@[0-9.]+$/.test(engine.name));
    },
  },
  {
    rule: 'accepts a sound bundle',
    holds: (engine) => {
      same(engine.refusals(soundBundle()), []);
    },
  },
  {
    rule: 'knows the guard of every permit and of nothing else',
    holds: (engine) => {
      const guards = [...engine.guards(testBundle())].sort(([a], [b]) => (a < b ? -1 : 1));
      const board = ['large-amount', { approval: 'board' }];
      same(guards, [['high-risk', { approval: 'two-eyes' }], board, ['low-risk', { unattended: 'low risk' }]]);
    },
  },
  {
    rule: 'allows by the permits that match, sorted',
    holds: (engine) => {
      const answer = engine.authorize(testBundle(), ask({ risk: 'low', amount: 101 }));
      same(answer, { decision: 'allow', reasons: ['large-amount', 'low-risk'], errors: [] });
    },
  },
  {
    rule: 'lets a forbid win over every permit',
    holds: (engine) => {
      const answer = engine.authorize(testBundle(), ask({ environment: 'frozen', amount: 101 }));
      same(answer, { decision: 'deny', reasons: ['no-frozen'], errors: [] });
    },
  },
  {
    rule: 'denies without a reason when nothing matches',
    holds: (engine) => {
      same(engine.authorize(testBundle(), ask({ risk: 'medium' })), { decision: 'deny', reasons: [], errors: [] });
    },
  },
  {
    rule: 'answers with an error when the action is unknown',
    holds: (engine) => {
      hasErrors(engine, { ...ask({}), action: 'constructor' });
    },
  },
  {
    rule: 'answers with an error when a fact is missing',
    holds: (engine) => {
      hasErrors(engine, { ...ask({}), context: { risk: 'low' } });
    },
  },
  {
    rule: 'answers with an error when a fact is undeclared',
    holds: (engine) => {
      hasErrors(engine, ask({ extra: 'low' }));
    },
  },
  {
    rule: 'answers with an error for a reserved member',
    holds: (engine) => {
      RESERVED.forEach((risk) => {
        hasErrors(engine, ask({ risk }));
      });
    },
  },
  {
    rule: 'answers with an error for a resource type the action has not',
    holds: (engine) => {
      hasErrors(engine, { ...ask({}), resource: { type: 'agent', id: 'x' } });
    },
  },
  {
    rule: 'checks parameters by the schema of contract and operation',
    holds: (engine) => {
      const valid = (parameters: Json, contract = 'tool', operation = 'apply') =>
        engine.parametersValid(testBundle(), contract, operation, parameters);
      const good = { target: 'low', artifact: 'a', amount: 1 };
      same([valid(good), valid({ ...good, amount: 1.5 })], [true, true]);
      same(
        [valid({ ...good, amount: '1' }), valid({ ...good, more: 1 }), valid({ target: 'low' }), valid([])],
        [false, false, false, false],
      );
      same([valid(good, 'other'), valid(good, 'constructor'), valid(good, 'tool', '__proto__')], [false, false, false]);
    },
  },
  {
    rule: 'gives the same answer again',
    holds: (engine) => {
      const once = engine.authorize(testBundle(), ask({ risk: 'high' }));
      same(engine.authorize(testBundle(), ask({ risk: 'high' })), once);
    },
  },
];

const RESERVED: Json[] = [
  { __entity: { type: 'thing', id: 'low' } },
  { __extn: { fn: 'decimal', arg: '1.0' } },
  { __expr: 'decimal("1.0")' },
];

function ask(facts: Record<string, Json>): EngineRequest {
  const principal = { type: 'agent', id: 'acme#bot' };
  const resource = { type: 'thing', id: 'low' };
  const context = { environment: 'sandbox', risk: 'low', amount: 1, ci: true, ...facts };
  return { principal, action: 'change', resource, context, entities: [] };
}

function hasErrors(engine: PolicyEngine, request: EngineRequest): void {
  const answer = engine.authorize(testBundle(), request);
  same([answer.decision, answer.reasons], ['deny', []]);
  ok(answer.errors.length > 0);
}
