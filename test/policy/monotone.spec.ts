/** For every bundle that may be activated: less shown, or more forbidden, never turns DENY or ESCALATE into ALLOW. */
import { type Bundle, judge, type Proposal } from '#domain';
import { judgeInput } from '#testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { bundleOf, engine, forbid, PARAMETERS, policies, proposals, requires, RUNS } from './any-bundle.ts';

const verdictOf = (bundle: Bundle, proposal: Proposal): string => judge(judgeInput(engine, proposal, { bundle })).verdict;
const without = (proposal: Proposal, name: string): Proposal => {
  const kept = Object.entries(proposal.parameters).filter(([member]) => member !== name);
  return { ...proposal, parameters: Object.fromEntries(kept) };
};

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
        if (before !== 'ALLOW') expect(less, `${texts.join('\n')}\n+ ${more}\n${JSON.stringify(proposal)}`).not.toContain('ALLOW');
      }
    }),
    PARAMETERS,
  );
  // A property that looked at nothing would hold as well.
  expect(seen.activated).toBeGreaterThanOrEqual(RUNS);
  expect(Math.min(seen.allowed, seen.tightened)).toBeGreaterThan(0);
});
