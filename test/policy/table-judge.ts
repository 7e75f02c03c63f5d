/** Policy's word on the rows, as `decide` asks for it; and with something changed, for tests that show that it is missed. */
import { CedarEngine } from '#adapters';
import {
  type ActorRule,
  ANY,
  checkActor,
  type Freeze,
  freezeFor,
  judge,
  JUDGE_STEPS,
  type JudgeSteps,
  type Judgement,
  type Proposal,
} from '#domain';

import type { Count } from '../../libs/domain/src/policy/limit.ts';
import { testEvidenceKey } from '../../libs/domain/src/policy/own-test-evidence.ts';
import { readRows, type Row, type RowFreeze } from './decision-table.ts';
import { bundleFor, type Bundles, bundlesOf, standardDocument } from './row-bundles.ts';
import { proposalsOf, ROW_ACTORS, TIMES_MS } from './row-proposals.ts';

export interface Question {
  readonly row: Row;
  /** What was decided before it. */
  readonly earlier: readonly Proposal[];
  readonly proposal: Proposal;
}
export type StepsFor = (freezes: readonly RowFreeze[]) => JudgeSteps;
type Step = JudgeSteps[number][1];

const engine = new CedarEngine();
export const standard = bundlesOf(standardDocument);
export const rows = readRows();
export const questions = rows.map((row): Question => {
  const proposals = proposalsOf(row, bundleFor(standard, row), TIMES_MS[row.window]);
  const proposal = proposals.pop();
  if (!proposal) throw new Error('a row without a proposal');
  return { row, earlier: proposals, proposal };
});

/** As `decide` has it, before anything else that policy says. */
export const stepsFor = (freezes: readonly RowFreeze[], actors = ROW_ACTORS): JudgeSteps => [
  ['actor', actorStep(actors)],
  ['freeze', freezeStep(freezes)],
  ...JUDGE_STEPS,
];
export const STEPS = stepsFor([]).map(([name]) => name);

function actorStep(actors: readonly ActorRule[]): Step {
  return ({ proposal: { actor } }) => (checkActor(actors, actor).ok ? undefined : 'DENY_ACTOR');
}

function freezeStep(raised: readonly RowFreeze[]): Step {
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

/** What is remembered between decisions: how often each statement has counted, and what each limit has. As the lane does it, whose time stands still. */
class Remembered {
  readonly #used = new Map<string, number>();
  readonly #spent = new Map<string, number>();
  timesUsed = (digest: string): number => this.#used.get(digest) ?? 0;
  spent = ({ limit, key }: Count): number => this.#spent.get(`${limit} ${key}`) ?? 0;

  note({ verdict, conditions, counts = [] }: Judgement): void {
    if (verdict === 'DENY') return;
    for (const { digest } of conditions?.evidence ?? []) this.#used.set(digest, this.timesUsed(digest) + 1);
    for (const count of counts) this.#spent.set(`${count.limit} ${count.key}`, this.spent(count) + (count.amount ?? 0));
  }
}

interface Changed {
  readonly bundles?: Bundles;
  readonly steps?: StepsFor;
  readonly forgets?: 'used' | 'spent';
}
export function run({ row, earlier, proposal }: Question, { bundles = standard, steps = stepsFor, forgets }: Changed = {}) {
  const remembered = new Remembered();
  const asked = (one: Proposal): Judgement => {
    const judgement = judge(
      {
        ...{ bundle: bundleFor(bundles, row), proposal: one, nowMs: TIMES_MS[row.window], engine, evidenceKey: testEvidenceKey },
        ...(forgets === 'used' ? {} : { timesUsed: remembered.timesUsed }),
        ...(forgets === 'spent' ? {} : { spent: remembered.spent }),
        asker: askerOf(one),
      },
      steps(row.freezes),
    );
    remembered.note(judgement);
    return judgement;
  };
  for (const one of earlier) asked(one);
  const { verdict, reasons } = asked(proposal);
  return { verdict, reasons };
}
/** Of what one credential says under a `*`: one actor for the limits. */
function askerOf({ actor, issuer }: Proposal): string | undefined {
  const check = checkActor(ROW_ACTORS, actor);
  return check.ok && check.listedAs === ANY ? `${issuer} ${actor.kind} ${ANY}` : undefined;
}
export const isRed = (question: Question, change: Changed = {}): boolean => {
  const { verdict, reasons } = run(question, change);
  return verdict !== question.row.verdict || reasons.join() !== question.row.reason;
};
