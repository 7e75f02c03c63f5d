import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, describe, expect, it } from 'vitest';

import { type LaneLog, silentLog, wire } from '#adapters';
import { formatTime, parseStatement, type Predicate } from '#domain';
import { FakeEngine, LANE_START_MS, MemoryLane, memoryLaneLog, newBroker, noRefusals, promptNetwork, type Signing } from '#testing';

import { LaneDecider } from './lane-decider.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One lane on a broker in memory, with clocks that a test sets: the broker's, its owner's wall clock, and true time. */
class ClockedLane {
  readonly signing = MemoryLane.ready();
  /** Unit ms, since the lane's start; and how far the two clocks are ahead of it. */
  trueMs = 0;
  brokerAheadMs = 0;
  wallAheadMs = 0;
  readonly #startedMs = performance.now();
  readonly broker = newBroker(() => this.#trueNow() + this.brokerAheadMs);
  /** As health says it. */
  held: string | undefined;
  whenHeld: () => void = () => undefined;
  readonly said: { facts: object; message: string }[] = [];
  #letGo = new AbortController();
  #run: Promise<unknown> = Promise.resolve();
  /** Called with the topics of each transaction before it goes out. */
  beforeCommit: (topics: readonly string[]) => void = () => undefined;

  constructor() {
    for (const value of this.signing.inputs.controls) this.#append('controls', value);
  }

  /** `aheadMs`: the sender's clock. */
  propose(id: string, { expiresInMs = 5 * MINUTE_MS, aheadMs = 0 } = {}): void {
    const issuedAtMs = this.#trueNow() + aheadMs;
    const times = { issuedAtMs, expiresAtMs: issuedAtMs + expiresInMs };
    this.#append('actions', this.signing.sign({ kind: 'action.proposed', id, body: NOTE, ...times }));
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
      onClock: (_, report) => {
        this.held = report?.held;
        if (this.isHeld) this.whenHeld();
      },
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
    return this.#ledger.map(({ value }) => parseStatement(wire.decodeRecord(value ?? new Uint8Array()).entry).statement.predicate);
  }

  get alarms(): unknown[] {
    return this.said.flatMap(({ facts }) => ('alarm' in facts && 'code' in facts ? [facts.code] : []));
  }

  /** When each entry was decided, and appended. */
  get dates(): { decidedAtMs: number; appendedAtMs: number }[] {
    return this.#ledger.map(({ timestampMs }, at) => ({
      decidedAtMs: Date.parse(this.decided[at]?.decidedAt ?? ''),
      appendedAtMs: timestampMs,
    }));
  }

  /** Resolves once the broker was asked for its time so many more times. */
  async asked(times: number): Promise<void> {
    const asked = (): bigint => this.broker.partition({ topic: 'decider-state', partition: 0 }).highWatermark;
    const from = asked();
    await expect.poll(asked).toBeGreaterThanOrEqual(from + BigInt(2 * times));
  }

  get isHeld(): boolean {
    return this.held !== undefined;
  }

  verdictOf(index: number): string | undefined {
    const actions = this.decided.filter(({ verdict }) => verdict !== undefined);
    const [found] = actions.slice(index);
    return found && `${found.verdict ?? ''} ${(found['reasons'] as string[]).join()}`;
  }

  get #ledger() {
    return this.broker.partition({ topic: 'ledger', partition: 0 }).read(0n, Infinity, 'committed').records;
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
    await expect.poll(() => of.alarms).toEqual(['CLOCK']);
    expect(of.held).toContain("this host's clock is 95.0 s behind the broker's, more than 5 s");
    expect(of.decided).toEqual([]);
    of.wallAheadMs = 0;
    await expect.poll(() => of.verdictOf(0)).toBe('DENY DENY_EXPIRED');
  });

  it('and is set right at once, while nothing is asked, says that it holds the lane no more', async () => {
    const of = started(() => undefined);
    of.propose('before');
    await expect.poll(() => of.verdictOf(0)).toBe('ALLOW ALLOW_POLICY');
    await of.letGo();
    of.wallAheadMs = -95_000;
    of.whenHeld = () => (of.wallAheadMs = 0);
    of.own();
    await expect.poll(() => of.alarms).toEqual(['CLOCK']);
    await expect.poll(() => of.held).toBeUndefined();
  });
});

describe('a decider whose wall clock is ten minutes ahead', () => {
  it('lets no action through a stop that ends in five minutes', async () => {
    const of = started((world) => {
      const until = formatTime(LANE_START_MS + 5 * MINUTE_MS);
      world.control('freeze.raised', { level: 'stop', scope: { kind: 'all' }, why: 'incident 7', by: 'ana', until });
    });
    await expect.poll(() => of.decided.some(({ freeze }) => freeze !== undefined)).toBe(true);
    await of.letGo();
    of.wallAheadMs = 10 * MINUTE_MS;
    of.propose('through', { expiresInMs: 15 * MINUTE_MS });
    of.own();
    await expect.poll(() => of.held).toContain('600.0 s ahead of');
    expect(of.verdictOf(0)).toBeUndefined();
    of.wallAheadMs = 0;
    await expect.poll(() => of.verdictOf(0)).toBe('DENY DENY_STOPPED');
    expect(of.held).toBeUndefined();
  });
});

describe('a clock that jumps while the lane decides', () => {
  it.each([
    ["the owner's", 'wallAheadMs'],
    ["the broker's", 'brokerAheadMs'],
  ] as const)('%s: nothing is dated wrongly, and the lane goes on by itself once they agree', async (_, clock) => {
    const of = started(() => undefined);
    of.propose('before');
    await expect.poll(() => of.verdictOf(0)).toBe('ALLOW ALLOW_POLICY');
    of.beforeCommit = (topics) => {
      if (topics.includes('ledger')) of[clock] = 70_000;
    };
    of.propose('during');
    await expect.poll(() => of.held).toBeDefined();
    of.beforeCommit = () => undefined;
    of[clock] = 0;
    of.propose('after');
    await expect.poll(() => of.verdictOf(2)).toBe('ALLOW ALLOW_POLICY');
    await expect.poll(() => of.held).toBeUndefined();
    expect(of.alarms).toContain('CLOCK');
    for (const { decidedAtMs, appendedAtMs } of of.dates) expect(Math.abs(decidedAtMs - appendedAtMs)).toBeLessThanOrEqual(5000);
    expect(of.dates.every(({ appendedAtMs }) => appendedAtMs < LANE_START_MS + MINUTE_MS)).toBe(true);
  });

  it('both at once, as when a machine slept: time goes on from there, without an alarm', async () => {
    const of = started(() => undefined);
    of.propose('before');
    await expect.poll(() => of.verdictOf(0)).toBe('ALLOW ALLOW_POLICY');
    [of.wallAheadMs, of.brokerAheadMs] = [HOUR_MS, HOUR_MS];
    of.propose('after', { aheadMs: HOUR_MS });
    await expect.poll(() => of.verdictOf(1)).toBe('ALLOW ALLOW_POLICY');
    expect(of.alarms).toEqual([]);
    expect(of.dates.at(-1)?.decidedAtMs).toBeGreaterThanOrEqual(LANE_START_MS + HOUR_MS);
  });
});

describe('a batch that waits for its commit', () => {
  it('longer than clocks may differ is not committed, and decided anew with its new time: what expired meanwhile is denied', async () => {
    const of = started(() => undefined);
    of.propose('before');
    await expect.poll(() => of.verdictOf(0)).toBe('ALLOW ALLOW_POLICY');
    let isLate = false;
    of.beforeCommit = (topics) => {
      if (!topics.includes('ledger') || isLate) return;
      isLate = true;
      of.trueMs += 30_000;
    };
    of.propose('waits', { expiresInMs: 20_000 });
    await expect.poll(() => of.verdictOf(1)).toBe('DENY DENY_EXPIRED');
    expect(of.said.map(({ message }) => message).filter((message) => message.startsWith('BatchTooOld'))).toHaveLength(1);
    expect(of.alarms).toEqual([]);
  });
});

describe('a lane that decided while all of its clocks were a day ahead', () => {
  const tomorrow = async (): Promise<ClockedLane> => {
    const of = started((world) => {
      world.propose('today');
    });
    await expect.poll(() => of.verdictOf(0)).toBe('ALLOW ALLOW_POLICY');
    [of.wallAheadMs, of.brokerAheadMs] = [DAY_MS, DAY_MS];
    of.propose('tomorrow', { aheadMs: DAY_MS });
    await expect.poll(() => of.verdictOf(1)).toBe('ALLOW ALLOW_POLICY');
    [of.wallAheadMs, of.brokerAheadMs] = [0, 0];
    await expect.poll(() => of.held).toContain('countersign time set-back --lane 0');
    return of;
  };
  const lastOf = (of: ClockedLane): string => of.decided.reduce((last, { decidedAt }) => (decidedAt > last ? decidedAt : last), '');

  it('decides nothing, with an alarm, until the admin corrects its time; then it goes on in right time', async () => {
    const of = await tomorrow();
    const before = of.decided.length;
    of.propose('waits');
    of.control('freeze.lifted', { lifts: 'f-1', by: 'ben', why: 'over' });
    await of.asked(3);
    expect(of.decided.length).toBe(before);
    expect(of.alarms).toContain('CLOCK');
    of.control('time.corrected', { lane: 0, laneTime: lastOf(of) });
    await expect.poll(() => of.verdictOf(2)).toBe('DENY DENY_EXPIRED'); // signed before the correction
    expect(of.held).toBeUndefined();
    const details = of.decided.slice(before).map(({ detail, laneTime }) => (laneTime === undefined ? detail : 'corrected'));
    expect(details.slice(0, 2)).toEqual(['lane-time-ahead', 'corrected']);
    of.trueMs += MINUTE_MS;
    of.propose('next');
    await expect.poll(() => of.verdictOf(3)).toBe('ALLOW ALLOW_POLICY');
    expect(of.dates.at(-1)?.decidedAtMs).toBeLessThan(LANE_START_MS + 2 * MINUTE_MS);
  });

  it('is not corrected by a control of another time, however often it is sent', async () => {
    const of = await tomorrow();
    const before = of.decided.length;
    of.control('time.corrected', { lane: 0, laneTime: formatTime(LANE_START_MS) });
    await of.asked(3);
    expect(of.decided.length).toBe(before);
    expect(of.isHeld).toBe(true);
  });

  it('finds the correction behind more controls than wait at once', async () => {
    const of = await tomorrow();
    for (let at = 0; at < 100; at++) of.control('freeze.lifted', { lifts: `f-${at}`, by: 'ben', why: 'over' });
    of.control('time.corrected', { lane: 0, laneTime: lastOf(of) });
    await expect.poll(() => of.held).toBeUndefined();
    await expect.poll(() => of.decided.filter(({ laneTime }) => laneTime !== undefined)).toHaveLength(2); // the lane's tree, and acme's
  });
});
