import { beforeEach, expect, it } from 'vitest';

import { type Ending, type FetchedPartition, silentLog } from '#adapters';

import { BLOCKED_AFTER_MS, BlockedInputs } from './blocked-inputs.ts';

let nowMs: number;
let asked: number;
let left: string | undefined;
let told: (string | undefined)[];
let inputs: BlockedInputs;

beforeEach(() => {
  [nowMs, asked, left, told] = [0, 0, undefined, []];
  inputs = new BlockedInputs({
    lane: 0,
    topicName: (name) => name,
    laneLog: { endBlocking: () => Promise.resolve(ending()) },
    isOurs: () => false,
    log: silentLog,
    monotonicMs: () => nowMs,
    onBlocked: (_topic, why) => told.push(why),
    onReadable: () => undefined,
  });
});

function ending(): Ending {
  asked += 1;
  const blocker = { topic: 'actions', partition: 0, firstOffset: 7n, producerId: 1n, producerEpoch: 0, transactionalId: 'x' };
  return { blocker, left };
}

/** An answer of the broker so many ms after the one before, and everything that follows from it. */
async function after(ms: number, lastStableOffset: bigint, highWatermark = 100n): Promise<void> {
  nowMs += ms;
  const at = { topic: 'actions', partition: 0, records: [], nextOffset: lastStableOffset, logStartOffset: 0n };
  inputs.see('actions', { ...at, lastStableOffset, highWatermark } satisfies FetchedPartition);
  await new Promise(setImmediate);
}

it('a transaction that ends in time is nobody’s business', async () => {
  await after(0, 7n);
  await after(BLOCKED_AFTER_MS - 1, 7n);
  await after(1, 8n);
  await after(BLOCKED_AFTER_MS - 1, 8n);
  expect([asked, told]).toEqual([0, []]);
});

it('one that stands still is ended once, and told of until the topic goes on', async () => {
  left = 'not allowed';
  await after(0, 7n);
  await after(BLOCKED_AFTER_MS, 7n);
  await after(100, 7n);
  expect([asked, told.length]).toEqual([1, 1]);
  expect(told[0]).toMatch(/^open transaction x of producer 1 .*: not allowed$/);
  await after(10_000, 7n);
  expect(asked).toBe(2); // tried again
  await after(100, 100n);
  expect(told.at(-1)).toBeUndefined();
});

it('after one had to be aborted the next ones get a tenth of the time, and only for ten minutes', async () => {
  await after(0, 7n);
  await after(BLOCKED_AFTER_MS, 7n);
  await after(1, 9n);
  await after(500, 9n);
  expect(asked).toBe(2);
  await after(0, 100n);
  await after(11 * 60_000, 100n, 101n);
  await after(500, 100n, 101n);
  expect(asked).toBe(2);
});

it('says nothing more once its lane was let go', async () => {
  await after(0, 7n);
  nowMs += BLOCKED_AFTER_MS;
  const last = after(0, 7n);
  inputs.stop();
  await last;
  expect([asked, told]).toEqual([1, []]);
});
