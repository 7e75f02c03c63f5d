import { describe, expect, it } from 'vitest';

import { MemoryLane } from '#testing';

import { placeMac, saidOf, wholeSource } from './source.ts';

const place = { topic: 'actions', epoch: 1, partition: 2, offset: '17' } as const;
const key = new Uint8Array(32).fill(3);
const whole = { kind: 'record', ...place, part: 0, parts: 1, mac: placeMac(key, place) } as const;

describe('the mac of a place', () => {
  it('is another one for another key, topic, epoch, partition or offset', () => {
    const others = [
      placeMac(new Uint8Array(32).fill(4), place),
      ...[{ topic: 'outcomes' as const }, { epoch: 2 }, { partition: 1 }, { offset: '18' }].map((change) =>
        placeMac(key, { ...place, ...change }),
      ),
    ];
    expect(new Set([whole.mac, ...others]).size).toBe(6);
  });
});

describe('a source', () => {
  it('says all of its place under rules 1, and a mac alone from rules 2 on', () => {
    expect(saidOf(whole, 1)).toEqual({ kind: 'record', ...place, part: 0, parts: 1 });
    expect(saidOf(whole, 2)).toEqual({ kind: 'record', topic: 'actions', part: 0, parts: 1, mac: whole.mac });
  });

  it('is whole again with the record beside the entry', () => {
    expect(wholeSource(saidOf(whole, 2), { epoch: 1, offset: 17, sender: '' }, 2)).toEqual(whole);
    expect(wholeSource(saidOf(whole, 1), undefined, 2)).toEqual(saidOf(whole, 1));
  });

  it('does not fit a record without a place, or one with a place too much', () => {
    expect(wholeSource(saidOf(whole, 2), undefined, 2)).toBeUndefined();
    expect(wholeSource(saidOf(whole, 1), { epoch: 1, offset: 17, sender: '' }, 2)).toBeUndefined();
    expect(wholeSource({ kind: 'tick', part: 0, parts: 1 }, { epoch: 1, offset: 17, sender: '' }, 2)).toBeUndefined();
  });
});

it('no entry tells its tenant how many records of its neighbours lie between two of its own', () => {
  const entriesOf = (neighbours: number): string => {
    const lane = MemoryLane.ready(['acme', 'globex']);
    const key = (at: number): string => `busy-${at}`;
    for (let at = 0; at < neighbours; at++) lane.propose(key(at), {}, { tenant: 'globex' });
    const [entry] = lane.propose('mine');
    // Digests differ: they are over bytes drawn at random, of which there were more before.
    return JSON.stringify(entry?.statement.predicate).replaceAll(/"[0-9a-f]{64}"/g, '"…"');
  };
  expect(entriesOf(40)).toEqual(entriesOf(0));
});
