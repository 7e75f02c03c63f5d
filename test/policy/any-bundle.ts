/** Bundles with policies that are drawn, and the proposals that they are asked about. */
import { CedarEngine } from '#adapters';
import type { Bundle, Proposal } from '#domain';
import { soundBundle, soundDocument, testEvidence, testProposal, testWayBack } from '#testing';
import fc from 'fast-check';

/** Each costs a compilation of its bundle: some 50 ms. */
export const RUNS = 60;
export const PARAMETERS = { numRuns: RUNS, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) };

export const engine = new CedarEngine();
const { cedar, classes } = soundDocument();
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
export const SCOPE = '(principal, action == Action::"change", resource)';
const permit = fc
  .tuple(fc.constantFrom('@unattended("x")', '@approval("two-eyes")', '@approval("board")'), body)
  .map(([guard, text]) => `${guard} permit ${SCOPE} ${text}`);
export const forbid = body.map((text) => `forbid ${SCOPE} ${text}`);
export const policies = fc.array(fc.oneof({ weight: 3, arbitrary: permit }, { weight: 1, arbitrary: forbid }), {
  minLength: 1,
  maxLength: 4,
});
/** The class requires CI, or only asks whether it was shown. */
export const requires = fc.constantFrom<('ci' | 'rollback')[]>(['ci', 'rollback'], ['rollback'], []);

export function bundleOf(texts: readonly string[], required: ('ci' | 'rollback')[]): Bundle {
  const named = Object.fromEntries(texts.map((text, at): [string, string] => [`p${at}`, text]));
  return soundBundle({ cedar: { schema, policies: named }, classes: { ...classes, change: { ...classes.change, requires: required } } });
}

/** Of acme's bot, for a change through the tool: things of every risk, amounts on both sides of the limits; for a ledger of that birth. */
export function proposals(birth?: string): Proposal[] {
  const bound = birth === undefined ? {} : { birth };
  const things = ['low', 'high', 'medium', 'frozen'];
  return things.flatMap((id) =>
    [1, 50, 101].flatMap((amount) =>
      (['agent', 'person'] as const).map((kind) => {
        const proposal = testProposal({ resource: { type: 'thing', id }, actor: { kind, id: 'bot' } });
        return {
          ...proposal,
          parameters: { ...proposal.parameters, amount },
          evidence: [
            testEvidence({ resource: { type: 'thing', id }, ...bound }),
            testWayBack({ resource: { type: 'thing', id }, ...bound }),
          ],
        };
      }),
    ),
  );
}
