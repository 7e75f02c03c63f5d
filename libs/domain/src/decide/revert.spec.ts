import { describe, expect, it } from 'vitest';

import { attest, checkLane, CI, FakeEngine, laneBundle, MemoryLane, statedWayBack, testDocument } from '#testing';

import type { Entry } from '../ledger/entry.ts';
import { REVERTS } from '../policy/tables.ts';
import { encodeState } from './snapshot.ts';

const DIGEST = 'a'.repeat(64);
const STATES = { before: DIGEST, after: DIGEST };
const change = (target: string) => ({
  ...{ class: 'change', connector: 'tool', operation: 'apply', resource: { type: 'thing', id: target } },
  parameters: { tenant: 'acme', target, artifact: 'new', amount: 1, back: { operation: 'undo', reference: 'old' } },
});

/** With the CI's word for its way back. */
const shown = (lane: MemoryLane) => ({ ...change('low'), evidence: [statedWayBack(lane, { artifactDigest: 'old' })] });

/** A lane where a change needs no evidence and owes what `rule` says, and the contract says of it what undoes it. */
function ready(rollback: string, rule: object): MemoryLane {
  const lane = MemoryLane.ready();
  lane.registerIssuer('acme', 'runner', 'executor');
  lane.registerIssuer('acme', CI, 'ci');
  const { classes, contracts } = testDocument();
  const { apply, undo } = contracts.tool.operations;
  const tool = { version: '1', operations: { apply: { ...apply, rollback }, undo } };
  const note = { ...classes.note, after: ['healthcheck'] };
  lane.activate(laneBundle({ classes: { change: { ...classes.change, requires: [], ...rule }, note }, contracts: { tool } }));
  return lane;
}

const OWING = { after: ['healthcheck', 'state-hash'] };
const predicateOf = (entries: readonly Entry[]) => entries.at(-1)?.statement.predicate;
const report = (lane: MemoryLane, body: object): Entry[] =>
  lane.when('outcomes', lane.sign({ kind: 'outcome.reported', tenant: 'acme', issuer: 'runner', body: { claim: 'c-1', ...body } }));

/** Claims what the last of `entries` permits; what permit and grant say. */
function claim(lane: MemoryLane, entries: readonly Entry[]): { decision: string | undefined; said: unknown[] } {
  const [permitted] = entries.slice(-1);
  if (!permitted) throw new Error('nothing to claim');
  const { index: decision, permit } = permitted.statement.predicate;
  const body = { decision, receipt: lane.receiptOf(permitted) };
  const granted = lane.when('outcomes', lane.sign({ kind: 'claim.requested', tenant: 'acme', issuer: 'runner', id: 'c-1', body }));
  return { decision, said: [(permit as { revert?: unknown } | undefined)?.revert, predicateOf(granted)?.['revert']] };
}

async function expectSound(lane: MemoryLane): Promise<void> {
  const live = encodeState(lane.state);
  expect(encodeState(lane.restart().state)).toEqual(live);
  const checked = await checkLane(lane, new FakeEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
}

describe('what undoes an effect, as the contract of the called operation says', () => {
  it.each(REVERTS)('is in the permit, the grant and every outcome: %s', async (revert) => {
    const lane = ready(revert, { ...OWING, requires: ['rollback'] });
    const { decision, said } = claim(lane, lane.propose('a-1', shown(lane)));
    expect(said).toEqual([revert, revert]);
    const reports = [
      { kind: 'result', status: 'succeeded', ...STATES },
      { kind: 'healthcheck', status: 'failed' },
    ];
    for (const body of [...reports, { kind: 'rollback', status: 'succeeded', ...STATES }]) {
      const [recorded] = report(lane, { decision, ...body });
      expect(recorded?.statement.predicate).toMatchObject({ outcome: body.kind, revert });
    }
    await expectSound(lane);
  });

  it.each(REVERTS)('is still known to whoever takes over between claim and report, from entries or from a snapshot: %s', async (revert) => {
    for (const from of ['entries', 'snapshot']) {
      const lane = ready(revert, OWING);
      const { decision } = claim(lane, lane.propose('a-1', change('low')));
      const live = encodeState(lane.state);
      lane.restart(from === 'snapshot' ? lane.snapshot() : undefined);
      expect(encodeState(lane.state)).toEqual(live);
      expect(predicateOf(report(lane, { decision, kind: 'result', status: 'failed' }))?.['revert']).toBe(revert);
      await expectSound(lane);
    }
  });

  it.each(REVERTS)('goes with the question into the permit that people give: %s', async (revert) => {
    const lane = ready(revert, OWING);
    const asked = predicateOf(lane.propose('a-1', change('high')));
    expect(asked?.['grants']).toEqual({ obligations: ['healthcheck', 'state-hash'], revert });
    const vote = { decision: asked?.index, bindingDigest: asked?.['bindingDigest'], vote: 'approve', by: 'ana' };
    lane.restart(lane.snapshot());
    const { decision, said } = claim(lane, lane.control('approval.recorded', 'acme', vote));
    expect(said).toEqual([revert, revert]);
    expect(predicateOf(report(lane, { decision, kind: 'result', status: 'failed' }))?.['revert']).toBe(revert);
    await expectSound(lane);
  });

  it.each([{ resultWithinSeconds: 60 }, { requires: ['rollback'] }, { after: ['state-hash'] }])(
    'is told where the class asks for anything afterwards: %j',
    (rule) => {
      const lane = ready('snapshot', rule);
      expect(claim(lane, lane.propose('a-1', shown(lane))).said).toEqual(['snapshot', 'snapshot']);
    },
  );

  it.each([
    ['the class asks for nothing afterwards', change('low')],
    ['no contract is called', {}],
  ])('is not told where %s', async (_, body) => {
    const lane = ready('inverse', {});
    const { decision, said } = claim(lane, lane.propose('a-1', body));
    expect(said).toEqual([undefined, undefined]);
    const recorded = predicateOf(report(lane, { decision, kind: 'result', status: 'failed' }));
    expect(recorded?.['outcome']).toBe('result');
    expect(recorded).not.toHaveProperty('revert');
    await expectSound(lane);
  });
});
