/** What the revocation of a credential reaches at once, as parts after its own entry. Rules 2. */
import { formatTime } from '../formats/time.ts';
import type { CheckedEnvelope } from './envelope-check.ts';
import type { EntryContent } from './draft.ts';
import type { OpenEffect, OpenEscalation } from './open.ts';
import { settlement } from './settlement.ts';
import type { LaneState } from './state.ts';

/** How an escalation ends whose credential is revoked while people are still asked. */
export const CANCELLED_REVOKED = 'CANCELLED_REVOKED';
/** Why an effect is uncertain before its report is due. */
export const EXECUTOR_REVOKED = 'EXECUTOR_REVOKED';

type By = Pick<CheckedEnvelope, 'tree' | 'facts' | 'payloadDigest'>;

/** What a token asked people ends: they must not permit what nobody may propose any more. */
export function reachOfToken(state: LaneState, by: By, token: string): EntryContent[] {
  return cancelled(state, by, (open) => open.token === token);
}

/** The same of one key of an issuer. What an executor has claimed with it goes on: another of its keys may report. */
export function reachOfKey(state: LaneState, by: By, issuer: string, keyid: string): EntryContent[] {
  return cancelled(state, by, (open) => open.issuer === issuer && open.keyid === keyid);
}

/**
 * The same of an issuer. What an executor has claimed becomes uncertain: it may be done, and nothing that its keys sign is believed any
 * more, so that no report of it can come.
 */
export function reachOfIssuer(state: LaneState, by: By, issuer: string): EntryContent[] {
  const effects = [...by.facts.effects.values()].filter(({ executor, uncertain }) => executor === issuer && !uncertain);
  return [...cancelled(state, by, (open) => open.issuer === issuer), ...effects.sort(byIndex).map((effect) => uncertain(effect, by))];
}

function cancelled({ due }: LaneState, { tree, payloadDigest }: By, isReached: (open: OpenEscalation) => boolean): EntryContent[] {
  const reached = due.open.filter((open) => open.tenant === tree && isReached(open));
  return reached.sort(byIndex).map((open) => settlement(open, { outcome: CANCELLED_REVOKED }, payloadDigest));
}

function uncertain({ actionId, index, claim, executor, awaits, deadlineMs }: OpenEffect, { payloadDigest }: By): EntryContent {
  const members = { decision: String(index), claim, executor, awaited: awaits, deadline: formatTime(deadlineMs), cause: EXECUTOR_REVOKED };
  return { kind: 'effect.uncertain', actionId, members, payloadDigest, inputForm: 'none' };
}

const byIndex = (a: { readonly index: number }, b: { readonly index: number }): number => a.index - b.index;
