/** An action is erased, and once the retention of the inputs has passed nothing of it is anywhere, while all that was proved stays provable. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { checkLedger, codecs, type Home, type KafkaRecord } from '#adapters';
import { NESTING_MAX, parseCanonical, parseTrust, requestDigest, verifyReceipt, type Json } from '#domain';

import { partiesOf } from '../../apps/all/src/tour/propose.ts';
import { scenarios } from '../../apps/all/src/tour/scenarios.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../libs/adapters/src/broker/embedded.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { countersign, ROOT } from '../cli/run.ts';
import { unique, until, withAdmin } from '../support/kafka.ts';
import { canStartBroker, NEEDS_JAVA } from '../support/own-broker.ts';
import { LANE, type Place, recordWrite, TENANT, told, World } from '../support/world.ts';
import { filesWith, inputKeys, topicsWith } from './holdings.ts';

/** So that a test need not wait for what a broker does every few minutes. */
const SOON = {
  ...{ 'log.retention.check.interval.ms': 200, 'log.initial.task.delay.ms': 500, 'log.cleaner.backoff.ms': 200 },
  'log.segment.delete.delay.ms': 2000, // of a topic that is deleted, too
};
/** Entries. */
const SNAPSHOT_EVERY = 10;
/** Unit ms. A broker cleans and deletes when it comes round to it: about 20 s where nothing else runs. */
const PATIENCE_MS = 120_000;
const TIMEOUT_MS = 3 * PATIENCE_MS;
const IN_PARAMETERS = unique('marker-parameters');
const IN_JUSTIFICATION = unique('marker-justification');
const MARKERS = [Buffer.from(IN_PARAMETERS), Buffer.from(IN_JUSTIFICATION)];
const ACTION = unique('erased');
const WAITING = unique('waiting');
const WHY = 'asked by the customer';
const marked = {
  ...recordWrite,
  parameters: { ...recordWrite.parameters, fields: { tier: IN_PARAMETERS } },
  justification: `because of ${IN_JUSTIFICATION}`,
};

const dataDir = mkdtempSync(join(tmpdir(), 'countersign-erase-'));
let broker: EmbeddedBroker;
let world: World;
let value: Buffer;
let digest: Buffer;
let keys: Buffer[];
/** As they were before the erasures. */
let snapshots: KafkaRecord[];
const places: Place[] = [];

beforeAll(async () => {
  broker = await startEmbeddedBroker({ dataDir, settings: SOON });
  world = await World.open(broker.brokers, 'erase');
  await world.stop('decider');
  await world.start('decider', { snapshotEveryEntries: SNAPSHOT_EVERY });
});
afterAll(async () => {
  await world.close();
  await broker.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const cli = (...args: string[]) => countersign([...args, '--data', world.home.folder, '--brokers', world.brokers.join(',')], ROOT);
const erase = (action: string, ...more: string[]) => cli('erase', '--tenant', TENANT, '--action', action, ...more);

async function send(bytes: Buffer): Promise<string> {
  const place = await world.send(bytes);
  places.push(place);
  return told(await world.receiptOf(place));
}

/** Whoever takes over next gives the older snapshot up, and whatever else is compacted gets something to compact. */
async function others(count: number): Promise<void> {
  for (let number = 0; number < count; number++) await world.receiptOf(await world.propose());
}

const indexesOf = async (action: string): Promise<number[]> =>
  (await world.receipts()).filter(({ record }) => record.actionId === action).map(({ record }) => record.leafIndex);

describe.skipIf(!canStartBroker)(`before an erasure (${NEEDS_JAVA})`, () => {
  it('what was asked is on the topics of inputs and verdicts, sealed on the ledger, and its digest in a snapshot', async () => {
    value = world.value(marked, { id: ACTION });
    const { payload, ...envelope } = codecs.signedEnvelope.decode(value);
    const request = parseCanonical(payload, { maxDepth: NESTING_MAX }) as Record<string, Json>;
    digest = Buffer.from(requestDigest(request).subarray(0, 16));
    expect(await send(value)).toBe('ALLOW ALLOW_POLICY');
    expect(await send(value)).toBe('action.repeated');
    expect(await send(world.value({ ...marked, justification: IN_PARAMETERS }, { id: ACTION }))).toBe('DENY DENY_CONFLICT');
    const forged = Buffer.from(codecs.signedEnvelope.encode({ ...envelope, payload, signature: new Uint8Array(64) }));
    expect(await send(forged)).toBe('REFUSED_SIGNATURE');
    const deploy = scenarios(partiesOf(world.home, Date.now())).find(({ id }) => id === 'tour-production-deploy');
    if (deploy?.kind !== 'proposal') throw new Error('no such scenario');
    const waiting = world.value({ ...deploy.body, justification: IN_JUSTIFICATION }, { id: WAITING });
    expect(await send(waiting)).toBe('ESCALATE ESCALATE_APPROVAL_REQUIRED');
    await others(2 * SNAPSHOT_EVERY);
    expect(await topicsWith(world, MARKERS)).toEqual(['actions', 'dead-letters', 'ledger, opened', 'verdicts']);
    expect(await topicsWith(world, [digest])).toEqual(['decider-state']);
    snapshots = await world.read('decider-state');
    const of = (await world.receipts()).filter(({ record }) => record.actionId === ACTION || record.actionId === WAITING);
    const all = await inputKeys(world, LANE);
    keys = of.map(({ record }) => all.get(`${record.origin}\0${record.leafIndex}`) ?? Buffer.of());
    expect(await topicsWith(world, keys)).toEqual(['input-keys']);
    expect(filesWith(dataDir, [...MARKERS, digest, ...keys])).not.toEqual([]);
  });
});

describe.skipIf(!canStartBroker)(`countersign erase (${NEEDS_JAVA})`, () => {
  it('wants a reason, an action that the ledger knows, and a tenant of its own', async () => {
    expect(await erase(ACTION)).toMatchObject({ code: 2 });
    expect(await erase('nothing', '--why', WHY)).toMatchObject({ code: 1, stdout: '' });
    expect(await cli('erase', '--tenant', '_system.0', '--action', ACTION, '--why', WHY)).toMatchObject({ code: 2 });
  });

  it('destroys the keys of all entries of the action, and says what is still to wait for', async () => {
    const indexes = await indexesOf(ACTION);
    const { code, stdout } = await erase(ACTION, '--why', WHY, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tenant: TENANT, action: ACTION, erased: indexes, cancelled: [] });
    const waits = (JSON.parse(stdout) as { waits: { topic: string }[] }).waits.map(({ topic }) => topic);
    expect(waits).toEqual(['actions', 'outcomes', 'verdicts', 'dead-letters', 'input-keys', 'decider-state']);
  });

  it('cancels an open escalation first, and executors and gateway hear of it', async () => {
    const [index] = await indexesOf(WAITING);
    const { code, stdout } = await erase(WAITING, '--why', WHY);
    expect(code).toBe(0);
    expect(stdout).toContain(`the escalation at index ${index} was cancelled first`);
    const kinds = await until('it is attested', async () => {
      const of = (await world.receipts()).filter(({ record }) => record.actionId === WAITING).map(({ kind }) => kind);
      return of.length === 3 && of;
    });
    expect(kinds).toEqual(['action.decided', 'escalation.settled', 'input.erased']);
    const verdicts = (await world.read('verdicts')).map((record) => codecs.verdict.decode(record.value ?? Buffer.of()));
    expect(verdicts.findLast(({ actionId }) => actionId === WAITING)).toMatchObject({ verdict: 'CANCELLED_ERASED', proposal: null });
    const shown = await until('the gateway knows', async () => {
      const answer = JSON.parse((await world.get(`/v1/actions/${WAITING}`)).text) as { state: string };
      return answer.state === 'settled' && answer;
    });
    expect(shown).toMatchObject({ settlement: { outcome: 'CANCELLED_ERASED' } });
  });

  it('says the same again when everything is erased already, and adds nothing to the ledger', async () => {
    const size = (await world.read('ledger')).length;
    expect(await erase(ACTION, '--why', WHY)).toMatchObject({ code: 0 });
    expect((await world.read('ledger')).length).toBe(size);
  });

  it('says with --status which topics still hold something', async () => {
    const { code, stdout } = await erase(ACTION, '--status', '--json');
    expect(code).toBe(2);
    const { topics } = JSON.parse(stdout) as { topics: { topic: string; records: number }[] };
    const holding = topics.filter(({ records }) => records > 0).map(({ topic }) => topic);
    expect(holding).toEqual(['actions', 'verdicts', 'dead-letters', 'input-keys', 'decider-state']);
  });
});

describe.skipIf(!canStartBroker)(`an erased action (${NEEDS_JAVA})`, () => {
  it('is unreplayable, and the ledger valid', async () => {
    const erased = [...(await indexesOf(ACTION)).slice(0, 3), ...(await indexesOf(WAITING)).slice(0, 1)];
    const report = await checkLedger(world.home, world.brokers);
    expect(report).toMatchObject({ status: 'valid', erased: erased.length });
    const { origin = '' } = (await world.receipts()).find(({ record }) => record.actionId === ACTION)?.record ?? {};
    const notes = report.invariants.find(({ id }) => id === 'I7')?.notes.toSorted();
    expect(notes).toEqual(erased.map((index) => `UNREPLAYABLE(erased): ${origin} index ${index}`).toSorted());
  });

  it('is a conflict for the lane and for its successor, whoever asks the same again; erasing again takes that along', async () => {
    expect(await send(value)).toBe('DENY DENY_CONFLICT');
    await world.stop('decider');
    await world.start('decider', { snapshotEveryEntries: SNAPSHOT_EVERY });
    expect(await send(value)).toBe('DENY DENY_CONFLICT');
    expect((await checkLedger(world.home, world.brokers)).status).toBe('valid');
    const again = (await indexesOf(ACTION)).slice(-2);
    const { code, stdout } = await erase(ACTION, '--why', WHY, '--json');
    expect([code, (JSON.parse(stdout) as { erased: number[] }).erased.slice(-2)]).toEqual([0, again]);
    const all = await inputKeys(world, LANE);
    const { origin = '' } = (await world.receipts()).find(({ record }) => record.actionId === ACTION)?.record ?? {};
    keys.push(...again.map((index) => all.get(`${origin}\0${index}`) ?? Buffer.of()));
    await world.expectValid();
  });

  it('is in no snapshot that counts, also when the decider ended before it wrote one: its successor does, before anything else', async () => {
    await world.stop('decider');
    await world.makeAnew('decider-state');
    const topic = world.home.topic('decider-state');
    await world.writer.send(snapshots.map(({ key, value: kept }) => ({ topic, partition: LANE, key, value: kept })));
    expect((await latestSnapshots()).filter((kept) => kept.includes(digest))).not.toEqual([]);
    await world.start('decider', { snapshotEveryEntries: SNAPSHOT_EVERY });
    const left = await until('the successor has written its own', async () => {
      const latest = await latestSnapshots();
      return !latest.some((kept) => kept.includes(digest)) && latest;
    });
    expect(left).toHaveLength(3); // one chunk, its manifest, and where the owner asked the broker for the time
  });

  it('has receipts that verify offline, every one, with nothing but the trust file', async () => {
    const trust = parseTrust((await world.get(`/v1/trust/${TENANT}`)).text);
    const receipts = (await world.read('receipts')).map((record) => codecs.receipt.decode(record.value ?? Buffer.of()));
    const of = receipts.filter(({ actionId }) => actionId === ACTION || actionId === WAITING);
    expect(of).toHaveLength(10);
    for (const { proof, leafIndex } of of) {
      const { statement } = verifyReceipt(proof, { origin: trust.log.name, verifier: trust.log, trust });
      expect((statement as { predicate: { index: string } }).predicate.index).toBe(String(leafIndex));
    }
  });
});

/** What compaction would leave of `decider-state`. */
async function latestSnapshots(): Promise<Buffer[]> {
  const latest = new Map((await world.read('decider-state')).map((record) => [record.key?.toString(), record.value]));
  return [...latest.values()].filter((kept) => kept !== null);
}

describe.skipIf(!canStartBroker)(`once retention and compaction have passed (${NEEDS_JAVA})`, () => {
  it(
    'nothing of it is on any topic, in any snapshot, on the disk, or in the memory of a gateway',
    async () => {
      // Half a second and more: a broker that deletes what it is about to flush shuts itself down.
      const soon = { 'segment.ms': '500', 'file.delete.delay.ms': '2000' };
      const compacted = { ...soon, 'min.cleanable.dirty.ratio': '0', 'delete.retention.ms': '0' };
      await setTopic('input-keys', compacted);
      await setTopic('decider-state', compacted);
      await until(
        'input-keys and decider-state are compacted',
        async () => {
          await others(SNAPSHOT_EVERY);
          return (await topicsWith(world, [digest, ...keys])).length === 0;
        },
        { patienceMs: PATIENCE_MS },
      );
      for (const topic of ['actions', 'outcomes', 'verdicts', 'dead-letters']) {
        await setTopic(topic, { ...soon, 'retention.ms': '1' });
      }
      await until('the inputs are deleted', async () => (await topicsWith(world, MARKERS)).length === 0, { patienceMs: PATIENCE_MS });
      expect(await topicsWith(world, [...MARKERS, digest, ...keys])).toEqual([]);
      await until('their files are deleted', () => filesWith(dataDir, [...MARKERS, digest, ...keys]).length === 0, {
        patienceMs: PATIENCE_MS,
      });
      for (const action of [ACTION, WAITING]) {
        const { code, stdout } = await erase(action, '--status');
        expect([code, stdout]).toEqual([0, expect.stringContaining('nothing holds anything of it any more')]);
      }
      const heap = await gatewayHeap(world.home);
      expect(heap.includes(ACTION)).toBe(true);
      expect(MARKERS.filter((marker) => heap.includes(marker))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('and nothing that was proved is any less so', async () => {
    const { invariants, erased } = await checkLedger(world.home, world.brokers);
    expect(invariants.filter(({ status }) => status === 'violated')).toEqual([]);
    expect(erased).toBe(6);
  });
});

/** Everything in the memory of a gateway that has just read the whole ledger and answered for the action. */
async function gatewayHeap(home: Home): Promise<Buffer> {
  const file = join(dataDir, 'gateway.heapsnapshot');
  const args = [home.folder, world.brokers.join(','), file, `/v1/actions/${ACTION}`, home.token(TENANT) ?? ''];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', './scripts/register.mjs', 'test/spine/gateway-heap.ts', ...args],
    { cwd: ROOT, env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent' } },
  );
  expect(JSON.parse(stdout)).toMatchObject({ id: ACTION, verdict: expect.stringMatching(/ALLOW|DENY/) as unknown });
  return readFileSync(file);
}

/** As an operator would, and no operator should: everything else stays as it is set. */
async function setTopic(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: world.home.topic(name) };
  await withAdmin(world.brokers, async (admin) => {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
    const kept = (resources[0]?.configEntries ?? []).filter((each) => !each.isDefault && !(each.configName in settings));
    const configEntries = [
      ...kept.map((each) => ({ name: each.configName, value: each.configValue })),
      ...Object.entries(settings).map(([name, value]) => ({ name, value })),
    ];
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
  });
}
