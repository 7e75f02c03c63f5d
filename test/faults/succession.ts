/** One owner after another of all lanes: each is ended, and looked at what it left behind. */
import { expect } from 'vitest';

import { LaneReader } from '#adapters';

import { client } from '../support/kafka.ts';
import type { Service, ServiceName } from '../support/service.ts';
import type { FaultWorld } from './fault-world.ts';
import type { Trial } from './trial.ts';

/** In transactions. A few minutes old, so that nothing is compacted yet: what was committed is still where it was. */
const WRITES_TO: Readonly<Record<ServiceName, readonly string[]>> = {
  decider: ['ledger', 'input-keys', 'dead-letters', 'decider-state'],
  notary: ['receipts', 'verdicts', 'checkpoints'],
  gateway: [],
};

/** What a transaction that was open at a death had written to one partition. */
interface LeftOpen {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

export class Succession {
  #owner: Service;
  #diedAtMs: number | undefined;
  /** Per transaction; it may be there at several deaths. */
  readonly #left = new Map<string, LeftOpen[]>();

  constructor(
    private readonly world: FaultWorld,
    readonly name: ServiceName,
  ) {
    const [owner, another] = world.services.filter((service) => service.name === name && service.ending === undefined);
    if (!owner || another) throw new Error(`one ${name} expected to be at work`);
    this.#owner = owner;
  }

  get owner(): Service {
    return this.#owner;
  }

  /** The next one starts when its predecessor is gone. */
  next(env: Readonly<Record<string, string>> = {}): Service {
    if (this.#owner.ending === undefined) throw new Error('its predecessor is at work');
    this.#owner = this.world.start(this.name, env);
    return this.#owner;
  }

  /** As an operator does. */
  async stopped(): Promise<void> {
    await this.#owner.stop();
    this.#diedAtMs = undefined;
  }

  /** Kill -9, whatever it is doing. */
  async killed(trial: Trial): Promise<void> {
    await this.#owner.kill();
    await this.#ended(trial);
  }

  /** Waits until it has ended by itself, at its crash point. */
  async crashed(trial: Trial): Promise<void> {
    await this.#owner.crashed();
    await this.#ended(trial);
  }

  async #ended(trial: Trial): Promise<void> {
    expect(this.#owner.ending).toBe('SIGKILL');
    trial.killed();
    this.#noteTakeOver(trial);
    this.#diedAtMs = Date.now();
    const left = await this.leftOpen();
    if (left.length === 0 && WRITES_TO[this.name].length > 0) trial.saw('left no transaction open');
    for (const of of left) this.#left.set(of.map(({ topic, partition, from }) => `${topic}/${partition}/${from}`).join(), of);
  }

  #noteTakeOver(trial: Trial): void {
    const [first] = this.#owner.said('lane taken over');
    if (first && this.#diedAtMs !== undefined) trial.tookOver(Number(first['time']) - this.#diedAtMs);
  }

  /** Lanes whose last transaction is open, with what it wrote. To be asked while nobody else writes. */
  async leftOpen(): Promise<LeftOpen[][]> {
    const { home } = this.world;
    const lanes = Array.from({ length: home.config.lanes }, (_, lane) => lane);
    const places = WRITES_TO[this.name].flatMap((topic) => lanes.map((partition) => ({ topic: home.topic(topic), partition })));
    if (places.length === 0) return [];
    const ends = await this.#read((reader) => reader.endOffsets(places));
    const open = ends.filter(({ lastStable, highWatermark }) => lastStable < highWatermark);
    return lanes
      .map((lane) => open.filter(({ partition }) => partition === lane))
      .filter((of) => of.length > 0)
      .map((of) => of.map(({ topic, partition, lastStable: from, highWatermark: to }) => ({ topic, partition, from, to })));
  }

  /** When everything is quiet again: each transaction that was left open is there as a whole, or nothing of it is. */
  async expectWholeOrNothing(trial: Trial): Promise<void> {
    this.#noteTakeOver(trial);
    this.#diedAtMs = undefined;
    await this.#read(async (reader) => {
      for (const [places, of] of this.#left) {
        const fates = new Set<string>();
        for (const part of of) fates.add((await isThere(reader, part)) ? 'committed' : 'aborted');
        expect([...fates], `one transaction, ${places}`).toHaveLength(1);
        for (const fate of fates) trial.saw(`left a transaction open, which was then ${fate}`);
      }
    });
    this.#left.clear();
  }

  async #read<T>(work: (reader: LaneReader) => Promise<T>): Promise<T> {
    const reader = await LaneReader.open(client(this.world.brokers));
    try {
      return await work(reader);
    } finally {
      await reader.close();
    }
  }
}

/** Whether readers of committed records see any of it. */
async function isThere(reader: LaneReader, { topic, partition, from, to }: LeftOpen): Promise<boolean> {
  for (let offset = from; offset < to;) {
    const [fetched] = await reader.fetch([{ topic, partition, offset }]);
    if (!fetched || fetched.error) throw fetched?.error ?? new Error('no answer for the partition');
    if (fetched.records.some((record) => record.offset < to)) return true;
    offset = fetched.nextOffset;
  }
  return false;
}
