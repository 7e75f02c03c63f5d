/** For every bundle that may be activated: less shown, or more forbidden, never turns DENY into ESCALATE or ALLOW, nor ESCALATE into ALLOW. */
import { type Bundle, type Evidence, formatTime, judge, type Proposal } from '#domain';
import { judgeInput, NOON_MS, testEvidence, testWayBack } from '#testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { bundleOf, engine, forbid, PARAMETERS, policies, proposals, requires, RUNS } from './any-bundle.ts';

const verdictOf = (bundle: Bundle, proposal: Proposal): string => judge(judgeInput(engine, proposal, { bundle })).verdict;
const without = (proposal: Proposal, name: string): Proposal => {
  const kept = Object.entries(proposal.parameters).filter(([member]) => member !== name);
  return { ...proposal, parameters: Object.fromEntries(kept) };
};

const LOOSENESS = ['DENY', 'ESCALATE', 'ALLOW'];
const isLooser = (verdict: string, than: string): boolean => LOOSENESS.indexOf(verdict) > LOOSENESS.indexOf(than);

it('a forbid that is added, evidence or a fact that is left out never loosens', { timeout: 120_000 }, () => {
  const all = proposals();
  const seen = { activated: 0, allowed: 0, tightened: 0 };
  fc.assert(
    fc.property(policies, forbid, requires, (texts, more, required) => {
      const bundle = bundleOf(texts, required);
      fc.pre(engine.refusals(bundle).length === 0);
      seen.activated += 1;
      const stricter = bundleOf([...texts, more], required);
      const isStricter = engine.refusals(stricter).length === 0;
      for (const proposal of all) {
        const before = verdictOf(bundle, proposal);
        const less = [
          verdictOf(bundle, { ...proposal, evidence: [] }),
          verdictOf(bundle, without(proposal, 'back')),
          verdictOf(bundle, without(proposal, 'amount')),
          ...(isStricter ? [verdictOf(stricter, proposal)] : []),
        ];
        if (before === 'ALLOW') seen.allowed += 1;
        if (before === 'ALLOW' && less.some((verdict) => verdict !== 'ALLOW')) seen.tightened += 1;
        const loosened = less.filter((verdict) => isLooser(verdict, before));
        expect(loosened, `${texts.join('\n')}\n+ ${more}\n${JSON.stringify(proposal)}`).toEqual([]);
      }
    }),
    PARAMETERS,
  );
  // A property that looked at nothing would hold as well.
  expect(seen.activated).toBeGreaterThanOrEqual(RUNS);
  expect(Math.min(seen.allowed, seen.tightened)).toBeGreaterThan(0);
});

const DAY_MS = 86_400_000;
/** Each makes a statement count for less, or for nothing; the proposer can do all of it. */
const WORSE: readonly (readonly [what: string, of: (evidence: readonly Evidence[], proposal: Proposal) => readonly Evidence[]])[] = [
  ['left out', () => []],
  ['without its last', (evidence) => evidence.slice(0, -1)],
  ['without its first', (evidence) => evidence.slice(1)],
  [
    'under another signature',
    (evidence) => evidence.map((one) => ({ ...one, signature: evidence[0]?.signature.replace(/^./, '!') ?? '' })),
  ],
  ['of another type', (evidence) => evidence.map((one) => ({ ...one, type: 'review' }))],
  ['of version 1', (evidence) => evidence.map((one) => ({ ...one, payloadType: one.payloadType.replace('v=2', 'v=1') }))],
  [
    'signed by a key that is not registered',
    (_, { resource }) => [testEvidence({ resource }, FOREIGN), testWayBack({ resource }, FOREIGN)],
  ],
  ['for another action', (_, { resource }) => both({ resource, actionDigest: '0'.repeat(64) })],
  ['for another ledger', (_, { resource }) => both({ resource, birth: 'f'.repeat(64) })],
  ['too old', (_, { resource }) => both({ resource, issuedAt: formatTime(NOON_MS - DAY_MS) })],
  ['over', (_, { resource }) => both({ resource, expiresAt: formatTime(NOON_MS) })],
  ['for another artifact', (_, { resource }) => both({ resource, artifactDigest: 'v9' })],
];
const FOREIGN = new Uint8Array(32).fill(3);
const both = (about: Parameters<typeof testEvidence>[0]): readonly Evidence[] => [testEvidence(about), testWayBack(about)];

it('evidence that is left out, falsified, too old, or used already never loosens', { timeout: 120_000 }, () => {
  const all = proposals();
  const seen = { allowed: 0, tightened: 0 };
  fc.assert(
    fc.property(policies, requires, (texts, required) => {
      const bundle = bundleOf(texts, required);
      fc.pre(engine.refusals(bundle).length === 0);
      for (const proposal of all) {
        const before = verdictOf(bundle, proposal);
        const less = WORSE.map(([what, of]) => [what, verdictOf(bundle, { ...proposal, evidence: of(proposal.evidence ?? [], proposal) })]);
        const used = judge({ ...judgeInput(engine, proposal, { bundle }), timesUsed: () => 1 }).verdict;
        if (before === 'ALLOW') seen.allowed += 1;
        if (before === 'ALLOW' && used !== 'ALLOW') seen.tightened += 1;
        const loosened = [...less, ['used', used]].filter(([, verdict = '']) => isLooser(verdict, before));
        expect(loosened, `${texts.join('\n')}\n${JSON.stringify(proposal)}`).toEqual([]);
      }
    }),
    PARAMETERS,
  );
  expect(Math.min(seen.allowed, seen.tightened)).toBeGreaterThan(0);
});
