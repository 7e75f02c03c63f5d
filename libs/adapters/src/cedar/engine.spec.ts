import { canonicalBytes, engineRequest, judge, type Json, parseBundle } from '#domain';
import { ENGINE_CONTRACT, JUDGE_CASES, judgeInput, soundBundle, soundDocument, testBundle } from '#testing';
import { beforeEach, describe, expect, it } from 'vitest';

import { checkBundleInChild } from './check-child.ts';
import { CedarEngine } from './engine.ts';
import { type Cedar, freshCedar } from './instance.ts';

const engine = new CedarEngine();
const ON = 'principal, action == Action::"change", resource';

/** The sound bundle with one more policy. */
function withPolicy(text: string) {
  const { cedar } = soundDocument();
  return soundBundle({ cedar: { ...cedar, policies: { ...cedar.policies, more: text } } });
}

describe('CedarEngine keeps the contract of every engine', () => {
  it.each(ENGINE_CONTRACT)('$rule', ({ holds }) => {
    holds(engine);
  });
});

describe('a judgement by Cedar', () => {
  it.each(JUDGE_CASES)('$rule: $reason', ({ change, more, reason }) => {
    expect(judge(judgeInput(engine, change, more)).reasons).toEqual([reason]);
  });
  it('denies when a policy errs beside a permit', () => {
    const bundle = withPolicy(`forbid (${ON}) when { context.amount * 9223372036854775807 > 0 };`);
    const parameters = { ...judgeInput(engine).proposal.parameters, amount: 2 };
    expect(judge(judgeInput(engine, { parameters }, { bundle })).reasons).toEqual(['DENY_EVALUATION_ERROR']);
  });
});

it('a reserved member never reaches Cedar, even where the schema has an entity', () => {
  const { principal, resource } = { principal: { type: 'agent', id: 'acme#bot' }, resource: { type: 'thing', id: 'low' } };
  const context = { environment: 'sandbox', risk: { __entity: { type: 'thing', id: 'low' } } };
  const answer = engine.authorize(testBundle(), { principal, resource, action: 'note', context, entities: [] });
  expect(answer).toEqual({ decision: 'deny', reasons: [], errors: ['context has a reserved member'] });
});

it('answers the same whether or not it is told of entities without parents', () => {
  const { cedar, envelopes } = soundDocument();
  const scoped = (effect: string, scope: string) =>
    soundBundle({
      cedar: { ...cedar, policies: { ...cedar.policies, more: `${effect} (${scope}) when { context.risk != "low" };` } },
      envelopes: { ...envelopes, globex: envelopes.acme },
    });
  const bundles = [
    scoped('@unattended("x") permit', 'principal in tenant::"acme", action, resource in thing::"low"'),
    scoped('@unattended("x") permit', 'principal in tenant::"globex", action, resource'),
    scoped('forbid', 'principal in tenant::"acme", action, resource in thing::"low"'),
    scoped('forbid', 'principal, action, resource == thing::"low"'),
    scoped('forbid', 'principal, action, resource is other'),
  ];
  const answers = new Set<string>();
  for (const bundle of bundles) {
    for (const id of ['low', 'medium', 'high']) {
      const { principal, resource, entities, ...rest } = engineRequest(
        bundle.tables,
        { ...judgeInput(engine).proposal, resource: { type: 'thing', id }, class: 'note' },
        { environment: 'production', risk: 'medium' },
      );
      const bare = ['acme'].map((tenant): Json => ({ uid: { type: 'tenant', id: tenant }, attrs: {}, parents: [] }));
      const known = entities.map((entity) => JSON.stringify((entity as { uid: Json }).uid));
      for (const thing of ['low', 'medium', 'high']) {
        const uid = { type: 'thing', id: thing };
        if (!known.includes(JSON.stringify(uid))) bare.push({ uid, attrs: {}, parents: [] });
      }
      const told = engine.authorize(bundle, { principal, resource, ...rest, entities: [...entities, ...bare] });
      const untold = engine.authorize(bundle, { principal, resource, ...rest, entities });
      expect(untold).toEqual(told);
      answers.add(JSON.stringify(told));
    }
  }
  expect([...answers].sort()).toEqual([
    '{"decision":"allow","reasons":["more"],"errors":[]}',
    '{"decision":"deny","reasons":["more"],"errors":[]}',
    '{"decision":"deny","reasons":[],"errors":[]}',
  ]);
});

describe('a policy is refused', () => {
  const cases: [string, string, string][] = [
    ['without guard', `permit (${ON});`, 'exactly one of'],
    ['with a misspelt guard', `@aproval("two-eyes") permit (${ON});`, 'unknown annotation @aproval'],
    ['with an empty guard', `@approval("") permit (${ON});`, 'is empty'],
    ['with a bare guard', `@unattended permit (${ON});`, 'is empty'],
    ['with two guards', `@approval("two-eyes") @unattended("x") permit (${ON});`, 'exactly one of'],
    ['with an unknown rule', `@approval("nobody") permit (${ON});`, 'no rule of the bundle'],
    ['with a guard on a forbid', `@approval("two-eyes") forbid (${ON});`, 'a forbid has no annotations'],
    ['as a template', '@unattended("x") permit (principal == ?principal, action, resource);', 'template'],
    ['as two in one', `forbid (${ON}); forbid (${ON});`, 'unexpected token'],
    ['with a syntax error', 'permit (', 'unexpected end'],
    ['for an unknown attribute', `@unattended("x") permit (${ON}) when { context.resk == "low" };`, 'resk'],
    ['for an unknown action', '@unattended("x") permit (principal, action == Action::"chnage", resource);', 'chnage'],
    ['that can never match', `forbid (${ON}) when { false };`, 'impossible'],
    ['that compares types', `forbid (${ON}) when { context.amount == "1" };`, 'types'],
    ['with brackets beyond the limit', `forbid (${ON}) when { ${'('.repeat(140)}true${')'.repeat(140)} };`, 'brackets'],
    [
      'nested beyond the limit',
      `forbid (${ON}) when { ${'if '.repeat(600)}true${' then true else true'.repeat(600)} };`,
      'expressions nested',
    ],
    ['with a chain beyond the limit', `forbid (${ON}) when { 1${' + 1'.repeat(2000)} == 2 };`, 'expressions nested'],
    ['about an unlisted resource', `forbid (${ON.replace('resource', 'resource == thing::"lwo"')});`, 'names thing::"lwo"'],
    ['about an unlisted group', `forbid (${ON.replace('resource', 'resource in thing::"group"')});`, 'names thing::"group"'],
    [
      'about an unlisted resource in a condition',
      `forbid (${ON}) when { resource in [thing::"low", thing::"lwo"] };`,
      'names thing::"lwo"',
    ],
    [
      'about a tenant without an envelope of its own',
      `forbid (${ON.replace('principal', 'principal in tenant::"acmee"')});`,
      'names tenant::"acmee", which has no envelope',
    ],
    [
      'about an actor of such a tenant',
      `forbid (${ON.replace('principal', 'principal == agent::"acmee#bot"')});`,
      'names agent::"acmee#bot"',
    ],
    ['about an actor of no tenant', `forbid (${ON.replace('principal', 'principal == agent::"bot"')});`, 'names agent::"bot"'],
    ['longer than a person reviews', `forbid (${ON}) when { context.risk == "${'x'.repeat(17_000)}" };`, 'too long'],
  ];
  it.each(cases)('%s', (_what, text, reason) => {
    const refusals = engine.refusals(withPolicy(text));
    expect(refusals.join('\n')).toContain(reason);
    expect(engine.probe()).toBe(true);
  });
});

it('a policy may name what the tables list, and any actor or tenant', () => {
  const scope = 'principal == agent::"acme#bot", action == Action::"change", resource in thing::"low"';
  expect(engine.refusals(withPolicy(`forbid (${scope}) when { principal in tenant::"acme" };`))).toEqual([]);
});

describe('a table of actors', () => {
  const { cedar, resources } = soundDocument();
  const actors = { agent: { acme: { bot: { parents: [{ type: 'team', id: 'web' }] } } }, person: { acme: { bot: {} } }, pipeline: {} };
  const team = { web: { environment: 'none', risk: 'low' } };
  const inTeams = cedar.schema.replace(
    'entity agent, person, pipeline in [tenant];',
    'entity team; entity agent, person, pipeline in [tenant, team];',
  );
  const bundle = (schema: string, text: string) =>
    soundBundle({ actors, resources: { ...resources, team }, cedar: { schema, policies: { ...cedar.policies, more: text } } });
  const forbidTeam = `forbid (${ON.replace('principal', 'principal in team::"web"')});`;

  it('puts actors into groups that policies name', () => {
    const grouped = bundle(inTeams, forbidTeam);
    expect(engine.refusals(grouped)).toEqual([]);
    expect(judge(judgeInput(engine, {}, { bundle: grouped })).reasons).toEqual(['DENY_POLICY']);
    expect(judge(judgeInput(engine, { actor: { kind: 'person', id: 'bot' } }, { bundle: grouped })).reasons).toEqual(['ALLOW_POLICY']);
  });
  it('is refused where the schema has no such group, and with an actor that it does not list', () => {
    const apart = inTeams.replace('in [tenant, team]', 'in [tenant]');
    expect(engine.refusals(bundle(apart, `forbid (${ON.replace('principal', 'principal == agent::"acme#bot"')});`)).join()).toContain(
      'class change',
    );
    expect(engine.refusals(bundle(inTeams, `forbid (${ON.replace('principal', 'principal == agent::"acme#bto"')});`)).join()).toContain(
      'names agent::"acme#bto"',
    );
  });
});

describe('an optional attribute', () => {
  const { cedar } = soundDocument();
  const schema = cedar.schema.replace('risk: String, amount: Long', 'risk: String, ticket?: String, amount: Long');
  const refusals = (text: string) => engine.refusals(soundBundle({ cedar: { schema, policies: { ...cedar.policies, more: text } } }));
  const asks = 'context has ticket && context.ticket == "T-1"';

  it('may be asked for in the when of a permit', () => {
    expect(refusals(`@unattended("x") permit (${ON}) when { context.ci && (${asks} || context.amount == 1) };`)).toEqual([]);
  });
  it.each([
    ['a forbid', `forbid (${ON}) when { ${asks} };`],
    ['an unless', `@unattended("x") permit (${ON}) unless { ${asks} };`],
    ['a negation', `@unattended("x") permit (${ON}) when { !(${asks}) };`],
    ['a comparison', `@unattended("x") permit (${ON}) when { (context has ticket) == false };`],
    ['a condition', `@unattended("x") permit (${ON}) when { if context has ticket then context.ci else true };`],
  ])('is refused in %s', (_where, text) => {
    expect(refusals(text).join()).toContain('its absence would loosen');
  });
});

describe('the resource of a class without a connector', () => {
  const { cedar, classes, contracts } = soundDocument();
  const { apply, undo } = contracts.tool.operations;
  const ofNotes = 'principal, action == Action::"note", resource';
  const refusals = (text: string) =>
    engine.refusals(
      soundBundle({
        cedar: {
          schema: cedar.schema.replaceAll('context: { environment: String, risk: String }', 'context: {}'),
          policies: { more: text },
        },
        classes: { change: classes.change, note: { ...classes.note, connectorRequired: false, facts: {} } },
        contracts: { tool: { version: '1', operations: { apply, undo } } },
      }),
    );
  it('is nothing that a policy may look at', () => {
    expect(refusals(`@unattended("x") permit (${ofNotes});`)).toEqual([]);
    for (const text of [
      `forbid (${ofNotes.replace('resource', 'resource == thing::"low"')});`,
      `forbid (${ofNotes.replace('resource', 'resource is thing')});`,
      `@unattended("x") permit (${ofNotes}) when { resource in [thing::"low"] };`,
      'forbid (principal, action, resource) when { resource == thing::"low" };',
    ]) {
      expect(refusals(text).join()).toContain('looks at the resource of note');
    }
  });
});

it('decimals and patterns of parameters are as the contract writes them', () => {
  const { apply, ...others } = soundDocument().contracts.tool.operations;
  const properties = {
    ...apply.parameters.properties,
    amount: { type: 'number', multipleOf: 0.01 },
    artifact: { type: 'string', pattern: '^(a+)+$' },
  };
  const operations = { apply: { ...apply, parameters: { ...apply.parameters, properties } }, ...others };
  const bundle = soundBundle({ contracts: { tool: { version: '1', operations } } });
  const valid = (amount: number, artifact: string) => engine.parametersValid(bundle, 'tool', 'apply', { target: 'low', amount, artifact });
  expect(engine.refusals(bundle)).toEqual([]);
  expect([valid(19.99, 'aaa'), valid(19.999, 'aaa'), valid(19.99, `${'a'.repeat(100_000)}b`)]).toEqual([true, false, false]);
});

describe('evidence that a class does not require', () => {
  const { cedar, classes } = soundDocument();
  const change = { ...classes.change, requires: ['rollback'] };
  const refusals = (text: string) =>
    engine.refusals(soundBundle({ classes: { ...classes, change }, cedar: { ...cedar, policies: { ...cedar.policies, more: text } } }));

  it('may be asked for in the when of a permit that needs nobody', () => {
    expect(refusals(`@unattended("x") permit (${ON}) when { context.ci && (context.ci || context.amount == 1) };`)).toEqual([]);
    expect(refusals(`@approval("board") permit (${ON}) when { context.amount == 1 };`)).toEqual([]);
  });
  it.each([
    ['a forbid', `forbid (${ON}) when { context.ci };`],
    ['an unless', `@unattended("x") permit (${ON}) unless { context.ci };`],
    ['a negation', `@unattended("x") permit (${ON}) when { !context.ci };`],
    ['a comparison', `@unattended("x") permit (${ON}) when { context.ci == false };`],
    ['a condition', `@unattended("x") permit (${ON}) when { if context["ci"] then false else true };`],
    ['a permit that needs approval', `@approval("board") permit (${ON}) when { context.ci };`],
    ['a policy of every class', 'forbid (principal, action, resource) when { context has ci && context.ci };'],
  ])('is refused in %s', (_where, text) => {
    expect(refusals(text).join()).toContain('asks for');
  });
});

describe('a bundle is refused', () => {
  const document = soundDocument();
  const withSchema = (change: (schema: string) => string) => ({ cedar: { ...document.cedar, schema: change(document.cedar.schema) } });
  const { apply, ...others } = document.contracts.tool.operations;
  const withParameters = (parameters: Json) => ({
    contracts: { tool: { version: '1', operations: { apply: { ...apply, parameters }, ...others } } },
  });
  const property = (value: Json) => withParameters({ type: 'object', additionalProperties: false, properties: { a: value } });
  const cases: [string, Record<string, Json>, string][] = [
    ['for a class without an action', withSchema((text) => text.replace('action note', 'action nite')), 'no action of its name'],
    ['for a fact that the schema has not', withSchema((text) => text.replace('amount: Long, ', '')), 'amount'],
    ['for a fact of another type', withSchema((text) => text.replace('ci: Bool', 'ci: String')), 'class change'],
    ['for an attribute without fact', withSchema((text) => text.replace('ci: Bool', 'ci: Bool, extra: Bool')), 'class change'],
    ['for an action without pipelines', withSchema((text) => text.replaceAll('[agent, person, pipeline]', '[agent, person]')), 'class'],
    [
      'for entities with attributes',
      withSchema((text) => text.replace('entity thing in [thing]', 'entity thing in [thing] { risk: String }')),
      'risk',
    ],
    ['for a schema that does not parse', withSchema((text) => `${text} entity`), 'schema'],
    ['for tables that do not hold together', { windows: {} }, 'unknown window'],
    ['for parameters that take unknown members', withParameters({ type: 'object' }), 'takes unknown members'],
    ['for parameters that are no object', withParameters({ type: 'array', additionalProperties: false }), 'type is not object'],
    ['for an unknown keyword', property({ minimun: 1 }), 'minimun'],
    ['for an unknown format', property({ type: 'string', format: 'zip' }), 'zip'],
    ['for a schema that refers to itself', property({ $ref: '#' }), '$ref'],
    ['for a schema elsewhere', property({ $ref: 'https://example.com/schema' }), '$ref'],
    ['for a pattern that refers back', property({ type: 'string', pattern: '^(a+)\\1$' }), 'is not supported'],
    [
      'for a list that could cost too much',
      property({ type: 'array', items: { type: 'object', additionalProperties: false }, uniqueItems: true }),
      'maxItems',
    ],
    ['of format 1 for a pattern that backtracks', { format: 1, ...property({ type: 'string', pattern: '^(a+)+$' }) }, 'may backtrack'],
    ['of format 1 for a pattern with two repetitions', { format: 1, ...property({ type: 'string', pattern: '^a*a*$' }) }, 'may backtrack'],
    ['of format 1 for a pattern without anchor', { format: 1, ...property({ type: 'string', pattern: 'a+$' }) }, 'may backtrack'],
    ['of format 1 for unique items without bound', { format: 1, ...property({ type: 'array', uniqueItems: true }) }, 'maxItems'],
  ];
  it.each(cases)('%s', (_what, change, reason) => {
    expect(engine.refusals(soundBundle(change)).join('\n')).toContain(reason);
  });
});

describe('an instance that breaks', () => {
  let instances: Cedar[];
  let own: CedarEngine;
  beforeEach(() => {
    instances = [];
    own = new CedarEngine(() => {
      instances.push(freshCedar());
      return instances.at(-1) ?? freshCedar();
    });
  });
  /** What a hostile policy does to an instance when nothing bounds it. */
  const breakInstance = () => {
    const nested = `forbid (${ON}) when { ${'('.repeat(140)}true${')'.repeat(140)} };`;
    expect(() => instances.at(-1)?.policyToJson(nested)).toThrow();
  };

  it('is replaced when it throws, and the question asked again', () => {
    expect(judge(judgeInput(own)).reasons).toEqual(['ALLOW_POLICY']);
    breakInstance();
    expect(judge(judgeInput(own)).reasons).toEqual(['ALLOW_POLICY']);
    expect(instances).toHaveLength(2);
  });
  it('fails the probe once, and a fresh one passes', () => {
    breakInstance();
    expect([own.probe(), own.probe()]).toEqual([false, true]);
  });
  it('refuses the candidate it was given', () => {
    breakInstance();
    expect(own.refusals(soundBundle()).join()).toContain('engine failed');
    expect(own.refusals(soundBundle())).toEqual([]);
  });
  it('never answers for a bundle that would not be activated', () => {
    const bundle = withPolicy(`permit (${ON});`);
    expect(() => own.guards(bundle)).toThrow('cannot be loaded');
    expect(judge(judgeInput(own, {}, { bundle })).reasons).toEqual(['DENY_EVALUATION_ERROR']);
    expect(judge(judgeInput(own)).reasons).toEqual(['ALLOW_POLICY']);
  });
});

describe('several bundles in one engine', () => {
  it("do not take each other's policies", () => {
    const [one, other] = [soundBundle(), withPolicy(`@approval("board") permit (${ON}) when { context.amount == 1 };`)];
    const verdicts = [one, other, one, other].map((bundle) => judge(judgeInput(engine, {}, { bundle })).verdict);
    expect(verdicts).toEqual(['ALLOW', 'ESCALATE', 'ALLOW', 'ESCALATE']);
  });
  it('all answer by their own policies, also more than it keeps', () => {
    const bundles = Array.from({ length: 9 }, (_, at) => withPolicy(`@approval("board") permit (${ON}) when { context.amount == ${at} };`));
    for (const round of [0, 1]) {
      bundles.forEach((bundle, at) => {
        const parameters = { ...judgeInput(engine).proposal.parameters, amount: (at + round) % 9 };
        const { verdict } = judge(judgeInput(engine, { parameters }, { bundle }));
        expect(verdict).toBe(round === 0 ? 'ESCALATE' : 'ALLOW');
      });
    }
  });
});

describe('a bundle checked in a child process', { timeout: 30_000 }, () => {
  it('is refused for the same reasons', async () => {
    expect(await checkBundleInChild(canonicalBytes(soundDocument()))).toEqual([]);
    const bundle = withPolicy(`permit (${ON});`);
    expect(await checkBundleInChild(canonicalBytes(bundle.document))).toEqual(engine.refusals(bundle));
  });
  it('is refused when it is no bundle', async () => {
    expect(await checkBundleInChild(new Uint8Array([0xff]))).toEqual(['bytes are not valid utf-8']);
    expect((await checkBundleInChild(canonicalBytes({ format: 1 }))).join()).toContain('bundle: ');
  });
  it('cannot take the caller with it', async () => {
    const nested = withPolicy(`forbid (${ON}) when { ${'('.repeat(140)}true${')'.repeat(140)} };`);
    expect((await checkBundleInChild(canonicalBytes(nested.document))).join()).toContain('brackets');
    expect(await checkBundleInChild(canonicalBytes(soundDocument()), { msMax: 1 })).toEqual(['check failed: no answer within 1 ms']);
    expect(await checkBundleInChild(canonicalBytes(soundDocument()), { heapMibMax: 1 })).toEqual([
      'check failed: the checking process died',
    ]);
    expect(engine.probe()).toBe(true);
  });
});

it('parseBundle takes what a bundle holds', () => {
  expect(parseBundle(soundDocument()).digest).toBe(soundBundle().digest);
});
