/**
 * The memory of proposals: an id is decided once, for ever. It is known for as long as any copy may count, which `askedAt` bounds, and as long as
 * its permit may be claimed; later a copy is late by itself.
 */
import { leafHash } from '../../formats/merkle.ts';
import { parseTime } from '../../formats/time.ts';
import type { Predicate } from '../../ledger/entry.ts';
import { text } from '../../ledger/text.ts';
import type { OpenEscalation } from '../open.ts';
import type { LaneState } from '../state.ts';
import type { EvolvedEntry, InputFacts } from '../types.ts';
import { ASKED_WITHIN_MS } from './lifetimes.ts';
import { raiseFloor } from './records.ts';

/** From `action.decided` and `action.repeated`: `askedAt` where the id counts, `issuedAt` where there was no room for it. */
export function rememberProposal(state: LaneState, entry: EvolvedEntry, id: string, { requestDigest }: RememberedFacts): void {
  const { predicate } = entry.statement;
  const { issuedAt, askedAt, approvalDeadline } = predicate as { issuedAt?: unknown; askedAt?: unknown; approvalDeadline?: unknown };
  const asker = { tenant: entry.tenant, issuer: text(predicate['issuer']) };
  if (typeof issuedAt === 'string') raiseFloor(state, asker, parseTime(issuedAt));
  if (typeof askedAt !== 'string') return;
  const name = { ...asker, id };
  const untilMs = parseTime(askedAt) + ASKED_WITHIN_MS;
  if (state.ids.find(name, parseTime(predicate.decidedAt))) {
    state.ids.prolong(name, untilMs); // a repetition, or another request under the same id
    return;
  }
  state.ids.remember(name, {
    index: Number(predicate.index),
    digest: requestDigest ?? null,
    untilMs,
    open: approvalDeadline !== undefined,
  });
  permit(state, name, entry);
}

/** People have answered, or never will: with a yes the settlement is what may be claimed. */
export function settleProposal(state: LaneState, entry: EvolvedEntry, { issuer, actionId }: OpenEscalation): void {
  const name = { tenant: entry.tenant, issuer, id: actionId };
  permit(state, name, entry);
  state.ids.settle(name);
}

type RememberedFacts = Pick<InputFacts, 'requestDigest'>;

/** A claim must bring exactly this entry: what else the log's key may have signed permits nothing. */
function permit(state: LaneState, name: Parameters<LaneState['ids']['permit']>[0], { statement, bytes, leaf }: EvolvedEntry): void {
  const { permit: given } = statement.predicate as Predicate & { readonly permit?: { readonly executeBy?: unknown } };
  if (typeof given?.executeBy === 'string') state.ids.permit(name, leaf ?? leafHash(bytes), parseTime(given.executeBy));
}
