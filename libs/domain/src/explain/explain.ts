/** What happened to one action, told from its entries: pure, so that a receipt alone is enough for its own part of it. */
import type { Bundle } from '../policy/types.ts';
import { tellInputs, type ToldInput } from './inputs.ts';
import { placeOf, textOf, textsOf, type ToldEntry } from './members.ts';
import { type ToldContract, tellContract, tellPolicy, tellRule, type ToldPolicy, type ToldRule } from './policies.ts';
import { codesOf } from './next.ts';
import { proofNames } from './proofs.ts';
import { type NextStep, REASONS } from './reasons.ts';
import { sentencesOf } from './words.ts';

export interface ToldReason {
  readonly code: string;
  /** null: not a code that this version knows. */
  readonly means: string | null;
  readonly next: NextStep | null;
}
/** One entry, told. Its receipt, at `origin` and `index`, proves every line of it. */
export interface ToldPart {
  readonly kind: string;
  readonly origin: string;
  /** Decimal. */
  readonly index: string;
  readonly at: string;
  /** What its receipt is called. */
  readonly proofs: readonly string[];
  /** Of an `action.decided`, else null. */
  readonly verdict: string | null;
  readonly says: readonly string[];
  readonly reasons: readonly ToldReason[];
  /** Digest of the bundle that was in force; null when none was, or it did not matter. */
  readonly bundle: string | null;
  readonly policies: readonly ToldPolicy[];
  readonly rules: readonly ToldRule[];
  readonly contract: ToldContract | null;
  /** Facts that the policies told here looked at. */
  readonly inputs: readonly ToldInput[];
}

/** `bundles` by digest: those at hand. A denial never names a permit, an approval rule or an exception. */
export function explainEntry({ kind, statement }: ToldEntry, bundles: ReadonlyMap<string, Bundle>): ToldPart {
  const { predicate } = statement;
  const isDecision = kind === 'action.decided';
  const verdict = isDecision ? (textOf(predicate, 'verdict') ?? null) : null;
  const isDenial = verdict === null || !TELLS_ALL.has(verdict);
  const bundle = bundles.get(predicate.bundle ?? '');
  const contract = textOf(predicate, 'contractDigest');
  const policies = isDecision ? textsOf(predicate, 'policies').map((id) => tellPolicy(id, bundle, isDenial)) : [];
  return {
    ...{ kind, origin: predicate.origin, index: predicate.index, at: predicate.decidedAt, verdict },
    proofs: proofNames({ kind, statement }),
    says: sentencesOf(kind, predicate),
    reasons: codesOf(kind, predicate).map(tellReason),
    bundle: isDecision ? predicate.bundle : null,
    policies,
    inputs: tellInputs(policies, textOf(predicate, 'class') ?? '', bundle),
    rules: isDenial ? [] : textsOf(predicate, 'ruleSet').map((id) => tellRule(id, bundle)),
    contract: isDecision && contract !== undefined ? tellContract(contract, bundle) : null,
  };
}

/** Whether an entry belongs to the story of `action`. `decisions`: places of those of its entries that decided (`placeOf`). */
export function isAbout({ kind, statement }: ToldEntry, action: string, decisions: ReadonlySet<string>): boolean {
  const { predicate, subject } = statement;
  if (subject[0].name === action && subject[0].name !== kind) return true;
  // A claim whose receipt proved nothing has no action: all that is known is which decision it named.
  return kind === 'claim.refused' && decisions.has(placeOf(predicate, 'decision') ?? '');
}

/** Whatever else a verdict may be one day is told as a denial is. */
const TELLS_ALL: ReadonlySet<string> = new Set(['ALLOW', 'ESCALATE', 'WOULD_ALLOW', 'WOULD_ESCALATE']);

function tellReason(code: string): ToldReason {
  const known = REASONS.get(code);
  return { code, means: known?.means ?? null, next: known?.next ?? null };
}
