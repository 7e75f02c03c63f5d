import { CedarEngine } from '#adapters';
import {
  ANY,
  checkActor,
  type Freeze,
  freezeFor,
  type Json,
  judge,
  JUDGE_STEPS,
  type JudgeSteps,
  parseBundle,
  type Proposal,
} from '#domain';
import { describe, expect, it } from 'vitest';

import { testEvidenceKey } from '../../libs/domain/src/policy/own-test-evidence.ts';
import { readRows, type Row, type RowFreeze } from './decision-table.ts';
import { bundleFor, type Bundles, bundlesOf, standardDocument } from './row-bundles.ts';
import { proposalOf, ROW_ACTORS, TIMES_MS } from './row-proposals.ts';

interface Question {
  readonly row: Row;
  readonly proposal: Proposal;
}
type StepsFor = (freezes: readonly RowFreeze[]) => JudgeSteps;

const engine = new CedarEngine();
const standard = bundlesOf(standardDocument);
const rows = readRows();
const questions = rows.map((row): Question => ({ row, proposal: proposalOf(row, bundleFor(standard, row), TIMES_MS[row.window]) }));

/** As `decide` has it, before anything else that policy says. */
const stepsFor: StepsFor = (freezes) => [['actor', actorStep], ['freeze', freezeStep(freezes)], ...JUDGE_STEPS];
const STEPS = stepsFor([]).map(([name]) => name);

function actorStep({ proposal: { actor } }: Parameters<JudgeSteps[number][1]>[0]): 'DENY_ACTOR' | undefined {
  return checkActor(ROW_ACTORS, actor).ok ? undefined : 'DENY_ACTOR';
}

function freezeStep(raised: readonly RowFreeze[]): JudgeSteps[number][1] {
  const book = raised.map(({ level, scope, ended }, at): [string, Freeze] => {
    const id = `f-${at}`;
    return [id, { id, level, scope, by: 'ana', untilMs: ended === 'over' ? 0 : null, lifted: ended === 'lifted' }];
  });
  const freezes = new Map(book);
  return ({ proposal: { tenant, class: cls, connector, actor }, nowMs }) => {
    const check = checkActor(ROW_ACTORS, actor);
    const anyAgent = check.ok && check.listedAs === ANY;
    const frozen = freezeFor({ freezes }, { tenant, class: cls, connector, agent: actor.id, anyAgent }, nowMs);
    return frozen && (frozen.level === 'stop' ? 'DENY_STOPPED' : 'DENY_FROZEN');
  };
}

function run({ row, proposal }: Question, bundles: Bundles = standard, steps: StepsFor = stepsFor) {
  const nowMs = TIMES_MS[row.window];
  const { verdict, reasons } = judge(
    { bundle: bundleFor(bundles, row), proposal, nowMs, engine, evidenceKey: testEvidenceKey },
    steps(row.freezes),
  );
  return { verdict, reasons };
}
const isRed = (question: Question, bundles?: Bundles, steps?: StepsFor): boolean => {
  const { verdict, reasons } = run(question, bundles, steps);
  return verdict !== question.row.verdict || reasons.join() !== question.row.reason;
};

describe('the decision table', () => {
  it.each(questions)('line $row.line: $row.cls $row.operation on $row.resource is $row.verdict $row.reason', (question) => {
    const { verdict, reason } = question.row;
    expect(run(question)).toEqual({ verdict, reasons: [reason] });
  });
  it('has 500 rows, no two for one question, more than 60 of them with freezes', () => {
    expect(rows.length).toBeGreaterThanOrEqual(500);
    expect(rows.filter(({ freezes }) => freezes.length > 0).length).toBeGreaterThan(60);
    const question = (row: Row): string => JSON.stringify({ ...row, line: 0, verdict: 'DENY', reason: '' });
    expect(new Set(rows.map(question)).size).toBe(rows.length);
  });
  it('has every verdict that a class can have, and every reason that policy can give', () => {
    const seen = (cls: string) => [...new Set(rows.filter((row) => row.cls === cls).map(({ verdict }) => verdict))].sort();
    const all = Object.keys(standard.plain.tables.classes).map((cls) => [cls, seen(cls)]);
    expect(Object.fromEntries(all)).toEqual({
      ...Object.fromEntries(
        ['deployment.change', 'code.change', 'refund.issue', 'customer.message', 'tool.call'].map((cls) => [
          cls,
          ['ALLOW', 'DENY', 'ESCALATE'],
        ]),
      ),
      'record.write': ['ALLOW', 'DENY'],
      ...Object.fromEntries(['data.export', 'access.change', 'control'].map((cls) => [cls, ['DENY', 'ESCALATE']])),
    });
    expect([...new Set(rows.map(({ reason }) => reason))].sort()).toEqual([
      'ALLOW_POLICY',
      ...[
        ...['ACTOR', 'CONTRACT', 'ENVELOPE', 'FROZEN', 'MISSING_EVIDENCE', 'NO_MATCH', 'POLICY', 'STOPPED', 'TENANT_SCOPE'],
        ...['UNKNOWN_CLASS', 'WINDOW'],
      ].map((code) => `DENY_${code}`),
      'ESCALATE_APPROVAL_REQUIRED',
    ]);
  });
  it('has each way in which an actor may not be said, and each way in which it may', () => {
    const said = (reason: (row: Row) => boolean) =>
      new Set(rows.filter(reason).map(({ actor, id, actingFor }) => `${actor}:${id} ${actingFor ?? 'alone'}`));
    const denied = said(({ reason }) => reason === 'DENY_ACTOR');
    for (const way of [
      'agent:agent alone',
      'agent:agent ben',
      'agent:Agent ana',
      'agent:stranger ana',
      'person:other ana',
      'pipeline:agent alone',
    ]) {
      expect(denied).toContain(way);
    }
    const allowed = said(({ verdict }) => verdict === 'ALLOW');
    for (const way of ['agent:agent ana', 'agent:other ana', 'agent:desk eve', 'pipeline:nightly alone']) expect(allowed).toContain(way);
  });
  it('has each class frozen', () => {
    const frozen = rows.filter(({ reason }) => reason === 'DENY_FROZEN' || reason === 'DENY_STOPPED').map(({ cls }) => cls);
    expect([...new Set(frozen)].sort()).toEqual(Object.keys(standard.plain.tables.classes).sort());
  });
});

type JsonObject = Record<string, Json>;
/** The bundle, with the contract of records without some of its members, or with null where the member must be there. */
function withoutInCrm(document: JsonObject, members: readonly string[]): JsonObject {
  const contracts = document['contracts'] as JsonObject;
  const { operations, ...crm } = contracts['crm'] as JsonObject;
  const { 'update-record': update } = operations as Record<string, JsonObject>;
  const isLeft = ([name]: [string, Json]): boolean => !members.includes(name);
  const nulls = members.filter((name) => name === 'tenant' || name === 'resource').map((name): [string, Json] => [name, null]);
  const changed = Object.fromEntries([...Object.entries(update ?? {}).filter(isLeft), ...nulls]);
  const left = { ...Object.fromEntries(Object.entries(crm).filter(isLeft)), operations: { 'update-record': changed } };
  return { ...document, contracts: { ...contracts, crm: left } };
}
/** A contract that was changed has another digest: rows that pin the sound one would be red for that alone. */
function unpinned({ row, proposal }: Question): Proposal {
  const { contractDigest: _, ...rest } = proposal;
  return row.contract === 'pinned' ? rest : proposal;
}

describe('the decision table misses', { timeout: 60_000 }, () => {
  const { cedar } = standardDocument as unknown as { cedar: { schema: string; policies: Record<string, string> } };
  it.each(Object.keys(cedar.policies))('the policy %s when it is gone', (id) => {
    const policies = Object.fromEntries(Object.entries(cedar.policies).filter(([name]) => name !== id));
    const without = bundlesOf({ ...standardDocument, cedar: { ...cedar, policies } });
    const cls = /Action::"([^"]+)"/.exec(cedar.policies[id] ?? '')?.[1];
    const ofClass = questions.filter(({ row }) => row.cls === cls);
    expect(ofClass.some((question) => isRed(question, without))).toBe(true);
  });
  const { classes, windows } = standardDocument as unknown as Record<string, Record<string, JsonObject>>;
  const { window: _, ...exports } = classes?.['data.export'] ?? {};
  const hours = ['export-hours', 'export-night'];
  const withExports = (window: Json) => ({ classes: { ...classes, 'data.export': { ...exports, window } } });
  const night = windows?.['export-night'] ?? {};
  it.each<[string, Record<string, Json>]>([
    ['the windows of exports', { classes: { ...classes, 'data.export': exports } }],
    ...hours.map((name): [string, Record<string, Json>] => [`the window ${name}`, withExports(hours.filter((other) => other !== name))]),
    ['that the night crosses midnight', { windows: { ...windows, 'export-night': { ...night, toMinute: 1440 } } }],
    [
      'the days on which a night begins',
      { windows: { ...windows, 'export-night': { ...night, days: ['mon', 'tue', 'wed', 'thu', 'sat'] } } },
    ],
    ['the zone of a window', { windows: { ...windows, 'export-night': { ...night, zone: 'America/New_York' } } }],
  ])('%s when it is gone', (_what, change) => {
    const without = bundlesOf({ ...standardDocument, ...change });
    expect(questions.some((question) => isRed(question, without))).toBe(true);
  });
  // The tenant's own place is one of its members too: each of the two is missed when both are gone.
  it.each([['tenantMembers'], ['alsoTenant'], ['fields'], ['tenant', 'tenantMembers'], ['resource']])(
    '%s of a contract when it is gone',
    (...members) => {
      const [plain, windowed] = [standard.plain, standard.windowed].map(({ document }) => parseBundle(withoutInCrm(document, members)));
      if (!plain || !windowed) throw new Error('two bundles');
      expect(questions.some((question) => isRed({ ...question, proposal: unpinned(question) }, { plain, windowed }))).toBe(true);
    },
  );
  it.each(STEPS)('the step %s when it is left out', (name) => {
    const without: StepsFor = (freezes) => stepsFor(freezes).filter(([each]) => each !== name);
    expect(questions.some((question) => isRed(question, standard, without))).toBe(true);
  });
  it.each(STEPS.slice(1).map((name, at) => [name, STEPS[at]]))('the step %s when it comes before %s', (name, before) => {
    const swapped: StepsFor = (freezes) => {
      const steps = [...stepsFor(freezes)];
      const at = steps.findIndex(([each]) => each === name);
      steps.splice(at - 1, 0, ...steps.splice(at, 1));
      expect(steps[at]?.[0]).toBe(before);
      return steps;
    };
    expect(questions.some((question) => isRed(question, standard, swapped))).toBe(true);
  });
});
