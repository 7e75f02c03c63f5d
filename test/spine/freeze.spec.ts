import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { CedarEngine, kafkaLaneLog, textOf, wire } from '#adapters';

import { LaneDecider } from '../../apps/decider/src/lane-decider.ts';
import { countersign } from '../cli/run.ts';
import { client, until } from '../support/kafka.ts';
import { LANE, LANES, recordWrite, TENANT, told, World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open(inject('brokers'), 'freeze');
});
afterAll(() => world.close());

interface Answer {
  readonly freeze: string;
  readonly confirmed?: boolean;
  readonly lifted?: boolean;
  readonly lanes: readonly { readonly lane: number; readonly state: string; readonly detail?: string }[];
}

async function freeze(...args: string[]): Promise<{ code: number | null; json: Answer; stderr: string }> {
  const place = ['--data', world.home.folder, '--brokers', world.brokers.join(','), '--json'];
  const { code, stdout, stderr } = await countersign(['freeze', ...args, ...place], world.home.folder);
  return { code, json: JSON.parse(stdout) as Answer, stderr };
}
const raise = (scope: string, ...more: string[]) => freeze('--scope', scope, '--by', 'ana', '--why', 'incident 7', ...more);
const lift = (id: string, by: string, ...more: string[]) => freeze('lift', id, '--by', by, '--why', 'solved', ...more);
const list = async (...more: string[]): Promise<unknown> => (await freeze('list', ...more)).json;
const entered = Array.from({ length: LANES }, (_, lane) => ({ lane, state: 'entered' }));

const proposed = async (body: object = recordWrite) => world.receiptOf(await world.propose(body));
/** Trees in which the freeze is named, each by a receipt that verified. */
const treesWith = async (kind: string, member: string, id: string): Promise<string[]> => {
  const receipts = (await Promise.all(entered.map(({ lane }) => world.receipts(lane)))).flat();
  const found = receipts.filter((each) => each.kind === kind && textOf(each.statement.predicate, member) === id);
  return found.map(({ record }) => record.tenant).sort();
};

describe('a freeze', () => {
  let id: string;

  it('of a tenant is confirmed by every lane, and has receipts in the system trees and in the tree of that tenant', async () => {
    expect(told(await proposed())).toBe('ALLOW ALLOW_POLICY');
    const { code, json } = await raise(`tenant:${TENANT}`);
    expect([code, json]).toMatchObject([0, { level: 'freeze', confirmed: true, lanes: entered }]);
    id = json.freeze;
    await until('its receipts', async () => (await treesWith('freeze.raised', 'freeze', id)).length === LANES + 1);
    expect(await treesWith('freeze.raised', 'freeze', id)).toEqual([...entered.map(({ lane }) => `_system.${lane}`), TENANT]);
  });

  it('denies what was allowed, with a receipt that names it, also after the decider was restarted', async () => {
    const receipt = await proposed();
    expect(told(receipt)).toBe('DENY DENY_FROZEN');
    expect(textOf(receipt.statement.predicate, 'freeze')).toBe(id);
    await world.restart('decider');
    expect(told(await proposed())).toBe('DENY DENY_FROZEN');
  });

  it('is not lifted by the person who raised it', async () => {
    const { code, json, stderr } = await lift(id, 'Ana');
    expect([code, json.lifted]).toEqual([1, false]);
    expect(stderr).toContain('same-person');
    expect(told(await proposed())).toBe('DENY DENY_FROZEN');
  });

  it('is listed with who and why until another person lifts it; then what was denied is allowed', async () => {
    expect(await list()).toMatchObject([{ freeze: id, by: 'ana', why: 'incident 7', inForceOn: entered.map(({ lane }) => lane) }]);
    const { code, json } = await lift(id, 'ben');
    expect([code, json]).toMatchObject([0, { lifted: true, lanes: entered }]);
    expect(told(await proposed())).toBe('ALLOW ALLOW_POLICY');
    expect(await list()).toEqual([]);
    expect(await list('--all')).toMatchObject([{ freeze: id, liftedBy: 'ben', inForceOn: [] }]);
    expect((await lift(id, 'ben')).stderr).toContain('already-lifted');
  });

  it('of a tenant that nobody knows is refused, and no lane keeps it', async () => {
    const { code, json, stderr } = await raise('tenant:acmee');
    expect([code, json.lanes.length, json.confirmed]).toEqual([1, 1, false]);
    expect(stderr).toContain('unknown-tenant');
    expect(await list()).toEqual([]);
  });
});

/** Decides one lane and leaves the others alone, while `work` runs. */
async function onOneLane<T>(lane: number, work: () => Promise<T>): Promise<T> {
  const stopping = new AbortController();
  const quiet = (): void => undefined;
  const alone = new LaneDecider({
    laneLog: kafkaLaneLog(client(world.brokers)),
    birth: world.home.birth(),
    topicPrefix: world.home.config.topicPrefix,
    deciderSeed: world.home.key('decider'),
    engine: new CedarEngine(),
    wire,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    onBatch: quiet,
  });
  let running: Promise<void> | undefined;
  await new Promise<void>((resolve, reject) => {
    running = alone.run({ lane, signal: stopping.signal, ready: resolve });
    running.catch(reject);
  });
  try {
    return await work();
  } finally {
    stopping.abort();
    await running;
  }
}

describe('an emergency stop of all', () => {
  it('is not confirmed while a lane has no receipt, and that lane is named; once its decider reads it, it is in force there', async () => {
    await world.stop('decider');
    const silent = 1 - LANE;
    const { code, json, stderr } = await onOneLane(LANE, () => raise('all', '--stop', '--wait', '8'));
    expect([code, json.confirmed]).toEqual([2, false]);
    expect(json.lanes).toEqual(entered.map(({ lane }) => ({ lane, state: lane === silent ? 'missing' : 'entered' })));
    expect(stderr).toContain(`no receipt from lane ${silent} yet`);
    expect(await list()).toMatchObject([{ freeze: json.freeze, inForceOn: [LANE] }]);
    await world.start('decider');
    await until('every lane has it', async () => (await treesWith('freeze.raised', 'freeze', json.freeze)).includes(`_system.${silent}`));
    const receipt = await proposed();
    expect([told(receipt), textOf(receipt.statement.predicate, 'freeze')]).toEqual(['DENY DENY_STOPPED', json.freeze]);
    expect(told(await proposed({ ...recordWrite, mode: 'shadow' }))).toBe('WOULD_DENY DENY_STOPPED');
    expect((await lift(json.freeze, 'ben')).code).toBe(0);
    expect(told(await proposed())).toBe('ALLOW ALLOW_POLICY');
  });
});

it('leaves a ledger that the checker finds valid', () => world.expectValid());
