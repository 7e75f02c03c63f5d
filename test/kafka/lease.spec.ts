import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, expect, inject, it } from 'vitest';
import { connectionConfig, LaneLeases, LaneReader } from '../../libs/adapters/src/kafka/index.ts';
import { kafkajs } from '../../libs/adapters/src/kafka/patch.ts';
import { isLocal, NEEDS_LOCAL, UnsureNetwork } from '../support/unsure-network.ts';
import { client, createTopic, readAll, texts, unique, until, withAdmin } from '../support/kafka.ts';

const brokers = inject('brokers');
/** The shortest that the broker allows, so that a dead member costs little. */
const SHORT = { sessionTimeout: 1500, heartbeatInterval: 300, rebalanceTimeout: 3000, giveUpBackoff: 50 };
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Member {
  leases: LaneLeases;
  begun: number[];
  ended: number[];
  fatal: Error[];
}

function join(groupId: string, topic: string, lanes: number, through = brokers): Member {
  const member = { begun: [] as number[], ended: [] as number[], fatal: [] as Error[] };
  const leases = LaneLeases.start({
    ...client(through),
    ...SHORT,
    groupId,
    topic,
    lanes,
    onAssigned: async (lane, signal) => {
      member.begun.push(lane);
      await new Promise((done) => {
        signal.addEventListener('abort', done);
      });
      member.ended.push(lane);
    },
    onFatal: (error) => member.fatal.push(error),
  });
  cleanups.push(() => leases.close());
  return { leases, ...member };
}

/** A lane owner in a process of its own, which can be killed and paused. */
function owner(groupId: string, topic: string, name: string) {
  const script = new URL('./lane-owner.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, JSON.stringify({ brokers, groupId, topic, lanes: 1, name })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => events.push((JSON.parse(line) as { event: string }).event));
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return { child, events };
}

it('hands all lanes to the only member, shares them with a second, and gives them back when it leaves', async () => {
  const topic = await createTopic(brokers, unique('lanes'), 4);
  const groupId = unique('group');
  const first = join(groupId, topic, 4);
  await until('the first member has every lane', () => first.leases.lanes.length === 4);
  const second = join(groupId, topic, 4);
  await until('each has two', () => first.leases.lanes.length === 2 && second.leases.lanes.length === 2);
  expect([...first.leases.lanes, ...second.leases.lanes].sort()).toEqual([0, 1, 2, 3]);
  // The lanes that stayed were not interrupted.
  expect(first.begun.sort()).toEqual([0, 1, 2, 3]);
  await until('the lanes that left have ended', () => first.ended.length === 2);
  await second.leases.close();
  await until('the first has every lane again', () => first.leases.lanes.length === 4);
  expect([...first.fatal, ...second.fatal]).toEqual([]);
});

it.each(['000000', '000000000000ffffffff', ''])('gives no lane to a stranger in its group, who says 0x%s, and goes on', async (said) => {
  const topic = await createTopic(brokers, unique('lanes'), 2);
  const groupId = unique('group');
  const member = join(groupId, topic, 2);
  await until('both lanes run', () => member.begun.length === 2);
  const joined = await strangerIn(groupId, topic, Buffer.from(said, 'hex'));
  await until('the stranger has joined', joined);
  await until('both lanes run', () => member.leases.lanes.length === 2);
  expect([...member.fatal, ...member.ended]).toEqual([]);
});

/** A consumer of another program, under the name of our protocol. Resolves with whether it is a member. */
async function strangerIn(groupId: string, topic: string, metadata: Buffer): Promise<() => boolean> {
  const name = 'countersign-lanes';
  const protocol = () => ({ name, metadata });
  const consumer = new kafkajs.Kafka(connectionConfig(client(brokers))).consumer({
    groupId,
    partitionAssigners: [() => ({ name, version: 0, protocol, assign: () => Promise.resolve([]) })],
  });
  let joined = false;
  consumer.on('consumer.group_join', () => (joined = true));
  cleanups.push(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ eachMessage: () => Promise.resolve() });
  return () => joined;
}

it.skipIf(!isLocal(brokers))(
  `runs its lanes again when answers came too late for the session, though the group never knew (${NEEDS_LOCAL})`,
  async () => {
    const groupId = unique('group');
    const network = await UnsureNetwork.open(brokers[0] ?? '', (request) => {
      waitLonger(request, groupId);
    });
    cleanups.push(() => network.close());
    const topic = await createTopic(brokers, unique('lanes'), 2);
    const member = join(groupId, topic, 2, [network.address]);
    await until('both lanes run', () => member.begun.length === 2);
    network.hold();
    await until('both lanes end, as no answer has come', () => member.ended.length === 2);
    network.release();
    await until('both lanes run again', () => member.begun.length === 4);
    expect(member.leases.lanes).toEqual([0, 1]);
    expect(member.fatal).toEqual([]);
  },
);

/** A broker is late to end a session, or early, as clocks and threads have it; here it gives this group's members a minute. */
function waitLonger(request: Buffer, groupId: string): void {
  const asked = Buffer.concat([Buffer.from(groupId), int32(SHORT.sessionTimeout)]);
  const at = request.indexOf(asked);
  if (at >= 0) int32(60_000).copy(request, at + groupId.length);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

it('runs a lane that was given up again only after a new join', async () => {
  const topic = await createTopic(brokers, unique('lanes'), 2);
  const member = join(unique('group'), topic, 2);
  await until('both lanes run', () => member.begun.length === 2);
  member.leases.giveUp(1);
  expect(member.leases.lanes).toEqual([0]);
  await until('lane 1 runs again', () => member.begun.length === 3);
  expect(member.begun[2]).toBe(1);
  expect(member.ended).toEqual([1]);
});

it('ends with a fatal error when a lane fails, and ends every other lane', async () => {
  const topic = await createTopic(brokers, unique('lanes'), 2);
  const fatal: Error[] = [];
  const signals: AbortSignal[] = [];
  const leases = LaneLeases.start({
    ...client(brokers),
    ...SHORT,
    groupId: unique('group'),
    topic,
    lanes: 2,
    onAssigned: (lane, signal) => {
      signals.push(signal);
      if (lane === 1) throw new TypeError('a defect');
    },
    onFatal: (error) => fatal.push(error),
  });
  cleanups.push(() => leases.close());
  await until('it is reported', () => fatal.length > 0);
  expect(fatal[0]?.message).toBe('a defect');
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});

it('reports settings that the group refuses, instead of trying for ever', async () => {
  const topic = await createTopic(brokers, unique('lanes'));
  const fatal: Error[] = [];
  const options = { ...client(brokers), ...SHORT, sessionTimeout: 10, groupId: unique('group'), topic, lanes: 1 };
  const leases = LaneLeases.start({ ...options, onAssigned: () => undefined, onFatal: (error) => fatal.push(error) });
  cleanups.push(() => leases.close());
  await until('it is reported', () => fatal.length > 0);
});

it('moves a lane from a process that was killed', async () => {
  const topic = await createTopic(brokers, unique('lane'));
  const groupId = unique('group');
  const first = owner(groupId, topic, 'first');
  await until('the first owner commits', () => first.events.includes('committed'));
  const second = owner(groupId, topic, 'second');
  await until('the second owner is in the group', () => groupSize(groupId, 2));
  const holder = first.events.at(-1) === 'committed' && !second.events.includes('begins') ? first : second;
  const heir = holder === first ? second : first;
  holder.child.kill('SIGKILL');
  const before = heir.events.length;
  await until('the other takes over', () => heir.events.slice(before).includes('committed'));
});

it('takes over from a paused owner, which is fenced when it wakes up and writes nothing more', async () => {
  const topic = await createTopic(brokers, unique('lane'));
  const groupId = unique('group');
  const paused = owner(groupId, topic, 'paused');
  await until('the owner commits', () => paused.events.includes('committed'));
  paused.child.kill('SIGSTOP');
  const heir = owner(groupId, topic, 'heir');
  await until('the heir commits', () => heir.events.includes('committed'));
  paused.child.kill('SIGCONT');
  await until('the paused owner notices', () => paused.events.includes('ends'));
  await until('the heir is still at work', () => heir.events.length > 3);

  const reader = await LaneReader.open(client(brokers));
  cleanups.push(() => reader.close());
  const names = texts(await readAll(reader, topic));
  const handover = names.indexOf('heir');
  expect(handover).toBeGreaterThan(0);
  expect(names.slice(0, handover).every((name) => name === 'paused')).toBe(true);
  expect(names.slice(handover).every((name) => name === 'heir')).toBe(true);
});

const groupSize = (groupId: string, size: number): Promise<boolean> =>
  withAdmin(brokers, async (admin) => (await admin.describeGroups([groupId])).groups[0]?.members.length === size);
