/** Snapshots edited by somebody with write access to Kafka: a decider takes over from what is left that proves itself, and from genesis if need be. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { codecs, type KafkaRecord, LaneReader, type OutgoingRecord, type SnapshotManifest, wire } from '#adapters';
import { ed25519PublicKey, sha256 } from '#crypto';
import { decodeState, encodeState, LaneIds, type LaneState, utf8 } from '#domain';

import { CHUNK_BYTES, snapshotRecords } from '../../apps/decider/src/snapshot-records.ts';
import { takeOver, type TakenOver } from '../../apps/decider/src/take-over.ts';
import { client } from '../support/kafka.ts';
import { LANE, type Place, World } from '../support/world.ts';
import { expectSound } from './expect-sound.ts';
import { Trial } from './trial.ts';

/** Entries: two snapshots of the lane are there after a few proposals. */
const SNAPSHOT_EVERY = 4;
/** Unit ms. Several times what it takes on a busy machine. */
const TIMEOUT_MS = 60_000;
const TOPIC = 'decider-state';
const trial = new Trial('ledger', 'a snapshot edited');
const places: Place[] = [];
let world: World;
let reader: LaneReader;
/** What a decider wrote: an older snapshot, and a newer one in the other slot. */
let older: Snapshot;
let newer: Snapshot;
let now: TakenOver;

interface Snapshot {
  readonly manifest: SnapshotManifest;
  readonly chunk: Uint8Array;
}

beforeAll(async () => {
  world = await World.open(inject('brokers'), 'snapshots');
  await world.stop('decider');
  await world.start('decider', { snapshotEveryEntries: SNAPSHOT_EVERY });
  reader = await LaneReader.open(client(world.brokers));
  for (let number = 0; number < 3 * SNAPSHOT_EVERY; number++) await propose();
  await world.stop('decider');
  const written = snapshotsIn(await world.read(TOPIC));
  [older, newer] = written.slice(-2) as [Snapshot, Snapshot];
  expect(older.manifest.slot).not.toBe(newer.manifest.slot);
  now = await takenOver();
  expect(now.snapshotSeq).toBe(newer.manifest.laneSeq);
}, 120_000);
afterAll(async () => {
  await reader.close();
  await world.close();
});

async function propose(): Promise<void> {
  const place = await world.propose();
  places.push(place);
  await world.receiptOf(place);
}

/** In the order in which they were written: a manifest comes after its chunks, and here there is one chunk. */
function snapshotsIn(records: readonly KafkaRecord[]): Snapshot[] {
  const chunks = new Map<number, Uint8Array>();
  const found: Snapshot[] = [];
  for (const { key, value } of records) {
    if (value === null) continue;
    if (key?.toString().startsWith('chunk.')) {
      const chunk = codecs.snapshotChunk.decode(value);
      chunks.set(chunk.slot, chunk.bytes);
    } else if (key?.toString().startsWith('manifest.')) {
      const manifest = codecs.snapshotManifest.decode(value);
      expect(manifest.chunks).toBe(1);
      found.push({ manifest, chunk: chunks.get(manifest.slot) ?? new Uint8Array(0) });
    }
  }
  return found;
}

/** As a decider that starts now would; `topic` in place of its snapshots. */
function takenOver(topic = TOPIC): Promise<TakenOver> {
  return takeOver({
    ...{ reader, birth: world.home.birth(), lane: LANE, wire, signal: new AbortController().signal, onProgress: () => undefined },
    sealers: [ed25519PublicKey(world.home.key('decider'))],
    topicName: (name) => world.home.topic(name === TOPIC ? topic : name),
  });
}

/** The topic as compaction would leave it: exactly these records. */
async function replaceWith(records: readonly OutgoingRecord[]): Promise<void> {
  await world.makeAnew(TOPIC);
  await world.writer.send(records);
}

function recordsOf({ manifest, chunk }: Snapshot): OutgoingRecord[] {
  const { slot } = manifest;
  const at = { topic: world.home.topic(TOPIC), partition: LANE };
  return [
    { ...at, key: Buffer.from(`chunk.${slot}.0`), value: codecs.snapshotChunk.encode({ lane: LANE, slot, chunk: 0, bytes: chunk }) },
    { ...at, key: Buffer.from(`manifest.${slot}`), value: codecs.snapshotManifest.encode(manifest) },
  ];
}

const withManifest = ({ manifest, chunk }: Snapshot, change: Partial<SnapshotManifest>): Snapshot => ({
  manifest: { ...manifest, ...change },
  chunk,
});

/** The lane as an attacker wants it: everybody's id is forgotten, so that what was decided would be decided again. */
function forged({ chunk }: Snapshot): Uint8Array {
  const state = decodeState(chunk, world.home.birth(), LANE);
  state.ids = new LaneIds();
  const bytes = encodeState(state);
  expect(Buffer.from(bytes).equals(chunk)).toBe(false);
  return bytes;
}

/** A snapshot of this state as a decider with that key writes it, of the ledger record at that offset. */
function made(state: LaneState, deciderSeed: Uint8Array, { ledgerOffset, lastRecord }: { ledgerOffset: bigint; lastRecord: Uint8Array }) {
  const { slot, inputKeysOffset } = newer.manifest;
  const facts = { lane: LANE, laneSeq: state.heads.nextSeq, bytes: encodeState(state) };
  const snapshot = { ...facts, ledgerOffset, lastRecord, inputKeysOffset: BigInt(inputKeysOffset), deciderSeed };
  return snapshotRecords(snapshot, slot, world.home.topic(TOPIC), CHUNK_BYTES);
}

async function lastOfLedger(): Promise<{ ledgerOffset: bigint; lastRecord: Uint8Array }> {
  const record = (await world.read('ledger')).at(-1);
  return { ledgerOffset: record?.offset ?? 0n, lastRecord: record?.value ?? new Uint8Array(0) };
}

const OTHER = 'the other slot';
const GENESIS = 'genesis';

/** What somebody puts on the topic, and what a decider then starts from. */
const EDITS: readonly [what: string, records: () => OutgoingRecord[] | Promise<OutgoingRecord[]>, from: typeof OTHER | typeof GENESIS][] = [
  ['another state, its digest in the manifest made to fit', () => [...recordsOf(older), ...recordsOf(withState(newer))], OTHER],
  ['another state, the manifest left as it is', () => [...recordsOf(older), ...recordsOf({ ...newer, chunk: forged(newer) })], OTHER],
  [
    'another state, signed with another key',
    async () => [...recordsOf(older), ...made(stateForgotten(), sha256(utf8('a stranger')), await lastOfLedger())],
    OTHER,
  ],
  ['a manifest that names another offset', () => [...recordsOf(older), ...recordsOf(withManifest(newer, elsewhere(newer)))], OTHER],
  ['a manifest that names a later record', () => [...recordsOf(older), ...recordsOf(withManifest(newer, { laneSeq: 2 ** 40 }))], OTHER],
  [
    'a manifest by the decider itself that names a record which the ledger does not hold there',
    async () => {
      const { ledgerOffset } = await lastOfLedger();
      const { value } = (await world.read('ledger'))[0] ?? { value: null };
      return [...recordsOf(older), ...made(now.state, world.home.key('decider'), { ledgerOffset, lastRecord: value ?? utf8('') })];
    },
    OTHER,
  ],
  ['an older snapshot put back in both slots', () => [...recordsOf(older), ...recordsOf(inSlot(older, newer.manifest.slot))], OTHER],
  ['the newer manifest over the older chunk', () => [...recordsOf(older), ...recordsOf({ ...newer, chunk: older.chunk })], OTHER],
  ['a chunk missing', () => [...recordsOf(older), ...recordsOf(newer).slice(1)], OTHER],
  ['a chunk missing in each slot', () => [...recordsOf(older).slice(1), ...recordsOf(newer).slice(1)], GENESIS],
  [
    'a manifest that says it has 2^31 chunks',
    () => [...recordsOf(older), ...recordsOf(withManifest(newer, { chunks: 2 ** 31 - 1 }))],
    OTHER,
  ],
  [
    'both signatures changed',
    () => [older, newer].flatMap((each) => recordsOf(withManifest(each, { signature: new Uint8Array(64) }))),
    GENESIS,
  ],
  ['noise', () => recordsOf(newer).map((record) => ({ ...record, value: Buffer.from('noise') })), GENESIS],
];

const withState = (snapshot: Snapshot): Snapshot => {
  const chunk = forged(snapshot);
  return { chunk, manifest: { ...snapshot.manifest, sha256: sha256(chunk) } };
};
const elsewhere = ({ manifest }: Snapshot): Partial<SnapshotManifest> => ({ ledgerOffset: manifest.ledgerOffset - 1 });
const inSlot = (snapshot: Snapshot, slot: number): Snapshot => withManifest(snapshot, { slot });

function stateForgotten(): LaneState {
  const state = decodeState(encodeState(now.state), world.home.birth(), 0);
  state.ids = new LaneIds();
  return state;
}

describe('snapshots that somebody edited', () => {
  it.each(EDITS)(
    '%s: the lane is the one of the ledger, from what proves itself',
    async (_, records, from) => {
      await replaceWith(await records());
      const { state, snapshotSeq } = await takenOver();
      expect(snapshotSeq).toBe(from === OTHER ? older.manifest.laneSeq : 0);
      const fromGenesis = await takenOver('outcomes'); // no snapshot is there
      expect(fromGenesis.snapshotSeq).toBe(0);
      expect(Buffer.from(encodeState(state)).equals(encodeState(fromGenesis.state))).toBe(true);
      trial.tried().saw(`taken over from ${from}`);
    },
    TIMEOUT_MS,
  );

  it(
    'a decider goes on after all of it, and its ledger is sound',
    async () => {
      await replaceWith([...recordsOf(withState(older)), ...recordsOf(withState(newer))]);
      await world.start('decider', { snapshotEveryEntries: SNAPSHOT_EVERY });
      for (let number = 0; number <= SNAPSHOT_EVERY; number++) await propose();
      await world.stop('decider');
      expect((await takenOver()).snapshotSeq).toBeGreaterThan(newer.manifest.laneSeq); // its own, written since
      const acked = places.map(({ lane, offset }) => ({ topic: 'actions' as const, partition: lane, offset, isProposal: true }));
      await expectSound(world.home, world.brokers, acked, trial);
    },
    TIMEOUT_MS,
  );
});
