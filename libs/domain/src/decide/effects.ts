/** Effects that were claimed: what the lane knows of them until they are over. */
import { parseTime } from '../formats/time.ts';
import type { Predicate } from '../ledger/entry.ts';
import { text } from '../ledger/text.ts';
import type { OutcomeKind } from '../payloads/outcomes.ts';
import { awaitEffect, awaitNoMore } from './due.ts';
import { agentOf, type FreezeSubject } from './freeze.ts';
import { idKey } from './ids.ts';
import { rememberRecord } from './memory/records.ts';
import type { OpenEffect } from './open.ts';
import type { EntryActor } from './sender.ts';
import type { LaneState, TenantFacts } from './state.ts';

/** Under rules 1: a tenant with more effects going on, or left uncertain, claims no further one. */
export const OPEN_EFFECTS_PER_TENANT_MAX = 2000;
/** Effects under way on one lane, shared as ids are: half a kilobyte each. At 3,400 claims a second they may take a minute each. */
export const OPEN_EFFECTS_PER_LANE_MAX = 200_000;
/** An executor that leaves more than this uncertain is out of order: it claims nothing further until people have looked, and closed them. */
export const UNCERTAIN_PER_EXECUTOR_MAX = 1000;
/** Unit ms: how long a result may take where the class does not say. */
export const RESULT_WITHIN_MS = 900_000;

/** Of a decision, or of the grant that repeats it. */
export const subjectOf = (tenant: string, predicate: Predicate): FreezeSubject => ({
  tenant,
  class: text(predicate['class']),
  ...(predicate['connector'] === undefined ? {} : { connector: text(predicate['connector']) }),
  ...agentOf(predicate['actor'] as unknown as EntryActor),
});

/** `effect` takes the place of what was known of its decision; undefined: it is over. */
function keep(state: LaneState, tenant: TenantFacts, index: number, effect: OpenEffect | undefined): void {
  const before = tenant.effects.get(index);
  if (before) {
    awaitNoMore(state.due, before);
    count(state, before, -1);
  }
  if (!effect) tenant.effects.delete(index);
  else {
    tenant.effects.set(index, effect);
    count(state, effect, 1);
    if (!effect.uncertain) awaitEffect(state.due, effect);
  }
}

/** A snapshot brings effects back through this as well. */
export function count({ effectCounts, uncertainCounts }: LaneState, { tenant, executor, uncertain }: OpenEffect, more: 1 | -1): void {
  effectCounts.add(tenant, executor, more);
  if (uncertain) uncertainCounts.add(tenant, executor, more);
}

/** What an entry about a claim changes. All of it stands in the entry, so that a replay needs nothing else. */
export function evolveEffects(
  state: LaneState,
  tenant: TenantFacts,
  { name, kind, actionId, predicate }: { name: string; kind: string; actionId: string; predicate: Predicate },
): void {
  const index = Number(predicate['decision']);
  const known = tenant.effects.get(index);
  if (kind === 'claim.granted' || kind === 'claim.refused') rememberClaim(state, tenant, name, predicate);
  if (kind === 'claim.granted') {
    const deadlineMs = parseTime(text(predicate['resultBy']));
    const claimed = { index: Number(predicate.index), digest: null, expiresAtMs: parseTime(text(predicate['executeBy'])), open: false };
    if (state.rules === 1) tenant.claims.remember(String(index), claimed);
    else state.ids.claim({ tenant: name, issuer: text(predicate['issuer']), id: actionId });
    const { obligations = [], rollback = null, revert = null } = predicate as unknown as Partial<OpenEffect>;
    keep(state, tenant, index, {
      ...{ tenant: name, index, actionId, claim: text(predicate['claim']), executor: text(predicate['executor']) },
      granted: predicate.index,
      ...{ deadlineMs, withinMs: deadlineMs - parseTime(predicate.decidedAt), awaits: 'result', uncertain: false },
      subject: subjectOf(name, predicate),
      ...{ obligations, rollback, revert },
    });
  } else if (kind === 'effect.closed') keep(state, tenant, index, undefined);
  else if (known && kind === 'effect.uncertain') keep(state, tenant, index, { ...known, uncertain: true });
  else if (known && kind === 'outcome.recorded') {
    const { awaits, until } = predicate as { awaits?: unknown; until?: unknown };
    const isOver = awaits === undefined;
    const next = { awaits: awaits as OutcomeKind, deadlineMs: isOver ? 0 : parseTime(text(until)), uncertain: false };
    keep(state, tenant, index, isOver ? undefined : { ...known, ...next });
  }
}

/** A claim's id is answered once; asked again within its lifetime, the answer is looked up. */
function rememberClaim(state: LaneState, tenant: TenantFacts, name: string, predicate: Predicate): void {
  const { expiresAt } = predicate as { expiresAt?: unknown };
  if (state.rules >= 2) {
    rememberRecord(state, name, text(predicate['executor']), predicate['claim'], predicate);
    return;
  }
  if (typeof expiresAt !== 'string') return; // a repetition, or one that could not be remembered
  const known = { index: Number(predicate.index), digest: null, expiresAtMs: parseTime(expiresAt), open: false };
  tenant.ids.remember(idKey(text(predicate['executor']), text(predicate['claim'])), known);
  state.idCount += 1;
}
