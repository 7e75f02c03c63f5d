import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, describe, expect, it } from 'vitest';

import { type LaneLog, silentLog, wire } from '#adapters';
import { formatTime, parseStatement, type Predicate } from '#domain';
import { FakeEngine, LANE_START_MS, MemoryLane, memoryLaneLog, newBroker, noRefusals, promptNetwork, type Signing } from '#testing';

import { LaneDecider } from './lane-decider.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** One lane on a broker in memory, with clocks that a test sets: the broker's, its owner's wall clock, and true time. */
class ClockedLane {
  readonly signing = MemoryLane.ready();
  /** Unit ms, since the lane's start; and how far the two clocks are ahead of it. */
  trueMs = 0;
  brokerAheadMs = 0;
  wallAheadMs = 0;
  readonly #startedMs = performance.now();
  readonly broker = newBroker(() => this.#trueNow() + this.brokerAheadMs);
  readonly said: { facts: object; message: string }[] = [];
  #letGo = new AbortController();
  #run: Promise<unknown> = Promise.resolve();
  /** Called with the topics of each transaction before it goes out. */
  beforeCommit: (topics: readonly string[]) => void = () => undefined;

  constructor() {
    for (const value of this.signing.inputs.controls) this.#append('controls', value);
  }

  propose(id: string, { expiresInMs, ...more }: Partial<Signing> & { readonly expiresInMs?: number } = {}): void {
    const issuedAtMs = this.#trueNow();
    const times = { issuedAtMs, ...(expiresInMs === undefined ? {} : { expiresAtMs: issuedAtMs + expiresInMs }) };
    this.#append('actions', this.signing.sign({ kind: 'action.proposed', id, body: NOTE, ...times, ...more }));
  }

  control(kind: Signing['kind'], body: object, more: Partial<Signing> = {}): void {
    this.#append(
      'controls',
      this.signing.sign({ kind, body, issuedAtMs: this.#trueNow(), expiresAtMs: this.#trueNow() + HOUR_MS, ...more }),
    );
  }

  /** As LaneStrategy: taken over again after each fault, until the test ends. */
  own(): this {
    const log = memoryLaneLog(this.broker, promptNetwork(this.broker));
    const laneLog: LaneLog = {
      ...log,
      openWriter: async (options) => {
        const writer = await log.openWriter(options);
        return {
          commit: (records, ...rest) => {
            this.beforeCommit([...new Set(records.map(({ topic }) => topic))]);
            return writer.commit(records, ...rest);
          },
          expectOwner: () => writer.expectOwner(),
          close: () => writer.close(),
        };
      },
    };
    const note = (facts: object, message: string): void => void this.said.push({ facts, message });
    const decider = new LaneDecider({
      ...{ laneLog, wire, birth: this.signing.birth, topicPrefix: '', deciderSeed: this.signing.parties.seedOf('decider') },
      ...{ engine: new FakeEngine(), log: { ...silentLog, error: note, warn: note }, checkBundle: noRefusals, onBatch: () => undefined },
      nowMs: () => this.#trueNow() + this.wallAheadMs,
      monotonicMs: () => this.#trueNow(),
      pause: (ms) => delay(ms),
      sleep: () => delay(1),
    });
    this.#letGo = new AbortController();
    const { signal } = this.#letGo;
    this.#run = (async () => {
      while (!signal.aborted)
        await decider.run({ lane: 0, signal, ready: () => undefined }).catch((error: unknown) => {
          note({}, String(error));
        });
    })();
    return this;
  }

  async letGo(): Promise<void> {
    this.#letGo.abort(new Error('the test ends'));
    await this.#run;
  }

  get decided(): Predicate[] {
    const { records } = this.broker.partition({ topic: 'ledger', partition: 0 }).read(0n, Infinity, 'committed');
    return records.map(({ value }) => parseStatement(wire.decodeRecord(value ?? new Uint8Array()).entry).statement.predicate);
  }

  verdictOf(index: number): string | undefined {
    const actions = this.decided.filter(({ verdict }) => verdict !== undefined);
    const [found] = actions.slice(index);
    return found && `${found.verdict ?? ''} ${(found['reasons'] as string[]).join()}`;
  }

  #trueNow(): number {
    return LANE_START_MS + this.trueMs + Math.floor(performance.now() - this.#startedMs);
  }

  #append(topic: string, value: Uint8Array | null): void {
    this.broker.append({ topic, partition: 0, key: null, value: value && Buffer.from(value) });
  }
}

const NOTE = {
  ...{ actor: { kind: 'agent', id: 'bot' }, class: 'note', operation: 'write' },
  ...{ parameters: {}, resource: { type: 'thing', id: 'low' } },
};

let lane: ClockedLane | undefined;
const started = (set: (of: ClockedLane) => void): ClockedLane => {
  lane = new ClockedLane();
  set(lane);
  return lane.own();
};
afterEach(() => lane?.letGo());

describe('a decider whose wall clock is 95 s behind', () => {
  it('allows nothing that expired 82 s ago, however often it takes the lane over', async () => {
    const of = started((world) => {
      world.propose('late', { expiresInMs: 20_000 });
      world.trueMs = 102_000;
      world.wallAheadMs = -95_000;
    });
    await expect.poll(() => of.said.some(({ facts }) => 'code' in facts && facts.code === 'CLOCK')).toBe(true);
    expect(of.decided).toEqual([]);
    of.wallAheadMs = 0;
    await expect.poll(() => of.verdictOf(0)).toBe('DENY DENY_EXPIRED');
  });
});

describe('a decider whose wall clock is an hour ahead', () => {
  it('lets no action through a stop that ends in 30 minutes', async () => {
    const of = started((world) => {
      const until = formatTime(LANE_START_MS + 30 * MINUTE_MS);
      world.control('freeze.raised', { level: 'stop', scope: { kind: 'all' }, why: 'incident 7', by: 'ana', until });
    });
    await expect.poll(() => of.decided.some(({ freeze }) => freeze !== undefined)).toBe(true);
    await of.letGo();
    of.wallAheadMs = HOUR_MS;
    of.propose('through', { expiresInMs: 2 * HOUR_MS });
    of.own();
    await expect.poll(() => of.said.some(({ facts }) => 'code' in facts && facts.code === 'CLOCK')).toBe(true);
    expect(of.verdictOf(0)).toBeUndefined();
  });
});
