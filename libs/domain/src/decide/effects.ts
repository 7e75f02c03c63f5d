/** Effects that were claimed: what the lane knows of them until they are over. */
import { parseTime } from '../formats/time.ts';
import type { Predicate } from '../ledger/entry.ts';
import { text } from '../ledger/text.ts';
import type { OutcomeKind } from '../payloads/outcomes.ts';
import { awaitEffect, awaitNoMore, type DueBook } from './due.ts';
import { agentOf, type FreezeSubject } from './freeze.ts';
import { idKey } from './ids.ts';
import type { OpenEffect } from './open.ts';
import type { EntryActor } from './sender.ts';
import type { LaneState, TenantFacts } from './state.ts';

/** A tenant with more effects going on, or left uncertain, than people can look into claims no further one. */
export const OPEN_EFFECTS_PER_TENANT_MAX = 2000;
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
function keep(due: DueBook, tenant: TenantFacts, index: number, effect: OpenEffect | undefined): void {
  const before = tenant.effects.get(index);
  if (before) awaitNoMore(due, before);
  if (!effect) tenant.effects.delete(index);
  else {
    tenant.effects.set(index, effect);
    if (!effect.uncertain) awaitEffect(due, effect);
  }
}

/** What an entry about a claim changes. All of it stands in the entry, so that a replay needs nothing else. */
export function evolveEffects(
  state: LaneState,
  tenant: TenantFacts,
  { name, kind, actionId, predicate }: { name: string; kind: string; actionId: string; predicate: Predicate },
): void {
  const index = Number(predicate['decision']);
  const known = tenant.effects.get(index);
  if (kind === 'claim.granted' || kind === 'claim.refused') rememberClaim(state, tenant, predicate);
  if (kind === 'claim.granted') {
    const deadlineMs = parseTime(text(predicate['resultBy']));
    const claimed = { index: Number(predicate.index), digest: null, expiresAtMs: parseTime(text(predicate['executeBy'])), open: false };
    tenant.claims.remember(String(index), claimed);
    const { obligations = [], rollback = null, revert = null } = predicate as unknown as Partial<OpenEffect>;
    keep(state.due, tenant, index, {
      ...{ tenant: name, index, actionId, claim: text(predicate['claim']), executor: text(predicate['executor']) },
      ...{ deadlineMs, withinMs: deadlineMs - parseTime(predicate.decidedAt), awaits: 'result', uncertain: false },
      subject: subjectOf(name, predicate),
      ...{ obligations, rollback, revert },
    });
  } else if (known && kind === 'effect.uncertain') keep(state.due, tenant, index, { ...known, uncertain: true });
  else if (known && kind === 'outcome.recorded') {
    const { awaits, until } = predicate as { awaits?: unknown; until?: unknown };
    const isOver = awaits === undefined;
    const next = { awaits: awaits as OutcomeKind, deadlineMs: isOver ? 0 : parseTime(text(until)), uncertain: false };
    keep(state.due, tenant, index, isOver ? undefined : { ...known, ...next });
  }
}

/** A claim's id is answered once; asked again within its lifetime, the answer is looked up. */
function rememberClaim(state: LaneState, tenant: TenantFacts, predicate: Predicate): void {
  const { expiresAt } = predicate as { expiresAt?: unknown };
  if (typeof expiresAt !== 'string') return; // a repetition, or one that could not be remembered
  const known = { index: Number(predicate.index), digest: null, expiresAtMs: parseTime(expiresAt), open: false };
  tenant.ids.remember(idKey(text(predicate['executor']), text(predicate['claim'])), known);
  state.idCount += 1;
}
