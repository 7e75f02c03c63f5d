import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { CLOCK_KEY, BrokerUnavailable, type LaneLog, type OutgoingRecord, silentLog, wire } from '#adapters';
import { FakeEngine, LANE_START_MS, memoryLaneLog, MemoryLane, type Network, newBroker, noRefusals, promptNetwork } from '#testing';

import { LaneDecider } from './lane-decider.ts';

/** Dozens to a snapshot of so small a lane. */
const CHUNK_BYTES = 100;

const startedMs = performance.now();
const sinceStart = (): number => LANE_START_MS + Math.floor(performance.now() - startedMs);

/** A lane on a broker in memory, with a bundle in force and a platform that may propose, and what its decider commits. */
class Lane {
  readonly #signing = MemoryLane.ready();
  readonly broker = newBroker(sinceStart);
  readonly transactions: OutgoingRecord[][] = [];
  readonly #letGo = new AbortController();
  network: Network = promptNetwork(this.broker);
  #proposals = 0;

  constructor() {
    for (const value of this.#signing.inputs.controls) this.#append('controls', value ?? Buffer.of());
  }

  propose(): void {
    this.#append('actions', this.#signing.proposal(`x${this.#proposals++}`));
  }

  /** Of the first decision. */
  get firstIndex(): number {
    return this.#signing.state.heads.trees.get('acme')?.range.size ?? 0;
  }

  /** The input of the first decision. */
  erase(): void {
    const body = { action: 'x0', indexes: [String(this.firstIndex)], why: 'asked' };
    this.#append('controls', this.#signing.sign({ kind: 'input.erased', tenant: 'acme', body }));
  }

  letGo(): void {
    this.#letGo.abort(new Error('the lease ends'));
  }

  /** Until `letGo`; `before` each transaction, with the records that it will have. A proposal comes before the first; a snapshot is due after it was decided. */
  async decide(before: (records: readonly OutgoingRecord[]) => void = () => undefined): Promise<void> {
    const { birth, parties } = this.#signing;
    const log = memoryLaneLog(this.broker, this.network);
    const laneLog: LaneLog = {
      ...log,
      openWriter: async (options) => {
        const writer = await log.openWriter(options);
        const commit: typeof writer.commit = async (records, laneSeq, check) => {
          if (records.some(isClock)) return writer.commit(records, laneSeq, check);
          if (this.transactions.length === 0) this.propose();
          before(records);
          const offsets = await writer.commit(records, laneSeq, check);
          this.transactions.push([...records]);
          return offsets;
        };
        return { commit, expectOwner: () => writer.expectOwner(), close: () => writer.close() };
      },
    };
    const decider = new LaneDecider({
      ...{ laneLog, birth, wire, topicPrefix: '', deciderSeed: parties.seedOf('decider'), engine: new FakeEngine() },
      ...{ log: silentLog, nowMs: sinceStart, pause: delay, checkBundle: noRefusals, onBatch: () => undefined },
      snapshotEveryEntries: 1,
      snapshotChunkBytes: CHUNK_BYTES,
    });
    await decider.run({ lane: 0, signal: this.#letGo.signal, ready: () => undefined });
  }

  #append(topic: string, value: Uint8Array): void {
    this.broker.append({ topic, partition: 0, key: null, value: Buffer.from(value) });
  }
}

const keysIn = (records: readonly OutgoingRecord[]): string[] =>
  records.filter(({ topic }) => topic === 'decider-state').map(({ key, value }) => `${value ? '' : '-'}${key?.toString() ?? ''}`);
const isClock = ({ key }: OutgoingRecord): boolean => key?.toString() === CLOCK_KEY;
const isManifest = (key: string): boolean => key.startsWith('manifest');
const hasEntries = (records: readonly OutgoingRecord[]): boolean => records.some(({ topic }) => topic === 'ledger');
const isErasing = (records: readonly OutgoingRecord[]): boolean =>
  records.some(({ topic, value }) => topic === 'input-keys' && value === null);

describe('while a snapshot goes out in pieces', () => {
  it('the lane decides on, and each transaction takes a piece along', async () => {
    const lane = new Lane();
    let asked = 0;
    await lane.decide((records) => {
      const keys = keysIn(records);
      if (keys.some(isManifest)) lane.letGo();
      else if (keys.length > 0 && asked++ < 3) lane.propose();
    });
    const pieces = lane.transactions.filter((records) => keysIn(records).length > 0);
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.filter((records) => keysIn(records).length !== 1)).toEqual(pieces.slice(-1)); // the manifest's
    expect(pieces.filter(hasEntries).length).toBeGreaterThanOrEqual(1);
  });

  it('the rest of it is written when the lane is let go', async () => {
    const lane = new Lane();
    await lane.decide((records) => {
      if (keysIn(records).length > 0) lane.letGo();
    });
    const keys = keysIn(lane.transactions.flat());
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.filter(isManifest)).toEqual(['manifest.0']);
  });

  it('a transaction that erases takes none of it along, and what follows it leaves nothing of it', async () => {
    const lane = new Lane();
    let isAsked = false;
    await lane.decide((records) => {
      const entries = lane.transactions.flat().filter(({ topic, key }) => topic === 'ledger' && key?.toString() === 'acme');
      const isDecided = entries.length > lane.firstIndex;
      if (isDecided && keysIn(records).length === 1 && !isAsked) {
        isAsked = true;
        lane.erase();
      }
      if (isErasing(records)) lane.letGo();
    });
    const erased = lane.transactions.findIndex(isErasing);
    const before = keysIn(lane.transactions.slice(0, erased).flat());
    expect(before.length).toBeGreaterThan(0);
    expect(before.filter(isManifest)).toEqual([]);
    expect(keysIn(lane.transactions[erased] ?? [])).toEqual([]);
    const after = keysIn(lane.transactions.slice(erased).flat());
    expect(after.filter(isManifest)).toEqual(['manifest.0']);
    const left = before.filter((key) => !after.includes(key) && !after.includes(`-${key}`));
    expect(left).toEqual([]);
  });

  it('a piece that cannot be written ends the ownership', async () => {
    const lane = new Lane();
    const { network } = lane;
    lane.network = {
      ...network,
      ask: (name, request, wait) =>
        name === 'produce decider-state' && lane.transactions.length > 0
          ? Promise.reject(new BrokerUnavailable(name))
          : network.ask(name, request, wait),
    };
    await expect(lane.decide()).rejects.toThrow('produce decider-state');
  });
});
