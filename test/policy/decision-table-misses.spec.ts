/** The mutation run of the decision table: whatever is taken out of policy, or is said otherwise there, turns a row red. */
import { type ActorRule, type Json, parseBundle, type Proposal } from '#domain';
import { describe, expect, it } from 'vitest';

import { bundlesOf, standardDocument } from './row-bundles.ts';
import { ROW_ACTORS } from './row-proposals.ts';
import { isRed, type Question, questions, standard, STEPS, type StepsFor, stepsFor } from './table-judge.ts';

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
    expect(ofClass.some((question) => isRed(question, { bundles: without }))).toBe(true);
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
    expect(questions.some((question) => isRed(question, { bundles: without }))).toBe(true);
  });
  const limits = (standard.windowed.document as unknown as { limits: Record<string, JsonObject> }).limits;
  const named = Object.entries(limits);
  const changedLimits = (name: string, change: JsonObject | undefined): Record<string, JsonObject> =>
    Object.fromEntries(named.flatMap(([id, limit]) => (id !== name ? [[id, limit]] : change ? [[id, { ...limit, ...change }]] : [])));
  const isMissed = (changed: Record<string, JsonObject>): boolean => {
    // The limit that the windowed bundle adds is not of the standard one.
    const ofStandard = Object.fromEntries(Object.entries(changed).filter(([id]) => id in (standardDocument['limits'] as object)));
    const bundles = {
      plain: parseBundle({ ...standardDocument, limits: ofStandard }),
      windowed: parseBundle({ ...(standard.windowed.document as JsonObject), limits: changed }),
    };
    return questions.filter(({ row }) => row.before !== undefined || row.cls === 'refund.issue').some((one) => isRed(one, { bundles }));
  };
  it.each(named.map(([name]) => name))('the limit %s when it is gone', (name) => {
    expect(isMissed(changedLimits(name, undefined))).toBe(true);
  });
  it.each(
    named.flatMap(([name, { max, per }]) => [
      [name, { max: Number(max) - 1 }] as const,
      [name, { max: Number(max) + 1 }] as const,
      ...['tenant', 'actor', '/order', 'resource'].filter((other) => other !== per).map((other) => [name, { per: other }] as const),
    ]),
  )('of the limit %s the change to %j', (name, change) => {
    expect(isMissed(changedLimits(name, change))).toBe(true);
  });
  it.each(['used', 'spent'] as const)('what was %s before when it is forgotten', (forgets) => {
    expect(questions.some((question) => isRed(question, { forgets }))).toBe(true);
  });
  it.each(ROW_ACTORS.map((rule) => [`${rule.kind}:${rule.id}`, rule] as const))('the actor %s when it may not be said', (_name, rule) => {
    const steps: StepsFor = (freezes) =>
      stepsFor(
        freezes,
        ROW_ACTORS.filter((other) => other !== rule),
      );
    expect(questions.some((question) => isRed(question, { steps }))).toBe(true);
  });
  it.each(ROW_ACTORS.filter(({ actingFor }) => actingFor).map((rule) => [`${rule.kind}:${rule.id}`, rule] as const))(
    'for whom the actor %s may act, when it may act for anyone or must act for nobody',
    (_name, rule) => {
      const { actingFor, ...alone } = rule;
      const others: readonly ActorRule[] = [alone, { ...alone, actingFor: actingFor?.[0] === '*' ? ['ana'] : ['*'] }];
      for (const other of others) {
        const steps: StepsFor = (freezes) =>
          stepsFor(
            freezes,
            ROW_ACTORS.map((each) => (each === rule ? other : each)),
          );
        expect(questions.some((question) => isRed(question, { steps }))).toBe(true);
      }
    },
  );
  // The tenant's own place is one of its members too: each of the two is missed when both are gone.
  it.each([['tenantMembers'], ['alsoTenant'], ['fields'], ['tenant', 'tenantMembers'], ['resource']])(
    '%s of a contract when it is gone',
    (...members) => {
      const [plain, windowed] = [standard.plain, standard.windowed].map(({ document }) => parseBundle(withoutInCrm(document, members)));
      if (!plain || !windowed) throw new Error('two bundles');
      expect(questions.some((question) => isRed({ ...question, proposal: unpinned(question) }, { bundles: { plain, windowed } }))).toBe(
        true,
      );
    },
  );
  it.each(STEPS)('the step %s when it is left out', (name) => {
    const without: StepsFor = (freezes) => stepsFor(freezes).filter(([each]) => each !== name);
    expect(questions.some((question) => isRed(question, { steps: without }))).toBe(true);
  });
  it.each(STEPS.slice(1).map((name, at) => [name, STEPS[at]]))('the step %s when it comes before %s', (name, before) => {
    const swapped: StepsFor = (freezes) => {
      const steps = [...stepsFor(freezes)];
      const at = steps.findIndex(([each]) => each === name);
      steps.splice(at - 1, 0, ...steps.splice(at, 1));
      expect(steps[at]?.[0]).toBe(before);
      return steps;
    };
    expect(questions.some((question) => isRed(question, { steps: swapped }))).toBe(true);
  });
});
