/** What a lane waits for: people's answers, and executors' reports. */
import type { OutcomeKind } from '../payloads/outcomes.ts';
import type { Count } from '../policy/limit.ts';
import type { Revert } from '../policy/tables.ts';
import type { FreezeSubject } from './freeze.ts';

/** What an approval is about: of the `action.decided` that escalated. */
export interface Asked {
  readonly bindingDigest: string;
  /** Digest of the bundle that escalated it. */
  readonly bundle: string;
  /** Different people needed: the seats of all rules. */
  readonly seats: number;
  /** Who may not answer: the actor, and whom it acts for. In lower case. */
  readonly notBy: readonly string[];
  /** Of E: what the permit will say it is for. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** An escalation that waits for people. */
export interface OpenEscalation {
  readonly tenant: string;
  /** Leaf index of its `action.decided`. */
  readonly index: number;
  readonly issuer: string;
  /** Of what came through the gateway. */
  readonly token?: string;
  /** Whose key signed it; absent under rules 1. */
  readonly keyid?: string;
  readonly actionId: string;
  /** Whose limit it counts towards. */
  readonly asker: string;
  readonly deadlineMs: number;
  /** What people answer; absent where nobody can. */
  readonly asked?: Asked;
  /** Who has approved so far, in lower case. */
  readonly votes: string[];
  /** What it adds to cumulative limits, and gives back when people do not say yes; absent: nothing that is known. */
  readonly counts?: readonly Count[];
  /** Digests of the statements that it uses; given back as well. */
  readonly uses?: readonly string[];
}

/** Claimed, and not over. */
export interface OpenEffect {
  readonly tenant: string;
  /** Leaf index of its `action.decided`. */
  readonly index: number;
  readonly actionId: string;
  readonly claim: string;
  /** Leaf index of its `claim.granted`, decimal. */
  readonly granted: string;
  readonly executor: string;
  /** When the awaited report is overdue. */
  readonly deadlineMs: number;
  /** What each report after the first may take. */
  readonly withinMs: number;
  readonly awaits: OutcomeKind;
  /** Overdue: nobody knows whether it happened. It stays open until a late report. */
  readonly uncertain: boolean;
  /** Owed: 'healthcheck', 'state-hash'. */
  readonly obligations: readonly string[];
  /** What a freeze can tell of it. */
  readonly subject: FreezeSubject;
  /** The operation that was approved as the way back; null when none was. */
  readonly rollback: string | null;
  /** What undoes it, as the permit said; null when it said nothing. */
  readonly revert: Revert | null;
}
