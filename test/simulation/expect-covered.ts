/** A simulation in which nothing goes wrong proves nothing: in so many histories every fault has to have happened. */
import { expect } from 'vitest';

import { ENTRY_KINDS, type EntryKind } from '#domain';
import type { Coverage } from '#testing';

import type { LaneDeciderOptions } from '../../apps/decider/src/lane-decider.ts';
import type { NotaryPoint } from '../../apps/notary/src/lane-notary.ts';

type DeciderPoint = Parameters<NonNullable<LaneDeciderOptions['onPoint']>>[0];
/** Records, so that a new point is missed here by the compiler. */
const COMMIT = { 'before-send': 1, 'after-send': 1, 'before-commit': 1, 'after-commit-sent': 1, 'after-commit': 1 };
const DECIDER: Record<DeciderPoint, 1> = { ...COMMIT, 'before-fence': 1, recovering: 1, 'before-snapshot': 1 } as Record<DeciderPoint, 1>;
const NOTARY: Record<NotaryPoint, 1> = { ...COMMIT, 'before-guard': 1, 'after-guard': 1 } as Record<NotaryPoint, 1>;

/** Steps of the protocol that are no named points. */
const DECIDER_STEPS = [
  'initialise countersign.decider.0',
  'produce ledger',
  'produce input-keys',
  'commit',
  'ends of ledger',
  'fetch ledger',
];
const NOTARY_STEPS = ['initialise countersign.notary.0', 'produce receipts', 'produce checkpoints', 'commit', 'fetch ledger input-keys'];
const ENDINGS = ['FENCED', 'INDEFINITE', 'INDEFINITE after commit', 'BROKER_UNAVAILABLE'];
const REQUESTS = ['initialise', 'produce', 'commit', 'fetch', 'ends', 'open'];
const FAULTS = ['request lost', 'answer lost', 'delayed'];

/** Nobody asks a simulated lane for these; what is uncertain becomes so at the end of a history, where nothing is drawn any more. */
const NOT_DRAWN: readonly EntryKind[] = ['input.gap', 'key.added', 'key.revoked', 'effect.closed'];
/** The claims that a lane with few effects refuses. */
const CLAIMS = ['RECEIPT', 'NO_PERMIT', 'NOT_EXECUTOR', 'EXPIRED', 'TAKEN', 'REPEATED', 'FROZEN', 'STOPPED', 'REVOKED', 'EVIDENCE'];
const SETTLEMENTS = [
  'ALLOW_APPROVED',
  'EXPIRED_NO_DECISION',
  'SUPERSEDED',
  'CANCELLED_ERASED',
  'CANCELLED_REVOKED',
  'DENY_MISSING_EVIDENCE',
];
const DENIED = ['DENY_FROZEN', 'DENY_STOPPED'];
/** Of a vote, a report, a lift, and a copy of any of them. */
const REFUSALS = [
  ...['not-open', 'another-binding', 'own-action', 'no-open-effect', 'not-the-claimant', 'not-awaited', 'state-hash'],
  ...['same-person', 'unknown-freeze', 'open-work', 'not-offered', 'another-action', 'beyond-tree', 'repeated'],
];
const OUTCOMES = ['result', 'healthcheck', 'rollback', 'succeeded', 'failed', 'late'];
const LEDGER = [
  ...ENTRY_KINDS.filter((kind) => !NOT_DRAWN.includes(kind)),
  ...CLAIMS.map((reason) => `claim.refused CLAIM_${reason}`),
  ...[...SETTLEMENTS, ...DENIED, 'DENY_HUMAN'].map((outcome) => `escalation.settled ${outcome}`),
  ...[...DENIED, 'DENY_TOKEN', 'DENY_EVIDENCE_USED', 'DENY_CUMULATIVE', 'ESCALATE_CUMULATIVE'].map((reason) => `action.decided ${reason}`),
  ...REFUSALS.map((detail) => `input.refused ${detail}`),
  ...OUTCOMES.map((outcome) => `outcome.recorded ${outcome}`),
];

const CLOCKS = ['one owner’s clock', 'the broker’s clock', 'every clock'];

const EXPECTED = [
  ...Object.keys(DECIDER).map((point) => `killed after decider ${point}`),
  ...Object.keys(NOTARY).map((point) => `killed after notary ${point}`),
  ...DECIDER_STEPS.map((step) => `killed after decider ${step}`),
  ...NOTARY_STEPS.map((step) => `killed after notary ${step}`),
  ...['decider', 'notary'].flatMap((role) => [`${role} took over`, ...ENDINGS.map((ending) => `${role} ended by ${ending}`)]),
  ...FAULTS.flatMap((fault) => REQUESTS.map((request) => `${fault}: ${request}`)),
  ...['granted', 'revoked', 'killed', 'paused', 'woken', 'guard lost', 'long silence', 'ledger lost its end'],
  ...['marker: committed', 'marker: aborted', 'transaction timed out', 'input in a transaction', 'took over from a snapshot'],
  ...['held by CLOCK', 'decider ended by CLOCK', 'decider ended by BatchTooOld', 'lane time corrected by the operator', 'erased'],
  ...CLOCKS.flatMap((clock) => ['jumped', 'drifts', 'stands still', 'was set right'].map((what) => `${clock} ${what}`)),
  ...LEDGER,
];

export function expectCovered(coverage: Coverage): void {
  expect(EXPECTED.filter((what) => coverage.of(what) === 0)).toEqual([]);
}
