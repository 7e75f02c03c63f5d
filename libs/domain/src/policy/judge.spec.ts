import { FakeEngine, JUDGE_CASES, judgeInput, testBundle, testDocument, testProposal } from '#testing';
import { describe, expect, it } from 'vitest';

import type { Json } from '../formats/canonical-json.ts';
import type { EngineAnswer, EngineRequest } from './types.ts';
import { faultsOf } from './faults.ts';
import { judge } from './judge.ts';

describe('a judgement names the first step that fails', () => {
  it.each(JUDGE_CASES)('$rule: $reason', ({ change, more, reason }) => {
    const judgement = judge(judgeInput(new FakeEngine(), change, more));
    expect(judgement.reasons).toEqual([reason]);
    expect(judgement.verdict).toBe(reason.split('_')[0]);
  });
});

describe('a tenant in a further place', () => {
  const { tool } = testDocument().contracts;
  const { apply, undo } = tool.operations;
  const bundle = testBundle({
    contracts: { tool: { version: '1', operations: { apply: { ...apply, alsoTenant: ['/back/tenant'] }, undo } } },
  });
  const reasons = (tenant?: Json) => {
    const { parameters } = testProposal();
    const back = { operation: 'undo', reference: 'v1', ...(tenant === undefined ? {} : { tenant }) };
    return judge(judgeInput(new FakeEngine(), { parameters: { ...parameters, back } }, { bundle })).reasons;
  };
  it("is the proposal's own, or nobody", () => {
    expect([reasons('acme'), reasons()]).toEqual([['ALLOW_POLICY'], ['ALLOW_POLICY']]);
  });
  it.each(['globex', 'Acme', ' acme', null, ['acme'], {}])('is out of scope when it is %j', (tenant) => {
    expect(reasons(tenant)).toEqual(['DENY_TENANT_SCOPE']);
  });
});

describe('tenants in the parameters of format 2', () => {
  const { tool } = testDocument().contracts;
  const { apply, undo } = tool.operations;
  const ask = (more: Record<string, Json>, contract: Record<string, Json>, operation: Record<string, Json>, format = 2) => {
    const bundle = testBundle({
      format,
      contracts: { tool: { version: '1', ...contract, operations: { apply: { ...apply, ...operation }, undo } } },
    });
    const { parameters } = testProposal();
    const back = { operation: 'undo', reference: 'v1', ...more };
    return judge(judgeInput(new FakeEngine(), { parameters: { ...parameters, back } }, { bundle })).reasons.join();
  };
  const also = (lines: Json, pointer = '/back/lines/*/tenant', format?: number) => ask({ lines }, {}, { alsoTenant: [pointer] }, format);
  it("are the proposal's own in every element of a list", () => {
    expect(also([{ tenant: 'acme' }, { tenant: 'acme' }, {}])).toBe('ALLOW_POLICY');
    expect(also([{ tenant: 'acme' }, { tenant: 'globex' }])).toBe('DENY_TENANT_SCOPE');
    expect(also([{ tenant: ['acme'] }])).toBe('DENY_TENANT_SCOPE');
    expect(also([])).toBe('ALLOW_POLICY');
  });
  it("are the proposal's own in every member of an object", () => {
    expect(also({ a: { tenant: 'acme' }, b: { tenant: 'globex' } })).toBe('DENY_TENANT_SCOPE');
    expect(also({ a: 'globex' }, '/back/lines/*')).toBe('DENY_TENANT_SCOPE');
  });
  const members = (more: Record<string, Json>) => ask(more, { tenantMembers: ['tenantId', 'owner'] }, {});
  it("are the proposal's own in every member of a name that means a tenant, at any depth", () => {
    expect(members({ fields: { tenantId: 'acme' }, list: [{ owner: ['acme', 'acme'] }] })).toBe('ALLOW_POLICY');
    expect(members({ fields: { tenantId: 'globex' } })).toBe('DENY_TENANT_SCOPE');
    expect(members({ list: [{ a: [{ owner: 'globex' }] }] })).toBe('DENY_TENANT_SCOPE');
    for (const wrong of [null, { tenantId: 'acme' }, ['acme', 'globex'], 'Acme', 0]) {
      expect(members({ tenantId: wrong })).toBe('DENY_TENANT_SCOPE');
    }
  });
  it('in format 1 stand where its pointers lead, and a star is a name', () => {
    expect(also([{ tenant: 'globex' }], '/back/lines/*/tenant', 1)).toBe('ALLOW_POLICY');
    expect(also({ '*': { tenant: 'globex' } }, '/back/lines/*/tenant', 1)).toBe('DENY_TENANT_SCOPE');
  });
});

describe('what names the resource in the parameters', () => {
  const { apply, undo } = testDocument().contracts.tool.operations;
  const row = { environment: 'sandbox', risk: 'low' };
  const ask = (target: Json, id: string, format = 2, more: Record<string, Json> = {}) => {
    const resources = { ...testDocument().resources, thing: { ...testDocument().resources.thing, '42': row } };
    const operation = { ...apply, resource: '/back/reference', ...more };
    const bundle = testBundle({ format, resources, contracts: { tool: { version: '1', operations: { apply: operation, undo } } } });
    const resource = { type: 'thing', id };
    const parameters = { ...testProposal().parameters, back: { operation: 'undo', reference: target } };
    return judge(judgeInput(new FakeEngine(), { resource, parameters, evidence: [] }, { bundle })).reasons.join();
  };
  it('may be an integer, which is its decimal text', () => {
    expect([ask(42, '42'), ask('42', '42'), ask('low', 'low')]).toEqual(Array(3).fill('DENY_MISSING_EVIDENCE'));
    expect([ask(42.5, '42'), ask(43, '42'), ask([42], '42'), ask(2 ** 53, '9007199254740992')]).toEqual(Array(4).fill('DENY_CONTRACT'));
    expect(ask(42, '42', 1)).toBe('DENY_CONTRACT');
  });
  it('names one of the type that the operation says', () => {
    expect(ask('low', 'low', 2, { resourceType: 'thing' })).toBe('DENY_MISSING_EVIDENCE');
    expect(ask('low', 'low', 2, { resourceType: 'other' })).toBe('DENY_CONTRACT');
  });
});

describe('a table of actors', () => {
  const { change, note } = testDocument().classes;
  const actors = {
    agent: { acme: { bot: { parents: [{ type: 'thing', id: 'high' }], attributes: { level: 3 } } } },
    person: {},
    pipeline: {},
  };
  const asked = (id: string, kind: 'agent' | 'person' = 'agent', more: Record<string, Json> = { actors }) => {
    const engine = new FakeEngine();
    const { reasons } = judge(judgeInput(engine, { actor: { kind, id } }, { bundle: testBundle(more) }));
    return { reasons, request: engine.asked[0] };
  };
  it('is closed: whoever is not in it is denied', () => {
    expect([asked('bot'), asked('Bot'), asked('constructor'), asked('bot', 'person')].map(({ reasons }) => reasons[0])).toEqual([
      'ALLOW_POLICY',
      'DENY_NO_MATCH',
      'DENY_NO_MATCH',
      'DENY_NO_MATCH',
    ]);
    expect(asked('ana', 'person', { actors: { agent: actors.agent } }).reasons).toEqual(['ALLOW_POLICY']);
  });
  it('says which groups an actor is in, and which those are in', () => {
    expect(asked('bot').request?.entities).toEqual([
      {
        uid: { type: 'agent', id: 'acme#bot' },
        attrs: {},
        parents: [
          { type: 'tenant', id: 'acme' },
          { type: 'thing', id: 'high' },
        ],
      },
      { uid: { type: 'thing', id: 'high' }, attrs: {}, parents: [{ type: 'thing', id: 'low' }] },
    ]);
  });
  it('gives facts, and one that is not there is missing', () => {
    const classes = (type: string) => ({
      change: { ...change, facts: { ...change.facts, level: { from: 'actor-table', attribute: 'level', type } } },
      note,
    });
    expect(asked('bot', 'agent', { actors, classes: classes('string') }).reasons).toEqual(['DENY_MISSING_EVIDENCE']);
    expect(asked('bot', 'agent', { actors, classes: classes('long') }).request?.context).toMatchObject({ level: 3 });
  });
  it('is refused with a group that is not listed, and a fact without a table', () => {
    const lost = { agent: { acme: { bot: { parents: [{ type: 'thing', id: 'team' }] } } } };
    expect(faultsOf(testBundle({ actors: lost }).tables)).toContain('actor agent:acme#bot: unlisted parent thing:team');
    const facts = { ...change.facts, level: { from: 'actor-table', attribute: 'level' } };
    expect(faultsOf(testBundle({ classes: { change: { ...change, facts }, note } }).tables).join()).toContain('each kind needs one');
  });
});

describe('an engine that fails denies', () => {
  class Broken extends FakeEngine {
    throws = 0;
    answer: Partial<EngineAnswer> = {};
    override authorize(bundle: Parameters<FakeEngine['authorize']>[0], request: EngineRequest): EngineAnswer {
      const answer = super.authorize(bundle, request);
      if (this.throws-- > 0) throw new Error('memory access out of bounds');
      return { ...answer, ...this.answer };
    }
  }
  const asked = (change: Partial<Broken>) => judge(judgeInput(Object.assign(new Broken(), change)));

  it('is asked once more after a throw', () => {
    expect(asked({ throws: 1 }).reasons).toEqual(['ALLOW_POLICY']);
  });
  it('denies after the second throw', () => {
    expect(asked({ throws: 2 })).toMatchObject({ verdict: 'DENY', reasons: ['DENY_EVALUATION_ERROR'], policies: [] });
  });
  it('denies on any error beside an allow', () => {
    expect(asked({ answer: { errors: ['overflow'] } }).reasons).toEqual(['DENY_EVALUATION_ERROR']);
  });
  it('denies an allow by no permit', () => {
    expect(asked({ answer: { reasons: [] } }).reasons).toEqual(['DENY_EVALUATION_ERROR']);
  });
  it('denies an allow by a permit whose guard is unknown', () => {
    expect(asked({ answer: { reasons: ['low-risk', 'unheard-of'] } }).reasons).toEqual(['DENY_EVALUATION_ERROR']);
  });
  it('denies when the approval rule does not exist', () => {
    const bundle = testBundle({ approvalRules: {} });
    expect(judge(judgeInput(new FakeEngine(), { resource: { type: 'thing', id: 'high' } }, { bundle })).reasons).toEqual([
      'DENY_EVALUATION_ERROR',
    ]);
  });
  it('denies when checking parameters throws', () => {
    const engine = new FakeEngine();
    engine.parametersValid = () => {
      throw new RangeError('maximum call stack size exceeded');
    };
    expect(judge(judgeInput(engine)).reasons).toEqual(['DENY_EVALUATION_ERROR']);
  });
});

describe('a judgement says', () => {
  const amount = (id: string, value: number) => ({
    resource: { type: 'thing', id },
    parameters: { ...testProposal({ resource: { type: 'thing', id } }).parameters, amount: value },
  });

  it('who may act and until when, for ALLOW only', () => {
    expect(judge(judgeInput(new FakeEngine()))).toMatchObject({
      executors: ['runner'],
      executeWithinMs: 60_000,
      approveWithinMs: 0,
      rules: [],
    });
    expect(judge(judgeInput(new FakeEngine(), amount('high', 1)))).toMatchObject({ executors: [], approveWithinMs: 3_600_000 });
  });
  it('every rule that a permit names, sorted, and the shortest time', () => {
    const judgement = judge(judgeInput(new FakeEngine(), amount('high', 101)));
    expect(judgement.rules.map(({ id }) => id)).toEqual(['board', 'two-eyes']);
    expect(judgement).toMatchObject({ policies: ['high-risk', 'large-amount'], approveWithinMs: 600_000 });
  });
  it('that one permit with @approval outweighs any @unattended', () => {
    expect(judge(judgeInput(new FakeEngine(), amount('low', 101)))).toMatchObject({
      verdict: 'ESCALATE',
      policies: ['large-amount', 'low-risk'],
    });
  });
  it('nothing of what would have been allowed, when it denies', () => {
    const denied = judge(judgeInput(new FakeEngine(), { resource: { type: 'thing', id: 'medium' } }));
    expect(denied).toMatchObject({ policies: [], rules: [], executors: [], executeWithinMs: 0, approveWithinMs: 0 });
  });
  it('which contract it used', () => {
    const digest = testBundle().contractDigests.get('tool');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(judge(judgeInput(new FakeEngine())).contractDigest).toBe(digest);
    expect(judge(judgeInput(new FakeEngine(), { connector: 'nobody' })).contractDigest).toBeNull();
  });
});

describe('Cedar is asked', () => {
  it('with the declared facts only, whatever the proposer asserts', () => {
    const engine = new FakeEngine();
    const asserted = { impact: { environment: 'sandbox', risk: 'low' }, justification: 'only a sandbox' };
    judge(judgeInput(engine, { resource: { type: 'thing', id: 'high' }, ...asserted }));
    expect(engine.asked[0]?.context).toEqual({ environment: 'production', risk: 'high', amount: 1, ci: true });
  });
  it('with principal, resource and their ancestors only, as far as they have parents', () => {
    const engine = new FakeEngine();
    judge(judgeInput(engine, { resource: { type: 'thing', id: 'high' } }));
    expect(engine.asked[0]?.entities).toEqual([
      { uid: { type: 'agent', id: 'acme#bot' }, attrs: {}, parents: [{ type: 'tenant', id: 'acme' }] },
      { uid: { type: 'thing', id: 'high' }, attrs: {}, parents: [{ type: 'thing', id: 'low' }] },
    ]);
  });
});
