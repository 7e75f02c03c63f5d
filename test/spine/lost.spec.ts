import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { checkLedger, declareGap, wire } from '#adapters';

import { connectionConfig } from '../../libs/adapters/src/kafka/client.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { countersign, type Ended, ROOT } from '../cli/run.ts';
import { Trial } from '../faults/trial.ts';
import { watchAlarms } from '../support/alarms.ts';
import { statusesOf } from '../support/expect-valid.ts';
import { client, until, withAdmin } from '../support/kafka.ts';
import { acknowledgementOf, citationOf, LANE, LANES, recordWrite, TENANT, told, World } from '../support/world.ts';

let world: World;
const alarms = watchAlarms();
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

/** What policy denies: it is aimed at another tenant. */
const ELSEWHERE = { ...recordWrite.parameters, tenantId: 'globex' };

async function post(body: object, query: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${world.home.token(TENANT) ?? ''}`, 'content-type': 'application/json' };
  const payload = JSON.stringify(body);
  return (await world.gateway.server.inject({ method: 'POST', url: `/v1/actions?${query}`, headers, payload })).json();
}

function proposeByCli(body: object, args: readonly string[]): Promise<Ended> {
  const file = join(world.home.folder, 'proposal.json');
  writeFileSync(file, JSON.stringify(body));
  const where = ['--data', world.home.folder, '--brokers', world.brokers.join(',')];
  return countersign(['propose', file, '--tenant', TENANT, ...args, ...where], ROOT);
}

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
    await world.control(world.ownIssuer({ tenant: TENANT, issuer: 'platform-gap', type: 'platform' }));
    expect((await world.receipts()).map(citationOf)).not.toContain(`actions/${LANE}/${third.offset}`);
    const gap = (from: bigint) => {
      const said = ['--topic', 'actions', '--lane', String(LANE), '--from', String(from), '--to', String(third.offset), '--epoch', '0'];
      return countersign(['gap', ...said, '--data', world.home.folder, '--brokers', world.brokers.join(',')], ROOT);
    };
    expect((await gap(first.offset + 1n)).code).toBe(1);
    expect((await gap(first.offset)).code).toBe(0);
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
    await world.makeAnew('actions');
    await world.start('decider');
    const next = (end?.offset ?? 0n) + 1n;
    expect(await world.untilFailed('decider', `lane ${LANE} actions`)).toContain(`no longer holds offset ${next}`);
    const place = await world.propose();
    expect(place.offset).toBe(0n);
    // Their offsets have old receipts: those of other actions, which were allowed.
    const answer = await post({ ...recordWrite, parameters: ELSEWHERE, id: 'anew-http' }, 'wait=1s');
    expect([answer['state'], answer['verdict']]).toEqual(['pending', undefined]);
    const early = await proposeByCli({ ...recordWrite, parameters: ELSEWHERE }, ['--id', 'anew-cli', '--wait', '1']);
    expect([early.code, early.stdout]).toEqual([2, '']);
    await world.control(declareGap(world.home, { topic: 'actions', lane: LANE, from: next, to: 0n, epoch: 1 }));
    const receipt = await until('it is decided in the new epoch', async () =>
      (await world.receipts()).find(({ place }) => place?.epoch === 1 && place.offset === 0n),
    );
    expect([told(receipt), receipt.place]).toMatchObject(['ALLOW ALLOW_POLICY', { topic: 'actions', offset: 0n, epoch: 1 }]);
    const late = await until('the gateway tells its own verdict', async () => {
      const { text } = await world.get('/v1/actions/anew-http');
      const found = JSON.parse(text) as Record<string, unknown>;
      return found['state'] === 'pending' ? undefined : found;
    });
    expect([late['id'], late['verdict'], late['reasons']]).toEqual(['anew-http', 'DENY', ['DENY_TENANT_SCOPE']]);
    const again = await proposeByCli({ ...recordWrite, parameters: ELSEWHERE }, ['--id', 'anew-cli-2']);
    expect([again.code, again.stdout]).toEqual([1, expect.stringContaining('DENY DENY_TENANT_SCOPE')]);
    expect((await checkLedger(world.home, world.brokers)).status).toBe('valid');
  });
});

describe('a batch that nobody here unpacks', () => {
  it('holds its topic and no other, and an input.gap lets it go on', async () => {
    await setCompression('actions', 'producer'); // so that the broker stores what it was sent
    const { Kafka, CompressionTypes } = kafkajs;
    const producer = new Kafka(connectionConfig(client(world.brokers))).producer();
    await producer.connect();
    const messages = [{ partition: LANE, value: Buffer.alloc(40 * 1024 * 1024) }]; // 40 kB of gzip
    const [sent] = await producer.send({ topic: world.home.topic('actions'), compression: CompressionTypes.GZIP, messages });
    await producer.disconnect();
    await setCompression('actions', 'uncompressed');
    const behind = await world.propose();
    const reason = await world.untilFailed('decider', `lane ${LANE} actions`);
    expect(reason).toMatch(/^UNREADABLE: .* offsets (\d+) to \1: /);
    const [, from = '', to = '', epoch] = /--from (\d+) --to (\d+) --epoch (\d+)/.exec(reason) ?? [];
    expect([from, to]).toEqual([sent?.baseOffset, String(BigInt(sent?.baseOffset ?? 0) + 1n)]);
    await world.control(declareGap(world.home, { topic: 'actions', lane: LANE, from: BigInt(from), to: BigInt(to), epoch: Number(epoch) }));
    expect(told(await world.receiptOf(behind))).toBe('ALLOW ALLOW_POLICY');
    expect((await checkLedger(world.home, world.brokers)).status).toBe('valid');
  });
});

describe('a ledger that lost its tail', () => {
  it('halts decider and notary on its lane before anything forks; the decider goes on with the other', async () => {
    const raisedBefore = alarms.length;
    const acked = [await world.propose(), await world.propose()];
    for (const place of acked) await world.receiptOf(place);
    const kept = await Promise.all(lanes.map((lane) => world.read('ledger', lane)));
    const attested = (await world.receipts()).length;
    for (const name of ['gateway', 'notary', 'decider'] as const) await world.stop(name);
    await world.makeAnew('ledger');
    for (const lane of lanes) {
      const values = kept[lane]?.map(({ value }) => value) ?? [];
      const isSealed = (value: Buffer | null): boolean => wire.decodeRecord(value ?? Buffer.of()).batchSeal !== null;
      const cut = lane === LANE ? values.slice(0, values.slice(0, -1).findLastIndex(isSealed) + 1) : values;
      const to = { topic: world.home.topic('ledger'), partition: lane, key: null };
      await world.writer.send(cut.map((value) => ({ ...to, value })));
    }
    await Promise.all([world.start('decider'), world.start('notary')]);
    expect(await world.untilFailed('decider', `lane ${LANE}`)).toMatch(/TAIL_LOST: .*signed at size \d+, the ledger ends at \d+/);
    expect(await world.untilFailed('notary', `lane ${LANE}`)).toContain('TAIL_LOST: ');
    // What is written again has no transaction markers, so its offsets are smaller: on the other lane the notary begins at genesis, and goes on.
    for (const name of ['decider', 'notary'] as const)
      await until('the other lane is taken over', () => world.health(name).every((reason) => reason.name === `lane ${LANE}`));
    expect((await world.receipts()).length).toBe(attested);
    const raised = alarms.slice(raisedBefore).map((line) => `${String(line['name'])} ${String(line['lane'])}`);
    expect(new Set(raised)).toEqual(new Set([`decider ${LANE}`, ...lanes.map((lane) => `notary ${lane}`)]));
    const acks = acked.map(acknowledgementOf);
    const report = await checkLedger(world.home, world.brokers, { settled: true, acks });
    const trial = new Trial('ledger', 'the ledger’s tail cut off, while checkpoints survive', { breaksLedger: true });
    trial.tried().saw('lane halted: decider and notary, each with an alarm; nothing more was signed').record(report);
    expect(report.status).toBe('invalid');
    expect(statusesOf(report)).toMatchObject({
      I1: 'violated',
      I4: 'violated',
      I6: 'violated',
      I2: 'holds',
      I7: 'holds',
      I10: 'holds',
      I11: 'holds',
    });
  });
});

describe('a gateway over a lane that lost its tail', () => {
  it('answers its tenants with the code of their lane, and serves those of the other lane', async () => {
    await world.start('gateway');
    expect(await world.untilFailed('gateway', `lane ${LANE}`)).toContain('TAIL_LOST: ');
    const acme = await world.get(`/v1/actions/none`);
    expect([acme.status, JSON.parse(acme.text)]).toMatchObject([503, { code: 'LANE_HALTED', halt: 'TAIL_LOST' }]);
    const globex = await world.get(`/v1/actions/none`, world.home.token('globex'));
    expect([globex.status, JSON.parse(globex.text)]).toMatchObject([404, { code: 'NOT_FOUND' }]);
    const { statusCode, body } = await world.gateway.operator.server.inject('/readyz');
    expect([statusCode, JSON.parse(body)]).toMatchObject([
      200,
      { status: 'degraded', reasons: [{ name: `lane ${LANE}`, code: 'TAIL_LOST' }] },
    ]);
  });
});

describe('a ledger whose first records were deleted', () => {
  it('halts a decider without a snapshot and a gateway that starts, also from an index that it kept, and is never valid', async () => {
    await deleteBefore('ledger', 1 - LANE, 1n);
    await world.restart('decider', 'gateway');
    expect(await world.untilFailed('decider', `lane ${1 - LANE}`)).toMatch(/TAIL_LOST|SEQUENCE/);
    await world.untilFailed('gateway', `lane ${1 - LANE}`);
    const { statusCode } = await world.gateway.operator.server.inject('/readyz');
    expect(statusCode).toBe(503);
    expect((await world.http('decider', '/metrics')).text).not.toMatch(/outcome="again"/);
    expect((await checkLedger(world.home, world.brokers)).status).not.toBe('valid');
  });
});
