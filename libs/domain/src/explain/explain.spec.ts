import { describe, expect, it } from 'vitest';

import { laneBundle, MemoryLane, testBundle, testDocument } from '#testing';

import type { EntryKind } from '../ledger/entry.ts';
import { NO_PREVIOUS } from '../ledger/heads.ts';
import { makeStatement } from '../ledger/statement.ts';
import type { Bundle } from '../policy/types.ts';
import { explainEntry, isAbout } from './explain.ts';
import type { ToldEntry } from './members.ts';
import { REASONS } from './reasons.ts';
import { formatPart } from './text.ts';

const entryOf = (kind: string, members: object, subject = 'a-1'): ToldEntry => ({
  kind,
  statement: makeStatement(kind as EntryKind, subject, {
    ...{ origin: 'ledger.example/t/1', index: '4', previous: NO_PREVIOUS, decidedAt: '2026-11-25T12:00:00.000Z' },
    ...{ rules: 1, engine: 'fake@1', bundle: null, source: { kind: 'tick', part: 0, parts: 1 }, ...members },
  }),
});
const knowing = (...bundles: Bundle[]) => new Map(bundles.map((bundle) => [bundle.digest, bundle]));
const told = (kind: string, members: object, ...bundles: Bundle[]) => explainEntry(entryOf(kind, members), knowing(...bundles));

const MEMBER = {
  'action.decided': (code: string) => ({ verdict: code.split('_')[0], reasons: [code] }),
  'claim.refused': (code: string) => ({ reasons: [code] }),
  'escalation.settled': (code: string) => ({ outcome: code }),
  'input.refused': (code: string) => ({ code }),
};
const onLedger = [...REASONS].filter(([, { on }]) => Object.hasOwn(MEMBER, on));

describe('a reason', () => {
  it.each(onLedger)('%s is told with its meaning and what to do next', (code, { on, means, next }) => {
    const part = told(on, MEMBER[on as keyof typeof MEMBER](code));
    expect(part.reasons).toEqual([{ code, means, next }]);
    const text = formatPart(part);
    expect(text).toContain(`${code}: ${means}.`);
    expect(text).toMatch(new RegExp(`Next: ${next}`));
  });

  it('that came later is told by its code alone', () => {
    const part = told('action.decided', { verdict: 'DENY', reasons: ['DENY_NEW'] });
    expect(part.reasons).toEqual([{ code: 'DENY_NEW', means: null, next: null }]);
    expect(formatPart(part)).toContain('DENY_NEW: not a code that this version knows');
  });

  it('of a shadow decision asks for nothing', () => {
    const text = formatPart(told('action.decided', { verdict: 'WOULD_ALLOW', reasons: ['ALLOW_POLICY'] }));
    expect(text).toContain('Next: nothing');
    expect(text).not.toContain('act once');
  });
});

describe('a decision', () => {
  const EXCEPTION = 'forbid (principal, action, resource) unless { context.risk == "low" };';
  const policies = {
    plain:
      '// never mind: "low" is fine\n@note("x // y")\nforbid (principal, action, resource)\n  when { context.risk == "high" }; // high',
    exception: EXCEPTION,
    permit: '@unattended("forbid (") permit (principal, action, resource);',
  };
  const { cedar, ...rest } = testDocument();
  const bundle = testBundle({ ...rest, cedar: { ...cedar, policies: { ...cedar.policies, ...policies } } });
  const cites = { bundle: bundle.digest };

  it('that allows or escalates is told with the policies as they stand in the bundle of that digest, rules and contract', () => {
    const digest = bundle.contractDigests.get('tool') ?? '';
    const [rule, { group = '', min = 0 } = {}] = Object.entries(bundle.tables.approvalRules)[0] ?? [''];
    const members = { ...cites, verdict: 'ESCALATE', policies: ['exception', 'permit'], ruleSet: [rule], contractDigest: digest };
    const part = told('action.decided', members, bundle);
    expect(part.policies.map(({ text }) => text)).toEqual([EXCEPTION, policies.permit]);
    expect(part.policies[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(part).toMatchObject({ rules: [{ id: rule, group, min }], contract: { digest, connector: 'tool', version: '1' } });
    const text = formatPart(part);
    for (const said of [EXCEPTION, `Approval rule ${rule}: ${min} of ${group}.`, `Contract of tool, version 1: ${digest}`, bundle.digest])
      expect(text).toContain(said);
  });

  it('that denies is told by the forbids that matched, without comments', () => {
    const part = told('action.decided', { ...cites, verdict: 'DENY', policies: ['plain'] }, bundle);
    expect(part.policies).toMatchObject([
      { text: '@note("x // y")\nforbid (principal, action, resource)\n  when { context.risk == "high" };', withheld: null },
    ]);
  });

  it.each(['DENY', 'WOULD_DENY', 'TO_COME'])(
    '%s never says what would have been allowed: no permit, no exception, no approval rule',
    (verdict) => {
      const rule = Object.keys(bundle.tables.approvalRules)[0] ?? '';
      const part = told('action.decided', { ...cites, verdict, policies: ['exception', 'permit'], ruleSet: [rule] }, bundle);
      expect(part.policies).toMatchObject([
        { id: 'exception', text: null, withheld: 'names-what-is-not-denied' },
        { id: 'permit', text: null, withheld: 'names-what-is-not-denied' },
      ]);
      expect(part.rules).toEqual([]);
      expect(formatPart(part)).not.toMatch(/unless|permit \(|low|Approval rule/);
    },
  );

  it('is told without texts when only another bundle is at hand, or none, or when the bundle has no such policy', () => {
    const members = { ...cites, verdict: 'ALLOW', policies: ['plain', 'gone', 'constructor'], ruleSet: ['some'] };
    const without = [told('action.decided', members), told('action.decided', members, laneBundle())];
    for (const { policies: untold, rules } of without) {
      expect(new Set(untold.map(({ withheld }) => withheld))).toEqual(new Set(['bundle-not-at-hand']));
      expect(rules).toEqual([{ id: 'some', group: null, min: null }]);
    }
    const [, ...gone] = told('action.decided', members, bundle).policies;
    expect(gone.map(({ withheld }) => withheld)).toEqual(['not-in-bundle', 'not-in-bundle']);
  });

  it('is told with the facts that its policies looked at, and where they came from, without their values', () => {
    const part = told('action.decided', { ...cites, verdict: 'DENY', policies: ['plain'], class: 'change' }, bundle);
    expect(part.inputs).toEqual([{ name: 'risk', from: 'table', which: 'risk' }]);
    expect(formatPart(part)).toContain('What they looked at: risk, from table risk.');
    const withheld = told('action.decided', { ...cites, verdict: 'DENY', policies: ['exception'], class: 'change' }, bundle);
    expect(withheld.inputs).toEqual([]);
  });

  it('as it is made by the decider is told whole', () => {
    const lane = MemoryLane.ready();
    const { entries } = lane;
    lane.propose('allowed');
    lane.propose('frozen', { resource: { type: 'thing', id: 'frozen' } });
    const parts = entries.map((entry) => explainEntry(entry, knowing(laneBundle())));
    const [allowed, denied] = parts.slice(-2);
    expect(allowed).toMatchObject({ verdict: 'ALLOW', reasons: [{ code: 'ALLOW_POLICY' }], policies: [{ withheld: null }] });
    expect(allowed?.says.join(' ')).toMatch(/asked for .* signed it\. It may be claimed once/);
    expect(denied).toMatchObject({ verdict: 'DENY', reasons: [{ code: 'DENY_POLICY', next: 'stop' }], rules: [] });
    for (const part of parts) expect(formatPart(part)).toMatch(/Proof: .*, ledger\.example\/t\/[0-9a-f]{32} index \d+$/);
  });
});

describe('a receipt', () => {
  it.each([
    ['action.decided', { verdict: 'ALLOW', reasons: ['ALLOW_POLICY'] }, ['decision receipt']],
    ['action.decided', { verdict: 'ESCALATE', incident: 'i-1' }, ['decision receipt', 'escalation queue entry', 'incident-action receipt']],
    ['action.decided', { verdict: 'DENY', reasons: ['DENY_TENANT_SCOPE'] }, ['decision receipt', 'tenant-scoped denial receipt']],
    ['outcome.recorded', { outcome: 'result' }, ['change receipt']],
    ['outcome.recorded', { outcome: 'healthcheck' }, ['healthcheck receipt']],
    ['outcome.recorded', { outcome: 'rollback' }, ['rollback receipt']],
    ['outcome.recorded', { outcome: 'toString' }, ['outcome receipt']],
    ['approval.recorded', {}, ['approval']],
    ['claim.granted', {}, ['claim.granted receipt']],
  ])('of %s %j is called %j', (kind, members, proofs) => {
    expect(told(kind, members).proofs).toEqual(proofs);
  });
});

describe('an entry', () => {
  const none: ReadonlySet<string> = new Set();

  it('is about the action that is its subject', () => {
    expect(isAbout(entryOf('outcome.recorded', {}), 'a-1', none)).toBe(true);
    expect(isAbout(entryOf('outcome.recorded', {}), 'a-2', none)).toBe(false);
  });

  it('of no action is not about an action that is called like its kind', () => {
    expect(isAbout(entryOf('action.decided', {}, 'action.decided'), 'action.decided', none)).toBe(false);
  });

  it('of a claim that proved nothing names only the decision', () => {
    const claim = entryOf('claim.refused', { decision: '4' }, 'claim.refused');
    expect(isAbout(claim, 'a-1', new Set(['ledger.example/t/1\n4']))).toBe(true);
    expect(isAbout(claim, 'a-1', new Set(['ledger.example/t/1\n5']))).toBe(false);
    expect(isAbout(claim, 'a-1', new Set(['an-older-log\n4']))).toBe(false);
  });
});
