/** What a decision rests on, as its entry says: ids, digests and times. Looked at again when a permit is given, and when it is claimed. */
import { formatTime, parseTime } from '../formats/time.ts';
import type { Predicate } from '../ledger/entry.ts';
import type { Conditions } from '../policy/types.ts';
import { isAnyOpen } from '../policy/window.ts';
import { isStillAdmitted } from './issuer-keys.ts';
import type { OpenEscalation } from './open.ts';
import type { LaneState, TenantFacts } from './state.ts';
import type { UsedBook } from './used.ts';

/** As an entry holds it, under `conditions`; what would be empty is left out. */
interface Written {
  readonly evidence?: readonly {
    readonly type: string;
    readonly issuer: string;
    readonly keyid: string;
    /** Hex SHA-256 of the statement's payload. */
    readonly digest: string;
    /** No bundle counts it from then on: for as long it is known that it was used. */
    readonly usableUntil: string;
  }[];
  /** The evidence counts no longer from then on. */
  readonly until?: string;
  /** Of each list one window must be open. */
  readonly windows?: readonly (readonly string[])[];
}

/** The member of E; nothing where the decision rests on nothing that may change. */
export function writtenOf(conditions: Conditions | undefined): { readonly conditions?: Written } {
  const { evidence = [], windows = [] } = conditions ?? {};
  if (evidence.length === 0 && windows.length === 0) return {};
  const shown = evidence.map(({ type, issuer, keyid, digest, usableUntilMs }) => {
    return { type, issuer, keyid, digest, usableUntil: formatTime(usableUntilMs) };
  });
  return {
    conditions: {
      ...(evidence.length === 0 ? {} : { evidence: shown, until: formatTime(holdsUntil(conditions)) }),
      ...(windows.length === 0 ? {} : { windows }),
    },
  };
}

/** POSIX milliseconds; Infinity without evidence. */
export const holdsUntil = (conditions: Conditions | undefined): number =>
  Math.min(Infinity, ...(conditions?.evidence ?? []).map(({ untilMs }) => untilMs));

/** Of `action.decided`, and of an `escalation.settled` that repeats it. */
export const conditionsIn = (members: Readonly<Record<string, unknown>>): Written => members['conditions'] ?? {};

/** The same of what an entry says. */
export const untilIn = ({ until }: Written): number => (until === undefined ? Infinity : parseTime(until));

/** Called for each decision: its statements have counted once more. Returns their digests. */
export function useStatements(used: UsedBook, predicate: Predicate): Pick<OpenEscalation, 'uses'> {
  const { evidence } = conditionsIn(predicate);
  if (!evidence) return {};
  const nowMs = parseTime(predicate.decidedAt);
  for (const { digest, usableUntil } of evidence) used.use({ digest, untilMs: parseTime(usableUntil) }, nowMs);
  return { uses: evidence.map(({ digest }) => digest) };
}

/** What no longer holds at this place of the ledger; undefined: all of it does. A window that the bundle in force does not have is closed. */
export function lapsed(state: LaneState, facts: TenantFacts, conditions: Written, nowMs: number): 'evidence' | 'window' | undefined {
  const { evidence = [], windows = [] } = conditions;
  const isVouched = evidence.every(({ issuer, keyid }) => facts.issuers.has(issuer) && isStillAdmitted(facts, issuer, keyid));
  if (!isVouched || nowMs >= untilIn(conditions)) return 'evidence';
  return windows.every((named) => isAnyOpen(state.bundle?.tables.windows ?? {}, [...named], nowMs)) ? undefined : 'window';
}
