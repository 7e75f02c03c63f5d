/** How long a signed record may count, from its own bytes alone, and so how long the lane has to know it: docs/memory.md has them all. */
import { isIdentifier } from '../../formats/ids.ts';
import { parseTime } from '../../formats/time.ts';
import type { PayloadKind } from '../../payloads/kinds.ts';
import { EXECUTE_WITHIN_SECONDS_MAX } from '../../policy/class-rule.ts';

const MINUTE_MS = 60_000;
/**
 * From `askedAt` on: so long an action may be decided, however often it is signed anew, and so long at least its id is known. Afterwards each
 * copy is late by its own `askedAt`. As long as a permit may be claimed where the class does not say: most ids are known for that long anyway.
 */
export const ASKED_WITHIN_MS = 15 * MINUTE_MS;
/** From `issuedAt` to `expiresAt` of a claim: an executor whose claim was not answered by then claims again. */
export const CLAIM_LIFETIME_MS_MAX = 15 * MINUTE_MS;
/** The same of a report: it must arrive though the lane stands still for hours. One that is recorded changes what is awaited and is not remembered. */
export const OUTCOME_LIFETIME_MS_MAX = 24 * 60 * MINUTE_MS;
/** The same of a control: a person may sign it far from the ledger. They are few. */
export const CONTROL_LIFETIME_MS_MAX = 24 * 60 * MINUTE_MS;
/** How far the signer's clock may be ahead of the lane's. */
export const ISSUED_AHEAD_MS_MAX = MINUTE_MS;

/** From its revocation on: the questions that it asked people end with it, and the permits that it was given can be claimed no longer than this. */
export const REVOKED_TOKEN_KNOWN_MS = EXECUTE_WITHIN_SECONDS_MAX * 1000;

export interface Times {
  readonly id: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Until then any copy of it may count. */
  readonly untilMs: number;
}

/** Of a payload whose times hold together; a word for what is wrong with them otherwise, which is so for ever. */
export function timesOf(kind: PayloadKind, payload: Readonly<Record<string, unknown>>): Times | 'head' | 'lives-too-long' {
  const { id, issuedAt, expiresAt, askedAt } = payload;
  const [issuedAtMs, expiresAtMs] = [timeOf(issuedAt), timeOf(expiresAt)];
  if (typeof id !== 'string' || !isIdentifier(id) || issuedAtMs === undefined || expiresAtMs === undefined) return 'head';
  if (kind !== 'action.proposed') {
    return expiresAtMs - issuedAtMs > lifetimeMaxOf(kind) ? 'lives-too-long' : { id, issuedAtMs, expiresAtMs, untilMs: expiresAtMs };
  }
  const askedAtMs = timeOf(askedAt);
  if (askedAtMs === undefined || issuedAtMs < askedAtMs) return 'head';
  const untilMs = askedAtMs + ASKED_WITHIN_MS;
  return expiresAtMs > untilMs ? 'lives-too-long' : { id, issuedAtMs, expiresAtMs, untilMs };
}

function lifetimeMaxOf(kind: PayloadKind): number {
  if (kind === 'claim.requested') return CLAIM_LIFETIME_MS_MAX;
  return kind === 'outcome.reported' ? OUTCOME_LIFETIME_MS_MAX : CONTROL_LIFETIME_MS_MAX;
}

function timeOf(value: unknown): number | undefined {
  try {
    return typeof value === 'string' ? parseTime(value) : undefined;
  } catch {
    return undefined;
  }
}
