/** A lane in memory that decides rows, each under its freezes: signed bytes in, a sealed ledger out. */
import { base64, type Bundle, type Entry, formatTime, keyIdOf, type PolicyEngine, SYSTEM_TENANT } from '#domain';
import { MemoryLane } from '#testing';

import { TEST_PARTIES } from '../../libs/domain/src/policy/own-test-evidence.ts';
import { groupsOf, roundsOf, type Row, type RowFreeze, TENANTS } from './decision-table.ts';
import { bundleFor, type Bundles } from './row-bundles.ts';
import { proposalsOf, ROW_ACTORS, TIMES_MS } from './row-proposals.ts';

export interface RowLaneOptions {
  readonly engine: PolicyEngine;
  readonly bundles: Bundles;
  /** Never looks at a freeze. */
  readonly isForgetful?: boolean;
}

/** `rows` have one window. */
export function decideRows(rows: readonly Row[], { engine, bundles, isForgetful = false }: RowLaneOptions): MemoryLane {
  const { window } = rows[0] ?? { window: 'any' };
  const bundle = bundleFor(bundles, { window });
  const lane = laneFor(engine, bundle, TIMES_MS[window]);
  for (const group of groupsOf(rows)) {
    const inForce = raise(lane, group[0]?.freezes ?? []);
    if (isForgetful) lane.state.freezes.clear();
    for (const round of roundsOf(group)) decideRound(lane, bundle, round);
    if (!isForgetful) for (const id of inForce) lift(lane, id);
  }
  return lane;
}

/** The standard parties of both tenants, and the bundle in force. */
export function laneFor(engine: PolicyEngine, bundle: Bundle, nowMs: number): MemoryLane {
  const lane = new MemoryLane({ engine });
  lane.nowMs = nowMs;
  lane.initialise();
  for (const tenant of TENANTS) {
    lane.registerTenant(tenant);
    for (const { issuer, type, publicKey } of TEST_PARTIES) {
      const own = issuer === 'platform' ? [lane.parties.publicKeyOf(lane.parties.signerOf(issuer, tenant))] : [];
      const says = issuer === 'platform' ? { actors: ROW_ACTORS } : {};
      const keys = [...own, { keyid: keyIdOf(publicKey), publicKey: base64(publicKey) }];
      lane.registerIssuer(tenant, issuer, type, { keys, ...says });
    }
  }
  lane.activate(bundle);
  return lane;
}

/** Returns the ids of those that are in force. */
function raise(lane: MemoryLane, freezes: readonly RowFreeze[]): string[] {
  const until = formatTime(lane.nowMs + 1000);
  const raised = freezes.map(({ level, scope, ended }) => {
    const id = `freeze-${lane.entries.length}`;
    const body = { level, scope, by: 'ana', why: 'a row', ...(ended === 'over' ? { until } : {}) };
    accepted(lane.control('freeze.raised', SYSTEM_TENANT, body, { id }));
    if (ended === 'lifted') lift(lane, id);
    return { id, ended };
  });
  lane.nowMs += 1000;
  return raised.filter(({ ended }) => ended === undefined).map(({ id }) => id);
}

function lift(lane: MemoryLane, lifts: string): void {
  accepted(lane.control('freeze.lifted', SYSTEM_TENANT, { lifts, by: 'ben', why: 'the row is over' }));
}

/** A freeze that was never raised would leave its rows as they are without it. */
function accepted([entry]: readonly Entry[]): void {
  if (entry?.kind === 'input.refused') throw new Error(`refused: ${JSON.stringify(entry.statement.predicate)}`);
}

/** In one batch; then a person says no to whatever asked, so that there is room for the next round's questions. */
function decideRound(lane: MemoryLane, bundle: Bundle, round: readonly Row[]): void {
  const proposals = round.flatMap((row) => proposalsOf(row, bundle, lane.nowMs, { birth: lane.birth.initialisedDigest }));
  const values = proposals.map(({ tenant, id, issuer, birth: _, ...body }) => {
    return lane.sign({ kind: 'action.proposed', tenant, id, issuer, body });
  });
  const answers = lane.batch(values.map((value) => ({ topic: 'actions', value })));
  const asked = answers.flat().filter(({ statement }) => statement.predicate.verdict === 'ESCALATE');
  lane.batch(asked.map((entry) => ({ topic: 'controls', value: lane.sign({ kind: 'approval.recorded', ...noTo(entry) }) })));
}

function noTo({ tenant, statement: { predicate } }: Entry): { tenant: string; body: object } {
  return { tenant, body: { decision: predicate.index, bindingDigest: predicate['bindingDigest'], vote: 'deny', by: 'ben' } };
}
