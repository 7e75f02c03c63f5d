import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { codecs, type FetchedPartition, type FetchOptions, type KafkaRecord, LockedError, type LogReader } from '#adapters';
import { attest, MemoryLane } from '#testing';

import { Health } from '../../../kit/src/index.ts';
import { IndexStore } from '../index/index-store.ts';
import { LedgerIndex } from '../index/ledger-index.ts';
import { Follower } from './follower.ts';

const bearer = 'cs_secret';
const SECRET = 'a parameter that no index may hold';

function aLane(seed = 'resume'): MemoryLane {
  const lane = MemoryLane.ready(['acme'], { seed });
  const tokenHash = createHash('sha256').update(bearer).digest('hex');
  lane.control('token.issued', 'acme', { token: 't', tokenHash, roles: ['read'], validUntil: '2099-01-01T00:00:00.000Z' });
  for (let at = 0; at < 20; at++) lane.propose(`a-${at}`, { parameters: { text: SECRET } });
  return lane;
}

type Topic = 'ledger' | 'receipts' | 'checkpoints';
type Position = Parameters<LogReader['fetch']>[0][number];

/** Lane 0 of the three topics, as far as its ledger is shown. */
class Broker implements LogReader {
  readonly fetched: string[] = [];
  #topics: Record<Topic, readonly Uint8Array[]> = { ledger: [], receipts: [], checkpoints: [] };

  /** `more`: behind what the lane has made. */
  constructor(lane: MemoryLane, { shown = Infinity, more = [] }: { readonly shown?: number; readonly more?: readonly Uint8Array[] } = {}) {
    const { receipts, heads } = attest(lane, lane.parties.keys);
    const origins = new Map([...lane.state.heads.trees.values()].map(({ tenant, origin }) => [tenant, origin]));
    const next = new Map<string, number>();
    this.#topics = {
      ledger: [...lane.ledger.slice(0, shown), ...more],
      receipts: receipts.map(({ tenant, proof }) => {
        const leafIndex = next.get(tenant) ?? 0;
        next.set(tenant, leafIndex + 1);
        const origin = origins.get(tenant) ?? '';
        return codecs.receipt.encode({ tenant, origin, leafIndex, treeSize: leafIndex + 1, actionId: '', kind: '', proof });
      }),
      checkpoints: heads.map(({ origin, checkpoint }) =>
        codecs.treeHead.encode({
          ...{ origin, checkpoint, tenant: '', size: 0, rangeHashes: [], previous: new Uint8Array(32), lane: 0 },
          successor: null,
        }),
      ),
    };
    if (shown < Infinity) this.#topics = { ...this.#topics, receipts: [], checkpoints: [] };
  }

  async fetch(positions: readonly Position[], { signal }: FetchOptions = {}): Promise<FetchedPartition[]> {
    await nextTurn();
    signal?.throwIfAborted();
    return positions.map(({ topic, partition, offset }) => {
      const all = this.#topics[topic as Topic];
      const records = all.slice(Number(offset)).map((value, at) => recordAt(topic, offset + BigInt(at), value));
      this.fetched.push(...records.map((record) => `${topic} ${record.offset}`));
      const ends = { highWatermark: BigInt(all.length), lastStableOffset: BigInt(all.length), logStartOffset: 0n };
      return { topic, partition, records, nextOffset: offset + BigInt(records.length), ...ends };
    });
  }

  endOffsets(partitions: readonly { topic: string; partition: number }[]) {
    const endOf = (topic: string): bigint => BigInt(this.#topics[topic as Topic].length);
    return Promise.resolve(
      partitions.map(({ topic, partition }) => ({ topic, partition, start: 0n, highWatermark: endOf(topic), lastStable: endOf(topic) })),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
const recordAt = (topic: string, offset: bigint, value: Uint8Array): KafkaRecord =>
  ({ topic, partition: 0, offset, value: Buffer.from(value), key: null, headers: {} }) as unknown as KafkaRecord;

let folder: string;
let running: Follower | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-index-'));
});
afterEach(async () => {
  await running?.close();
  rmSync(folder, { recursive: true });
});

async function follow(
  lane: MemoryLane,
  broker: LogReader,
  birth = 'birth',
): Promise<{ index: LedgerIndex; health: Health; follower: Follower }> {
  const index = new LedgerIndex(lane.birth, undefined, new IndexStore({ folder, birth }));
  const health = new Health();
  const follower = new Follower({
    ...{ brokers: [], birth: lane.birth, index, health, log: pino({ level: 'silent' }) },
    ...{ topicOf: (name: string) => name, onReceipt: () => undefined },
    openReader: () => Promise.resolve(broker),
  });
  running = follower;
  follower.start();
  await expect.poll(() => follower.isCaughtUp || follower.haltOf(0) !== undefined).toBe(true);
  return { index, health, follower };
}

/** Everything that callers are answered from, of one action. */
function answersOf(index: LedgerIndex) {
  const found = index.actions.find('acme', 'a-7');
  const { tokens, entries, logs, actions } = index;
  const sizes = [entries.size, actions.size, entries.treeSize('acme'), entries.nextSlot];
  const key = entries.waitKeyOf(found?.decision ?? -1);
  return { found: entries.get(found?.decision ?? -1), key, sizes, token: tokens.check(bearer, 0), checkpoint: logs.checkpoint('acme') };
}

const file = (): string => join(folder, 'gateway-index.db');
function change(sql: string, ...values: string[]): void {
  const db = new DatabaseSync(file());
  db.prepare(sql).run(...values);
  db.close();
}

describe('an index that is kept in a file', () => {
  it('goes on from where it was stored: the next start fetches nothing from before, and answers the same', async () => {
    const lane = aLane();
    const first = await follow(lane, new Broker(lane));
    const before = answersOf(first.index);
    expect(before.found?.receiptOffset).toBeDefined();
    await first.follower.close();
    const count = lane.ledger.length;
    lane.propose('later');
    const broker = new Broker(lane);
    const { index, health } = await follow(lane, broker);
    expect(broker.fetched.filter((each) => each.startsWith('ledger'))).toEqual(
      lane.ledger.slice(count).map((_, at) => `ledger ${count + at}`),
    );
    const { sizes, checkpoint, ...after } = answersOf(index);
    expect(after).toEqual({ found: before.found, key: before.key, token: before.token });
    expect(sizes.map((size, at) => size - (before.sizes[at] ?? 0))).toEqual([1, 1, 1, 1]);
    expect([checkpoint?.size, health.reasons]).toEqual([(before.checkpoint?.size ?? 0n) + 1n, []]);
    expect(index.entries.get(index.actions.find('acme', 'later')?.decision ?? -1)?.receiptOffset).toBeDefined();
  });

  it('goes on behind the last whole batch when it was stopped within one', async () => {
    const lane = aLane();
    const shown = lane.ledger.length;
    lane.batch([1, 2, 3].map((at) => ({ topic: 'actions', value: lane.proposal(`b-${at}`) })));
    const stopped = await follow(lane, new Broker(lane, { shown: shown + 2 }));
    await stopped.follower.close();
    const { index, follower } = await follow(lane, new Broker(lane));
    expect([follower.haltOf(0), follower.rebuilds, index.entries.size]).toEqual([undefined, 0, lane.ledger.length]);
  });

  it('holds nothing of an input', async () => {
    const lane = aLane();
    const { follower } = await follow(lane, new Broker(lane));
    await follower.close();
    expect(readFileSync(file()).includes('a-7')).toBe(true);
    expect(readFileSync(file()).includes(SECRET)).toBe(false);
  });

  it('belongs to one process', () => {
    const store = new IndexStore({ folder, birth: 'birth' });
    expect(() => new IndexStore({ folder, birth: 'birth' })).toThrow(LockedError);
    store.close();
    new IndexStore({ folder, birth: 'birth' }).close();
  });
});

describe('an index file that does not fit is deleted and made again from the ledger:', () => {
  async function rebuilt(spoil: () => void, lane = aLane(), now = lane, birth = 'birth') {
    const first = await follow(lane, new Broker(lane));
    const before = answersOf(first.index);
    await first.follower.close();
    spoil();
    const broker = new Broker(now);
    const { index, follower, health } = await follow(now, broker, birth);
    await expect.poll(() => follower.isCaughtUp).toBe(true);
    return { before, after: answersOf(index), first: broker.fetched.includes('ledger 0'), halt: follower.haltOf(0), health };
  }

  it.each([
    [
      'of another version',
      () => {
        change("update kept set value = '0' where key = 'version'");
      },
    ],
    [
      'that is no database',
      () => {
        writeFileSync(file(), 'no database at all, but long enough to be looked at as one'.repeat(100));
      },
    ],
    [
      'with a head that its log did not sign',
      () => {
        change('update kept set value = replace(value, \'"peaks":["\', \'"peaks":["00\') where key like \'head/0/acme\'');
      },
    ],
    [
      'with another sequence than the ledger has next',
      () => {
        change("update kept set value = '3' where key = 'position/ledger/0'");
      },
    ],
  ])('%s', async (_, spoil) => {
    const { before, after, first, halt } = await rebuilt(spoil);
    expect([after, first, halt]).toEqual([before, true, undefined]);
  });

  it('of another ledger', async () => {
    const { before, after, first } = await rebuilt(() => undefined, aLane(), aLane(), 'another birth');
    expect([after, first]).toEqual([before, true]);
  });

  it('while a ledger that is broken halts its lane all the same, and does so at once at the next start', async () => {
    const lane = aLane();
    const first = await follow(lane, new Broker(lane));
    await first.follower.close();
    const broken = { more: lane.ledger.slice(3, 4) };
    const second = await follow(lane, new Broker(lane, broken));
    await expect.poll(() => second.follower.haltOf(0)).toBe('SEQUENCE');
    expect(second.follower.rebuilds).toBe(1);
    await second.follower.close();
    const third = await follow(lane, new Broker(lane, broken));
    expect([third.follower.haltOf(0), third.follower.rebuilds]).toEqual(['SEQUENCE', 0]);
    expect(existsSync(file())).toBe(true);
  });
});
