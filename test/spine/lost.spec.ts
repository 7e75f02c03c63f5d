import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { checkLedger, createTopics, declareGap, registerOwnIssuer } from '#adapters';

import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { until, withAdmin } from '../support/kafka.ts';
import { citationOf, LANE, LANES, TENANT, told, World } from '../support/world.ts';

let world: World;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'lost');
  await world.receiptOf(await world.propose());
});
afterAll(() => world.close());

/** As an operator, or a retention that was set too short, removes what is before `offset`. */
const deleteBefore = (topic: string, partition: number, offset: bigint): Promise<void> =>
  withAdmin(world.brokers, async (admin) => {
    await admin.fetchTopicOffsets(world.home.topic(topic)); // loads what deleteTopicRecords needs to know
    await admin.deleteTopicRecords({ topic: world.home.topic(topic), partitions: [{ partition, offset: String(offset) }] });
  });

const setCompression = (topic: string, value: string): Promise<void> =>
  withAdmin(world.brokers, async (admin) => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: world.home.topic(topic) }],
    });
    const kept = resources[0]?.configEntries.filter(({ isDefault }) => !isDefault) ?? [];
    const configEntries = kept.map((each) => ({
      name: each.configName,
      value: each.configName === 'compression.type' ? value : each.configValue,
    }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: world.home.topic(topic), configEntries }],
    });
  });

describe('input that was deleted before it was decided', () => {
  it('holds its topic back and says so; controls go on; an input.gap by the admin lets it go on', async () => {
    await world.stop('decider');
    const places = [await world.propose(), await world.propose(), await world.propose()];
    const [first, , third] = places;
    if (!first || !third) throw new Error('nothing sent');
    await deleteBefore('actions', LANE, third.offset);
    await world.start('decider');
    expect(await world.untilFailed('decider', `lane ${LANE} actions`)).toContain(
      `INPUT_GAP: actions no longer holds offset ${first.offset}`,
    );
    expect((await world.http('decider', '/readyz')).status).toBe(503);
    await world.control(registerOwnIssuer(world.home, { tenant: TENANT, issuer: 'platform-gap', type: 'platform' }));
    expect((await world.receipts()).map(citationOf)).not.toContain(`actions/${LANE}/${third.offset}`);
    const gap = { topic: 'actions', lane: LANE, from: first.offset, to: third.offset, epoch: 0 } as const;
    await expect(world.control(declareGap(world.home, { ...gap, from: first.offset + 1n }))).rejects.toMatchObject({ code: 'REFUSED' });
    await world.control(declareGap(world.home, gap));
    expect(told(await world.receiptOf(third))).toBe('ALLOW ALLOW_POLICY');
    await world.untilReady('decider');
    await world.expectValid();
  });
});

describe('a topic whose settings were changed', () => {
  it('halts a decider that takes over, until they are as they must be', async () => {
    const topic = 'actions';
    await setCompression(topic, 'producer');
    await world.restart('decider');
    for (const lane of lanes) {
      const reason = await world.untilFailed('decider', `lane ${lane}`);
      expect(reason).toContain('TOPIC_SETTINGS: ');
      expect(reason).toContain(`${world.home.topic(topic)}: compression.type=uncompressed expected, producer found`);
    }
    await setCompression(topic, 'uncompressed');
    await world.restart('decider');
    expect(told(await world.receiptOf(await world.propose()))).toBe('ALLOW ALLOW_POLICY');
  });
});

describe('an input topic that was made anew', () => {
  it('is not believed by itself; an input.gap with the next epoch starts it over', async () => {
    const [end] = (await world.read('actions')).slice(-1);
    await world.stop('decider');
    const topic = world.home.topic('actions');
    await withAdmin(world.brokers, async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic));
      await createTopics(admin, { prefix: world.home.config.topicPrefix, lanes: LANES });
    });
    await world.reconnect();
    await world.start('decider');
    const next = (end?.offset ?? 0n) + 1n;
    expect(await world.untilFailed('decider', `lane ${LANE} actions`)).toContain(`no longer holds offset ${next}`);
    const place = await world.propose();
    expect(place.offset).toBe(0n);
    await world.control(declareGap(world.home, { topic: 'actions', lane: LANE, from: next, to: 0n, epoch: 1 }));
    const receipt = await until('it is decided in the new epoch', async () =>
      (await world.receipts()).find(({ statement: { predicate } }) => predicate.source.kind === 'record' && predicate.source.epoch === 1),
    );
    expect([told(receipt), receipt.statement.predicate.source]).toMatchObject([
      'ALLOW ALLOW_POLICY',
      { topic: 'actions', offset: '0', epoch: 1 },
    ]);
    expect((await checkLedger(world.home, world.brokers)).status).toBe('valid');
  });
});

describe('a ledger whose first records were deleted', () => {
  it('halts a decider without a snapshot, a new gateway, and is never valid', async () => {
    await deleteBefore('ledger', LANE, 3n);
    await world.restart('decider', 'gateway');
    expect(await world.untilFailed('decider', `lane ${LANE}`)).toMatch(/TAIL_LOST|SEQUENCE/);
    await world.untilFailed('gateway', `lane ${LANE}`);
    const { statusCode } = await world.gateway.server.inject('/readyz');
    expect(statusCode).toBe(503);
    expect((await world.http('decider', '/metrics')).text).not.toMatch(/outcome="again"/);
    expect((await checkLedger(world.home, world.brokers)).status).not.toBe('valid');
  });
});
