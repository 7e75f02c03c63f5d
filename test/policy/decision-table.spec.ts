import { join } from 'node:path';

import { CedarEngine, loadBundleFolder, repositoryRoot } from '#adapters';
import { type Bundle, JUDGE_STEPS, type JudgeSteps, type Json, parseBundle, runPolicyTest } from '#domain';
import { describe, expect, it } from 'vitest';

import { readRows, type Row, testOf, withWindows } from './decision-table.ts';

const engine = new CedarEngine();
const document = loadBundleFolder(join(repositoryRoot(), 'policies', 'standard')) as Json;
interface Bundles {
  readonly plain: Bundle;
  readonly windowed: Bundle;
}
const bundlesOf = (changed: Json): Bundles => ({ plain: parseBundle(changed), windowed: parseBundle(withWindows(changed)) });
const standard = bundlesOf(document);
const rows = readRows();

function run(row: Row, bundles: Bundles = standard, steps: JudgeSteps = JUDGE_STEPS) {
  const pinned = row.window === 'any' ? standard.plain : standard.windowed;
  return runPolicyTest(row.window === 'any' ? bundles.plain : bundles.windowed, engine, testOf(row, pinned), steps);
}
const isAnyRed = (some: readonly Row[], bundles?: Bundles, steps?: JudgeSteps): boolean => some.some((row) => !run(row, bundles, steps).ok);

describe('the decision table', () => {
  it.each(rows)('line $line: $cls $operation on $resource is $verdict $reason', (row) => {
    const { verdict, reasons } = run(row);
    expect({ verdict, reasons }).toEqual({ verdict: row.verdict, reasons: [row.reason] });
  });
  it('has more than 400 rows, no two for one question', () => {
    expect(rows.length).toBeGreaterThan(400);
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
      ...['CONTRACT', 'ENVELOPE', 'MISSING_EVIDENCE', 'NO_MATCH', 'POLICY', 'TENANT_SCOPE', 'UNKNOWN_CLASS', 'WINDOW'].map(
        (code) => `DENY_${code}`,
      ),
      'ESCALATE_APPROVAL_REQUIRED',
    ]);
  });
});

describe('the decision table misses', { timeout: 60_000 }, () => {
  const { cedar } = document as { cedar: { policies: Record<string, string> } };
  it.each(Object.keys(cedar.policies))('the policy %s when it is gone', (id) => {
    const policies = Object.fromEntries(Object.entries(cedar.policies).filter(([name]) => name !== id));
    const without = bundlesOf({ ...(document as Record<string, Json>), cedar: { ...cedar, policies } });
    const cls = /Action::"([^"]+)"/.exec(cedar.policies[id] ?? '')?.[1];
    expect(
      isAnyRed(
        rows.filter((row) => row.cls === cls),
        without,
      ),
    ).toBe(true);
  });
  it.each(JUDGE_STEPS.map(([name]) => name))('the step %s when it is left out', (name) => {
    const steps = JUDGE_STEPS.filter(([each]) => each !== name);
    expect(isAnyRed(rows, standard, steps)).toBe(true);
  });
  it.each(JUDGE_STEPS.slice(1).map(([name], at) => [name, JUDGE_STEPS[at]?.[0]]))('the step %s when it comes before %s', (name, before) => {
    const steps = [...JUDGE_STEPS];
    const at = steps.findIndex(([each]) => each === name);
    steps.splice(at - 1, 0, ...steps.splice(at, 1));
    expect(steps[at]?.[0]).toBe(before);
    expect(isAnyRed(rows, standard, steps)).toBe(true);
  });
});
