import { describe, expect, it } from 'vitest';

import { wire } from '#adapters';
import { FakeEngine, MemoryLane } from '#testing';

import { type DecidedBatch, OpenBatch } from './decide-batch.ts';
import { SealerKeys } from './sealers.ts';
import type { InputFeed, InputRecord } from './input-feed.ts';

class BrokenEngine extends FakeEngine {
  override authorize(): never {
    throw new Error('out of order');
  }
}

/** One proposal in a batch of its own, decided with `engine`. */
function decided(engine: FakeEngine): DecidedBatch {
  const lane = MemoryLane.ready(['acme'], { engine });
  return batchOf(lane, [['actions', lane.proposal('x')]]);
}

function batchOf(lane: MemoryLane, values: readonly (readonly ['controls' | 'actions', Uint8Array])[]): DecidedBatch {
  const { engine } = lane;
  const waiting = values.map(([topic, value]) => {
    const record = { offset: lane.state.positions[topic].next, key: null, value: Buffer.from(value), headers: {} };
    return { topic, record } as unknown as InputRecord;
  });
  const feed = { peek: () => waiting[0], take: () => waiting.shift() } as unknown as InputFeed;
  const context = { nowMs: lane.nowMs, engine, wire, birth: lane.birth };
  const out = {
    sealers: new SealerKeys(lane.parties.seedOf('decider')),
    wire,
    topicName: (name: string) => name,
    monotonicMs: () => performance.now(),
  };
  const batch = new OpenBatch(lane.state, feed, context, out);
  batch.decideFor(1000);
  return batch.seal();
}

describe('a batch', () => {
  it('denies when the engine throws, and says so, so that the engine is asked what it must know', () => {
    expect(decided(new BrokenEngine())).toMatchObject({ verdicts: ['DENY'], engineFailed: true });
    expect(decided(new FakeEngine())).toMatchObject({ verdicts: ['ALLOW'], engineFailed: false });
  });

  it('puts the entry on the ledger and its input key beside it', () => {
    const { outgoing, entryCount, inputKeyCount } = decided(new FakeEngine());
    expect(outgoing.map(({ topic, partition }) => [topic, partition])).toEqual([
      ['ledger', 0],
      ['input-keys', 0],
    ]);
    expect([entryCount, inputKeyCount]).toEqual([1, 1]);
  });

  it('destroys the keys that an erasure names, those of the same batch included, and counts what it wrote', () => {
    const lane = MemoryLane.ready();
    const { origin, range } = lane.state.heads.trees.get('acme') ?? { origin: '', range: { size: 0 } };
    const indexes = [range.size - 1, range.size].map(String);
    const body = { action: 'x', indexes, why: 'asked by the customer' };
    const erase = lane.sign({ kind: 'input.erased', tenant: 'acme', body });
    const { outgoing, entryCount, inputKeyCount } = batchOf(lane, [
      ['actions', lane.proposal('x')],
      ['controls', erase],
    ]);
    const keys = outgoing.filter(({ topic }) => topic === 'input-keys').map(({ key, value }) => [key?.toString(), value !== null]);
    expect(keys).toEqual([
      [`${origin}\0${range.size}`, true],
      [`${origin}\0${range.size + 1}`, true],
      ...indexes.map((index) => [`${origin}\0${index}`, false]),
    ]);
    expect([entryCount, inputKeyCount]).toEqual([2, 4]);
  });
});
