import type { Bundle } from '#domain';

import { laneBundle } from '../lane/memory-lane.ts';
import { testDocument } from '../policy/test-bundle.ts';
import { ActingLane } from './acting-lane.ts';
import { refusals, tokens } from './story.ts';
import { claims, outcomes, revocation } from './story-v2-executors.ts';
import { approvals, erasures, freezes } from './story-v2-people.ts';

/** A Saturday: the window of changes is closed. */
const INCIDENT_MS = Date.UTC(2026, 10, 28, 12);

/**
 * A lane with every kind of entry: above all what came after the first golden ledger, claims, outcomes, approvals, freezes, erasures and
 * incidents. Its bytes are committed: never change it.
 */
export function goldenStoryV2(): ActingLane {
  const lane = new ActingLane({ seed: 'golden v2', rules: 1 });
  begin(lane);
  tokens(lane);
  claims(lane);
  outcomes(lane);
  approvals(lane, workingBundle('second'));
  freezes(lane);
  revocation(lane);
  erasures(lane);
  refusals(lane);
  incident(lane);
  gaps(lane);
  return lane;
}

function begin(lane: ActingLane): void {
  lane.initialise();
  for (const tenant of ['acme', 'globex']) {
    lane.registerTenant(tenant);
    lane.registerIssuer(tenant, 'platform', 'platform');
  }
  for (const executor of ['runner', 'other']) lane.registerIssuer('acme', executor, 'executor');
  lane.registerIssuer('acme', 'brief', 'platform');
  lane.registerIssuer('acme', 'builds', 'ci');
  lane.registerIssuer('acme', 'desk', 'incident-desk');
  lane.activate(workingBundle('first'));
}

/** Changes owe their proof, and an incident opens their window; the engine knows nothing of a class that is odd. */
function workingBundle(name: string): Bundle {
  const { change, note } = testDocument().classes;
  const owing = { ...change, after: ['healthcheck', 'state-hash'], resultWithinSeconds: 600, incidentOpensWindow: true };
  return laneBundle({ format: 1, name, classes: { change: owing, note, odd: note } });
}

/** Denied for reasons that no earlier ledger has; then one of each verdict that names the incident for which it was made. */
function incident(lane: ActingLane): void {
  lane.change('untested', { evidence: [] });
  lane.change('elsewhere', { body: { parameters: { tenant: 'globex', target: 'low', artifact: 'v2', amount: 1 } } });
  lane.propose('odd', { class: 'odd' });
  lane.nowMs = INCIDENT_MS;
  lane.change('closed');
  for (const [target, amount] of [
    ['low', 1],
    ['low', 1000],
    ['frozen', 1],
  ] as const) {
    lane.change(`during-${target}-${amount}`, { target, amount, evidence: [lane.tested(target), lane.incident(target, 'inc-1')] });
  }
}

function gaps(lane: ActingLane): void {
  const { actions, outcomes } = lane.state.positions;
  lane.control('input.gap', '_system', { topic: 'actions', lane: 0, from: String(actions.next), to: '1000', epoch: 0 });
  lane.control('input.gap', '_system', { topic: 'outcomes', lane: 0, from: String(outcomes.next), to: '0', epoch: 1 });
  lane.propose('after-the-gap');
  lane.propose('after-the-gap');
}
