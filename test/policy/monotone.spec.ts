/** For every bundle that may be activated: less shown, or more forbidden, never turns DENY or ESCALATE into ALLOW. */
import { CedarEngine } from '#adapters';
import { type Bundle, judge, type Proposal } from '#domain';
import { judgeInput, testBundle, testDocument, testEvidence, testProposal } from '#testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

/** Each costs a compilation of its bundle: some 50 ms. */
const RUNS = 60;
const engine = new CedarEngine();
const { cedar, classes } = testDocument();
const schema = cedar.schema.replace('risk: String, amount: Long', 'risk: String, ticket?: String, amount: Long');

/** What policies of the test bundle can ask; some of it may be asked only in some places. */
const ATOMS = [
  'context.risk == "low"',
  'context.risk == "high"',
  'context.environment == "sandbox"',
  'context.amount > 100',
  'context.amount <= 10',
  'context.ci',
  'principal is agent',
  'principal in tenant::"acme"',
  'resource in thing::"low"',
  'resource is thing',
  'context has ticket && context.ticket == "T-1"',
];
const condition = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...ATOMS).map((atom) => `(${atom})`),
    fc.tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression')).map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie('expression').map((a) => `(!${a})`),
    tie('expression').map((a) => `(if ${a} then true else context.ci)`),
  ),
})).expression;
const body = fc.tuple(fc.constantFrom('when', 'unless'), condition).map(([kind, text]) => `${kind} { ${text} };`);
const SCOPE = '(principal, action == Action::"change", resource)';
const permit = fc
  .tuple(fc.constantFrom('@unattended("x")', '@approval("two-eyes")', '@approval("board")'), body)
  .map(([guard, text]) => `${guard} permit ${SCOPE} ${text}`);
const forbid = body.map((text) => `forbid ${SCOPE} ${text}`);
const policies = fc.array(fc.oneof({ weight: 3, arbitrary: permit }, { weight: 1, arbitrary: forbid }), { minLength: 1, maxLength: 4 });
/** The class requires CI, or only asks whether it was shown. */
const requires = fc.constantFrom<('ci' | 'rollback')[]>(['ci', 'rollback'], ['rollback'], []);

function bundleOf(texts: readonly string[], required: ('ci' | 'rollback')[]): Bundle {
  const named = Object.fromEntries(texts.map((text, at): [string, string] => [`p${at}`, text]));
  return testBundle({ cedar: { schema, policies: named }, classes: { ...classes, change: { ...classes.change, requires: required } } });
}

function proposals(): Proposal[] {
  const things = ['low', 'high', 'medium', 'frozen'];
  return things.flatMap((id) =>
    [1, 50, 101].flatMap((amount) =>
      (['agent', 'person'] as const).map((kind) => {
        const proposal = testProposal({ resource: { type: 'thing', id }, actor: { kind, id: 'bot' } });
        return {
          ...proposal,
          parameters: { ...proposal.parameters, amount },
          evidence: [testEvidence({ resource: { type: 'thing', id } })],
        };
      }),
    ),
  );
}
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
    { numRuns: RUNS, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
  );
  // A property that looked at nothing would hold as well.
  expect(seen.activated).toBeGreaterThanOrEqual(RUNS);
  expect(Math.min(seen.allowed, seen.tightened)).toBeGreaterThan(0);
});
