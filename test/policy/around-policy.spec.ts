/**
 * What is told before policy is asked, or in spite of it, and what shadow mode makes of a verdict: through the same pipeline as the decision
 * table, to the one checker.
 */
import { CedarEngine } from '#adapters';
import { type Entry, OPEN_ESCALATIONS_PER_ACTOR_MAX, type PolicyEngine } from '#domain';
import { attest, checkLane, type MemoryLane } from '#testing';
import { describe, expect, it } from 'vitest';

import { readRows, type Row } from './decision-table.ts';
import { bundlesOf, standardDocument } from './row-bundles.ts';
import { laneFor } from './row-lane.ts';
import { proposalOf, TIMES_MS } from './row-proposals.ts';

const bundle = bundlesOf(standardDocument).plain;
const rows = readRows().filter(({ window, freezes, tenant }) => window === 'any' && freezes.length === 0 && tenant === 'acme');
/** The first of the table that policy decides so. */
function rowOf(verdict: Row['verdict'], isMeant: (row: Row) => boolean = () => true): Row {
  const row = rows.find((each) => each.verdict === verdict && isMeant(each));
  if (!row) throw new Error(`the table has no ${verdict}`);
  return row;
}
const ALLOWED = rowOf('ALLOW');
const ASKING = rowOf('ESCALATE');
/** One that rests on statements. */
const SHOWN = rowOf('ALLOW', ({ evidence }) => evidence.length > 0);

type Change = Readonly<Record<string, unknown>>;
/** `row` as it stands, but for `change`; signed by `issuer` for ten minutes, unless told otherwise. */
function propose(lane: MemoryLane, row: Row, id: string, change: Change = {}, expiresInMs = 600_000): Entry[] {
  const { tenant, id: _, issuer, ...body } = proposalOf(row, bundle, lane.nowMs, { id, birth: lane.birth.initialisedDigest });
  const times = { issuedAtMs: lane.nowMs - 1000, expiresAtMs: lane.nowMs + expiresInMs };
  return lane.when('actions', lane.sign({ kind: 'action.proposed', tenant, id, issuer, ...times, body: { ...body, ...change } }));
}
function said([entry]: readonly Entry[]): string {
  const { verdict, reasons } = (entry?.statement.predicate ?? {}) as { verdict?: string; reasons?: string[] };
  return entry?.kind === 'action.decided' ? `${verdict ?? ''} ${reasons?.join() ?? ''}` : (entry?.kind ?? 'nothing');
}
const floods = (lane: MemoryLane): void => {
  for (let at = 0; at < OPEN_ESCALATIONS_PER_ACTOR_MAX; at++) propose(lane, ASKING, `flood-${at}`);
};
const restricts = (lane: MemoryLane) =>
  lane.registerIssuer('acme', 'narrow', 'platform', { actors: [{ kind: 'agent', id: 'somebody-else' }] });

interface Case {
  readonly told: string;
  readonly before?: (lane: MemoryLane) => unknown;
  readonly ask: (lane: MemoryLane) => Entry[];
}
const CASES: Readonly<Record<string, Case>> = {
  'a member that is unknown': { told: 'DENY DENY_MALFORMED', ask: (lane) => propose(lane, ALLOWED, 'a', { surprise: 1 }) },
  'two days to be decided in': { told: 'DENY DENY_MALFORMED', ask: (lane) => propose(lane, ALLOWED, 'a', {}, 48 * 3_600_000) },
  'a time that is over': { told: 'DENY DENY_EXPIRED', ask: (lane) => propose(lane, ALLOWED, 'a', {}, 0) },
  'the same again': {
    told: 'action.repeated',
    before: (lane) => propose(lane, ALLOWED, 'a'),
    ask: (lane) => propose(lane, ALLOWED, 'a'),
  },
  'another content under a known id': {
    told: 'DENY DENY_CONFLICT',
    before: (lane) => propose(lane, ALLOWED, 'a'),
    ask: (lane) => propose(lane, ALLOWED, 'a', { justification: 'another' }),
  },
  'statements that have counted for another action': {
    told: 'DENY DENY_EVIDENCE_USED',
    before: (lane) => propose(lane, SHOWN, 'a'),
    ask: (lane) =>
      propose(lane, SHOWN, 'b', {
        evidence: proposalOf(SHOWN, bundle, lane.nowMs, { id: 'a', birth: lane.birth.initialisedDigest }).evidence,
      }),
  },
  'other statements for the same action again': {
    told: 'ALLOW ALLOW_POLICY',
    before: (lane) => propose(lane, SHOWN, 'a'),
    ask: (lane) => propose(lane, SHOWN, 'b'),
  },
  'statements of a party that was revoked': {
    told: 'DENY DENY_MISSING_EVIDENCE',
    before: (lane) => lane.control('issuer.revoked', 'acme', { revokes: 'ci' }),
    ask: (lane) => propose(lane, SHOWN, 'a'),
  },
  'one question more than an actor may have open': { told: 'DENY DENY_LIMIT', before: floods, ask: (lane) => propose(lane, ASKING, 'a') },
  'what needs no people, by an actor whose questions are open': {
    told: 'ALLOW ALLOW_POLICY',
    before: floods,
    ask: (lane) => propose(lane, ALLOWED, 'a'),
  },
  'an actor that its platform may not speak for': {
    told: 'DENY DENY_ACTOR',
    before: restricts,
    ask: (lane) => {
      const { tenant, id: _, issuer: __, ...body } = proposalOf(ALLOWED, bundle, lane.nowMs, { birth: lane.birth.initialisedDigest });
      return lane.when('actions', lane.sign({ kind: 'action.proposed', tenant, id: 'a', issuer: 'narrow', body }));
    },
  },
  'an ALLOW in shadow mode': { told: 'WOULD_ALLOW ALLOW_POLICY', ask: (lane) => propose(lane, ALLOWED, 'a', { mode: 'shadow' }) },
  'an ESCALATE in shadow mode': {
    told: 'WOULD_ESCALATE ESCALATE_APPROVAL_REQUIRED',
    ask: (lane) => propose(lane, ASKING, 'a', { mode: 'shadow' }),
  },
  'a DENY in shadow mode': {
    told: `WOULD_DENY ${rowOf('DENY').reason}`,
    ask: (lane) => propose(lane, rowOf('DENY'), 'a', { mode: 'shadow' }),
  },
};

/** Cedar, out of order for one class. */
class Broken extends CedarEngine {
  override authorize(...[of, request]: Parameters<PolicyEngine['authorize']>): ReturnType<PolicyEngine['authorize']> {
    if (request.action === ALLOWED.cls) throw new Error('out of order');
    return super.authorize(of, request);
  }
}

async function expectValid(lane: MemoryLane, engine: PolicyEngine): Promise<void> {
  const checked = await checkLane(lane, engine, attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status === 'violated')).toEqual([]);
  expect(checked.status).toBe('valid');
}

describe('around policy', () => {
  it.each(Object.entries(CASES))('%s', async (_, { told, before, ask }) => {
    const lane = laneFor(new CedarEngine(), bundle, TIMES_MS.any);
    before?.(lane);
    expect(said(ask(lane))).toBe(told);
    await expectValid(lane, new CedarEngine());
  });

  it('an engine that fails denies', async () => {
    const lane = laneFor(new Broken(), bundle, TIMES_MS.any);
    expect(said(propose(lane, ALLOWED, 'a'))).toBe('DENY DENY_EVALUATION_ERROR');
    await expectValid(lane, new Broken());
  });
});
