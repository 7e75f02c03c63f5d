import { expect, it } from 'vitest';

import { MemoryLane } from '#testing';

import { snapshotRecords } from './snapshots.ts';

it('a snapshot that is smaller than the one before it in its slot takes away what that one would leave', () => {
  const lane = MemoryLane.ready();
  const at = { ledgerOffset: 9n, inputKeysOffset: 9n, lastRecord: new Uint8Array(1), round: 4 };
  const held = new Set(['chunk.0.0', 'chunk.0.1', 'chunk.0.10', 'chunk.1.0', 'chunk.1.1']);
  const records = snapshotRecords(lane.state, at, lane.parties.seedOf('decider'), 'decider-state', held);
  expect(records.map(({ key, value }) => [key?.toString(), value !== null])).toEqual([
    ['chunk.0.0', true],
    ['chunk.0.1', false],
    ['chunk.0.10', false],
    ['manifest.0', true],
  ]);
});
