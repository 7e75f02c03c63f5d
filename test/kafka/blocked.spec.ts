/* Clients that leave a transaction open on an input topic: whoever may write there may also ask for fifteen minutes. */
import type { Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';

import { raiseFreeze } from '#adapters';

import { connectionConfig } from '../../libs/adapters/src/kafka/client.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { countersign } from '../cli/run.ts';
import { watchAlarms } from '../support/alarms.ts';
import { client, unique, until } from '../support/kafka.ts';
import { citationOf, LANE, told, World } from '../support/world.ts';

const LONGEST_MS = 15 * 60_000;
const alarms = watchAlarms();
const leftOpen: (() => Promise<unknown>)[] = [];
let world: World;

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'blocked');
});
afterEach(async () => {
  for (const end of leftOpen.splice(0)) await end().catch(() => undefined);
});
afterAll(() => world.close());

/** Writes to `actions` in a transaction and leaves it open. */
async function hold(transactionalId: string): Promise<{ readonly offset: bigint; readonly commit: () => Promise<void> }> {
  const kafka = new kafkajs.Kafka(connectionConfig(client(world.brokers)));
  const producer: Producer = kafka.producer({ transactionalId, transactionTimeout: LONGEST_MS, maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  const [sent] = await transaction.send({
    topic: world.home.topic('actions'),
    messages: [{ partition: LANE, value: world.value() }],
  });
  const end = async (how: 'abort' | 'commit'): Promise<void> => {
    await transaction[how]();
    await producer.disconnect();
  };
  leftOpen.push(() => end('abort'));
  return { offset: BigInt(sent?.baseOffset ?? -1), commit: () => end('commit') };
}

it('a transaction that any client leaves open on actions is aborted by the lane, which names it in an alarm and decides what waits behind it', async () => {
  const id = unique('greedy');
  const held = await hold(id);
  const place = await world.propose();
  expect(place.offset).toBeGreaterThan(held.offset);
  expect(told(await world.receiptOf(place))).toBe('ALLOW ALLOW_POLICY');
  expect(alarms.find(({ code }) => code === 'BLOCKED')).toMatchObject({ lane: LANE, topic: 'actions', transactionalId: id });
  await expect(held.commit()).rejects.toThrow();
  expect((await world.receipts()).map(citationOf)).not.toContain(`actions/${LANE}/${held.offset}`);
  await until('nothing is blocked', () => world.health('decider').length === 0);
  await world.expectValid();
});

it('a transaction that the lane may not end leaves the other inputs going; readiness, metrics and doctor name it until it ends', async () => {
  const id = `${world.home.config.topicPrefix}countersign.decider.99`; // the ledger's own ids are never touched
  const held = await hold(id);
  const place = await world.propose();
  const blocked = await until('readiness says so', () => world.health('decider').find(({ code }) => code === 'BLOCKED'));
  expect(blocked.name).toBe(`lane ${LANE} actions`);
  expect(blocked.reason).toContain(id);
  await world.control(...raiseFreeze(world.home, { level: 'stop', scope: { kind: 'all' }, why: 'incident', by: 'ana' }));
  expect((await world.http('decider', '/metrics')).text).toMatch(
    new RegExp(`countersign_input_blocked_seconds\\{[^}]*lane="${LANE}",topic="actions"[^}]*\\} [0-9.]*[1-9]`),
  );
  const { code, stdout } = await countersign(
    ['doctor', '--data', world.home.folder, '--brokers', world.brokers.join(',')],
    world.home.folder,
  );
  expect([code, stdout]).toEqual([
    1,
    expect.stringMatching(new RegExp(`WRONG +input ${LANE} +BLOCKED: open transaction ${id} .*actions/${LANE} .*offset ${held.offset};`)),
  ]);
  expect(stdout).not.toContain('no Kafka broker answers');
  await held.commit();
  expect(told(await world.receiptOf({ ...place, offset: held.offset }))).toBe('DENY DENY_STOPPED');
  expect(told(await world.receiptOf(place))).toBe('DENY DENY_STOPPED');
  await until('nothing is blocked', () => world.health('decider').length === 0);
});
