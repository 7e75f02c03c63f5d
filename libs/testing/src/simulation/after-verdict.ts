import { LANE_START_MS } from '../lane/parties.ts';
import { ACTOR } from './proposals.ts';
import type { Choices } from './random.ts';
import type { SimulatedInput, SignedInputs } from './signed-inputs.ts';
import type { AttestedEntry, SimulatedView } from './view.ts';

/** The one that permits name is the first. */
const EXECUTORS = ['runner', 'other'] as const;
const REPORTS = ['result', 'healthcheck', 'rollback'];
const PEOPLE = ['ben', 'ben', 'cleo', 'Ana'];
/** As long as a claim may live, nearly: it is signed before the start. */
const CLAIM_LIFETIME_MS = 14 * 60_000;
/** Few, so that they come again. */
const CLAIM_IDS = ['c1', 'c2', 'c3'];
/** Stands for digests that nobody compares with anything, or that are not the right one. */
const DIGEST = 'a'.repeat(64);

/** What executors and approvers say about what was decided: mostly the right one, and mostly what is awaited. */
export class AfterVerdict {
  constructor(private readonly signed: SignedInputs) {}

  drawClaim(choices: Choices, { attested }: SimulatedView): SimulatedInput | undefined {
    const decisions = attested('action.decided', 'escalation.settled');
    const permits = decisions.filter(({ predicate }) => predicate['permit'] !== undefined);
    const of = pickOf(choices, permits.length > 0 && choices.chance(0.85) ? permits : decisions);
    const issuer = EXECUTORS[choices.chance(0.9) ? 0 : 1];
    return of && this.claim(of, { issuer, id: choices.pick(CLAIM_IDS), ...(choices.chance(0.05) ? { decision: '0' } : {}) });
  }

  drawReport(choices: Choices, { attested }: SimulatedView): SimulatedInput | undefined {
    const grant = pickOf(choices, attested('claim.granted'));
    if (!grant) return undefined;
    const { tenant } = grant;
    const { decision, claim } = grant.predicate;
    const last = attested('outcome.recorded').findLast((each) => each.tenant === tenant && each.predicate['decision'] === decision);
    const awaits = last ? last.predicate['awaits'] : 'result';
    const kind = choices.chance(0.8) && typeof awaits === 'string' ? awaits : choices.pick(REPORTS);
    const issuer = EXECUTORS[choices.chance(0.9) ? 0 : 1];
    const report = { issuer, kind, status: choices.pick(['succeeded', 'failed']), hasStates: choices.chance(0.9) };
    return this.report({ tenant, decision, claim }, report);
  }

  drawVote(choices: Choices, { attested }: SimulatedView): SimulatedInput | undefined {
    const asked = pickOf(
      choices,
      attested('action.decided').filter(({ predicate }) => predicate.verdict === 'ESCALATE'),
    );
    if (!asked) return undefined;
    const by = choices.pick(choices.chance(0.85) ? PEOPLE : [ACTOR.id, 'Eve']);
    const other = choices.chance(0.05) ? { bindingDigest: DIGEST } : {};
    return this.vote(asked, { by, vote: choices.chance(0.8) ? 'approve' : 'deny', ...other });
  }

  vote({ tenant, predicate: { index, bindingDigest } }: AttestedEntry, more: object = {}): SimulatedInput {
    const body = { decision: index, bindingDigest, vote: 'approve', by: 'ana', ...more };
    return this.signed.fresh({ kind: 'approval.recorded', tenant, body });
  }

  claim(of: AttestedEntry, { issuer = 'runner', id = 'c1', decision = of.predicate.index } = {}): SimulatedInput {
    const body = { decision, receipt: of.receipt };
    const expiresAtMs = LANE_START_MS + CLAIM_LIFETIME_MS;
    return this.signed.fresh({ kind: 'claim.requested', tenant: of.tenant, issuer, id, body, expiresAtMs });
  }

  report(
    { tenant, decision, claim = 'c1' }: { tenant: string; decision: unknown; claim?: unknown },
    { issuer = 'runner', kind = 'result', status = 'succeeded', hasStates = true } = {},
  ): SimulatedInput {
    const states = hasStates ? { before: DIGEST, after: DIGEST } : {};
    return this.signed.fresh({ kind: 'outcome.reported', tenant, issuer, body: { decision, claim, kind, status, ...states } });
  }
}

const pickOf = <T>(choices: Choices, of: readonly T[]): T | undefined => (of.length > 0 ? choices.pick(of) : undefined);
