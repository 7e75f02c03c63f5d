/** What an agent platform could gain by saying another actor than it is: under the standard bundle, through the decider and to the one checker. */
import { CedarEngine } from '#adapters';
import { type ActorRule, type Entry, OPEN_ESCALATIONS_PER_ACTOR_MAX, SYSTEM_TENANT } from '#domain';
import { attest, checkLane, type MemoryLane } from '#testing';
import { describe, expect, it } from 'vitest';

import { bundlesOf, standardDocument } from './row-bundles.ts';
import { laneFor } from './row-lane.ts';
import { readRows, type Row } from './decision-table.ts';
import { proposalOf, TIMES_MS } from './row-proposals.ts';

const bundle = bundlesOf(standardDocument).plain;
const rows = readRows().filter(({ window, freezes, tenant }) => window === 'any' && freezes.length === 0 && tenant === 'acme');
const rowWhere = (isMeant: (row: Row) => boolean): Row => {
  const row = rows.find(isMeant);
  if (!row) throw new Error('the table has no such row');
  return row;
};
/** Forbidden to agents; a person is asked about it. */
const CONTROL = rowWhere(({ cls, actor, verdict }) => cls === 'control' && actor === 'person' && verdict === 'ESCALATE');
const ASKING = rowWhere(({ verdict, actor }) => verdict === 'ESCALATE' && actor === 'agent');
const ALLOWED = rowWhere(({ verdict, actor }) => verdict === 'ALLOW' && actor === 'agent');

const HELPER: ActorRule = { kind: 'agent', id: 'helper', actingFor: ['ana'] };
const SAID = { kind: 'agent', id: 'helper', actingFor: 'ana' };

function withPlatform(actors: readonly ActorRule[] = [HELPER]): MemoryLane {
  const lane = laneFor(new CedarEngine(), bundle, TIMES_MS.any);
  lane.registerIssuer('acme', 'helpers', 'platform', { actors });
  return lane;
}
function say(lane: MemoryLane, row: Row, id: string, actor: object): Entry {
  const {
    tenant,
    id: _,
    issuer: __,
    actor: ___,
    ...body
  } = proposalOf(row, bundle, lane.nowMs, { id, birth: lane.birth.initialisedDigest });
  const [entry] = lane.when('actions', lane.sign({ kind: 'action.proposed', tenant, id, issuer: 'helpers', body: { ...body, actor } }));
  if (!entry) throw new Error('no entry');
  return entry;
}
const told = ({ statement: { predicate } }: Entry) => `${predicate.verdict ?? ''} ${(predicate['reasons'] as string[]).join()}`;
const vote = (lane: MemoryLane, { statement: { predicate } }: Entry, by: string) =>
  lane.control('approval.recorded', 'acme', { decision: predicate.index, bindingDigest: predicate['bindingDigest'], vote: 'approve', by });

async function expectValid(lane: MemoryLane): Promise<void> {
  const checked = await checkLane(lane, new CedarEngine(), attest(lane, lane.parties.keys));
  expect(checked.invariants.filter(({ status }) => status === 'violated')).toEqual([]);
}

describe('a platform that may say one agent, for ana', () => {
  it('does not turn a denial of agents into a question to people by calling it a person', async () => {
    const lane = withPlatform();
    expect(told(say(lane, CONTROL, 'a-1', SAID))).toBe('DENY DENY_POLICY');
    expect(told(say(lane, CONTROL, 'a-2', { ...SAID, kind: 'person' }))).toBe('DENY DENY_ACTOR');
    await expectValid(lane);
  });

  it('does not escape a freeze by another id', async () => {
    const lane = withPlatform();
    lane.control('freeze.raised', SYSTEM_TENANT, { level: 'freeze', scope: { kind: 'agent', value: 'helper' }, by: 'ana', why: 'a drill' });
    expect(told(say(lane, ALLOWED, 'a-1', SAID))).toBe('DENY DENY_FROZEN');
    expect(told(say(lane, ALLOWED, 'a-2', { ...SAID, id: 'helper-2' }))).toBe('DENY DENY_ACTOR');
    await expectValid(lane);
  });

  it('does not escape the limit of open questions by another id', async () => {
    const lane = withPlatform();
    for (let at = 0; at < OPEN_ESCALATIONS_PER_ACTOR_MAX; at++) say(lane, ASKING, `a-${at}`, SAID);
    expect(told(say(lane, ASKING, 'b-1', SAID))).toBe('DENY DENY_LIMIT');
    expect(told(say(lane, ASKING, 'b-2', { ...SAID, id: 'helper-2' }))).toBe('DENY DENY_ACTOR');
    await expectValid(lane);
  });

  it('does not let ana approve what is done for her by leaving out that it is', async () => {
    const lane = withPlatform();
    expect(told(say(lane, ASKING, 'a-1', { kind: 'agent', id: 'helper' }))).toBe('DENY DENY_ACTOR');
    const asked = say(lane, ASKING, 'a-2', SAID);
    expect(told(asked)).toBe('ESCALATE ESCALATE_APPROVAL_REQUIRED');
    expect(vote(lane, asked, 'ana')[0]?.statement.predicate['detail']).toBe('own-action');
    await expectValid(lane);
  });
});
