import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { FastifyRequest } from 'fastify';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';

import { BrokerUnavailable, type FetchedPartition, type FetchOptions, type KafkaRecord, type LogReader } from '#adapters';
import { MemoryLane } from '#testing';

import { Health } from '../../../kit/src/index.ts';
import { Gate } from '../http/gate.ts';
import { LedgerIndex } from '../index/ledger-index.ts';
import { Follower } from './follower.ts';
import { STALE_MAX_MS } from './freshness.ts';

const bearer = 'cs_secret';
const request = { method: 'GET', headers: { authorization: `Bearer ${bearer}` } } as unknown as FastifyRequest;

/** A ledger on which a token is revoked after many other records. */
function ledgerOf(records: number): Uint8Array[] {
  const lane = MemoryLane.ready();
  const tokenHash = createHash('sha256').update(bearer).digest('hex');
  lane.control('token.issued', 'acme', { token: 't', tokenHash, roles: ['read'], validUntil: '2099-01-01T00:00:00.000Z' });
  for (let at = 0; at < records; at++) lane.propose(`a-${at}`);
  lane.control('token.revoked', 'acme', { revokes: 't' });
  birth = lane.birth;
  return lane.ledger;
}
let birth: MemoryLane['birth'];
let follower: Follower | undefined;
afterEach(() => follower?.close());

type FetchPosition = Parameters<LogReader['fetch']>[0][number];

/** A broker that hands out records only as far as it is told to; `end` is what it says of its log. */
class SlowBroker implements LogReader {
  allowed = 0;
  end = 0n;
  answers = 0;
  constructor(private readonly ledger: readonly Uint8Array[]) {}

  async fetch(positions: readonly FetchPosition[], { signal }: FetchOptions = {}): Promise<FetchedPartition[]> {
    await nextTurn();
    signal?.throwIfAborted();
    this.answers += 1;
    return positions.map(({ topic, partition, offset }) => {
      const upTo = topic === 'ledger' ? this.allowed : 0;
      const records = this.ledger.slice(Number(offset), upTo).map((value, at) => recordAt(offset + BigInt(at), value));
      const end = topic === 'ledger' ? this.end : 0n;
      const offsets = { highWatermark: end, lastStableOffset: end, logStartOffset: 0n };
      return { topic, partition, records, nextOffset: offset + BigInt(records.length), ...offsets };
    });
  }

  endOffsets(partitions: readonly { topic: string; partition: number }[]) {
    return Promise.resolve(
      partitions.map(({ topic, partition }) => {
        const end = topic === 'ledger' ? BigInt(this.allowed) : 0n;
        return { topic, partition, start: 0n, highWatermark: end, lastStable: end };
      }),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves after further answers: whatever is allowed has been folded by then. */
  async answered(): Promise<void> {
    for (const from = this.answers; this.answers < from + 3;) await nextTurn();
  }
}
const recordAt = (offset: bigint, value: Uint8Array): KafkaRecord =>
  ({ offset, value: Buffer.from(value), key: null, headers: {} }) as unknown as KafkaRecord;

it('a token that was revoked behind what a reader has folded is admitted no longer than the bound, although a broker answers all the time', async () => {
  const ledger = ledgerOf(200);
  const broker = new SlowBroker(ledger);
  const known = ledger.length - 201;
  broker.allowed = known;
  broker.end = BigInt(known);
  let nowMs = 0;
  const index = new LedgerIndex(birth);
  const health = new Health();
  const log = pino({ level: 'silent' });
  const openReader = (): Promise<LogReader> => Promise.resolve(broker);
  const monotonicMs = (): number => nowMs;
  const options = { ...{ brokers: [], birth, index, health, log }, topicOf: (name: string) => name, onReceipt: () => undefined };
  follower = new Follower({ ...options, openReader, monotonicMs });
  const gate = new Gate(index, follower, { take: () => undefined }, () => 0);
  const admitted = (): unknown => {
    try {
      gate.admit(request);
      return 'admitted';
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  };
  follower.start();
  while (!follower.isCaughtUp) await nextTurn();
  await broker.answered();
  expect(admitted()).toBe('admitted');

  broker.end = BigInt(ledger.length); // 200 records and the revocation wait, and are handed out one by one
  await broker.answered();
  for (nowMs = 0; nowMs <= STALE_MAX_MS; nowMs += 1000) {
    broker.allowed += 1;
    await broker.answered();
    expect(admitted()).toBe('admitted'); // the revocation may be that young
  }
  broker.allowed += 1;
  await broker.answered();
  expect([admitted(), health.reasons.map(({ code }) => code)]).toEqual(['LAGGING', ['LAGGING']]);

  broker.allowed = ledger.length;
  await broker.answered();
  expect([admitted(), health.reasons]).toEqual(['TOKEN_REVOKED', []]);
});

/** The voids of a lane are read before its first record: by a question for `checkpoints` alone. */
class AwayForVoids extends SlowBroker {
  asked = 0;

  override endOffsets(partitions: readonly { topic: string; partition: number }[]) {
    if (partitions.length > 1) return super.endOffsets(partitions);
    this.asked += 1;
    return this.voids();
  }

  voids(): ReturnType<SlowBroker['endOffsets']> {
    if (this.asked <= 2) return Promise.reject(new BrokerUnavailable('no connection'));
    return super.endOffsets([{ topic: 'checkpoints', partition: 0 }]);
  }
}

/** It has something on `checkpoints`, and never hands it out. */
class SilentAboutVoids extends AwayForVoids {
  override voids(): ReturnType<SlowBroker['endOffsets']> {
    return Promise.resolve([{ topic: 'checkpoints', partition: 0, start: 0n, highWatermark: 1n, lastStable: 1n }]);
  }

  override async fetch(positions: readonly FetchPosition[], options: FetchOptions = {}): Promise<FetchedPartition[]> {
    const { signal } = options;
    if (positions.length > 1 || !signal) return super.fetch(positions, options);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    });
  }
}

function following(broker: SlowBroker): { health: Health; follower: Follower } {
  const health = new Health();
  const given = { brokers: [], birth, index: new LedgerIndex(birth), health, log: pino({ level: 'silent' }) };
  follower = new Follower({
    ...{ ...given, topicOf: (name: string) => name, onReceipt: () => undefined },
    openReader: () => Promise.resolve(broker),
  });
  follower.start();
  return { health, follower };
}

it('a broker that goes away while the voids of a lane are read halts no lane: it is followed when the broker is back', async () => {
  const broker = new AwayForVoids(ledgerOf(5));
  broker.allowed = 5;
  broker.end = 5n;
  const { health, follower: of } = following(broker);
  await expect.poll(() => of.isCaughtUp).toBe(true);
  expect([of.haltOf(0), broker.asked > 2, health.reasons]).toEqual([undefined, true, []]);
});

it('a gateway that is stopped while the voids of a lane are read raises no alarm: its lane is not halted', async () => {
  const broker = new SilentAboutVoids(ledgerOf(5));
  broker.allowed = 5;
  const { health, follower: of } = following(broker);
  await expect.poll(() => broker.asked).toBe(1);
  await of.close();
  expect([of.haltOf(0), health.reasons.map(({ state }) => state)]).toEqual([undefined, ['waiting']]);
});
