import { MemoryLane } from '#testing';
import { describe, expect, it } from 'vitest';

import type { CheckedReceipt } from './lane-receipts.ts';
import { matcher } from './receipt-of-sent.ts';
import { formatPlace, placeOfReceipt } from './receipt-place.ts';

const lane = MemoryLane.ready();
/** As LaneReceipts reads it; `offset` is the receipt's own. */
function receiptOf(entry: MemoryLane['entries'][number] | undefined, offset: bigint): CheckedReceipt {
  if (!entry) throw new Error('nothing was decided');
  const { statement, kind, source } = entry;
  return { statement, kind, offset, place: placeOfReceipt(formatPlace(source), statement) } as CheckedReceipt;
}
const at = { topic: 'actions', partition: 0, offset: 0n, sinceReceipt: 10n } as const;
const old = lane.proposal('old');
const rubbish = new Uint8Array(9);
const oldReceipt = receiptOf(lane.when('actions', old)[0], 3n);

describe('the receipt of a record that was sent', () => {
  it('is not that of another record which was at its place before its topic was made anew', () => {
    const isOf = matcher({ ...at, value: lane.proposal('new') });
    expect(oldReceipt.place).toMatchObject({ topic: 'actions', partition: 0, offset: 0n });
    expect(isOf(oldReceipt)).toBe(false);
    expect(matcher({ ...at, value: old })(oldReceipt)).toBe(true);
  });

  it('is found by the digest of what was signed, wherever the record is', () => {
    expect(matcher({ ...at, offset: 99n, value: old })(oldReceipt)).toBe(true);
  });

  it('of bytes that were refused is at their place, of their length, and came after they were sent', () => {
    const [entry] = lane.when('actions', rubbish);
    const { offset } = receiptOf(entry, 10n).place ?? { offset: -1n };
    const sent = { ...at, offset, value: rubbish };
    expect(matcher(sent)(receiptOf(entry, 10n))).toBe(true);
    expect(matcher(sent)(receiptOf(entry, 9n))).toBe(false);
    expect(matcher({ ...sent, offset: offset + 1n })(receiptOf(entry, 10n))).toBe(false);
    expect(matcher({ ...sent, value: new Uint8Array(8) })(receiptOf(entry, 10n))).toBe(false);
    expect(matcher({ ...sent, topic: 'outcomes' })(receiptOf(entry, 10n))).toBe(false);
  });
});

it.each([undefined, '', 'actions/0/1', 'ledger/0/1/0', 'outcomes/0/1/0', 'actions/0/-1/0', 'actions/0/1/0/'])(
  'a place header %s says nothing',
  (header) => {
    expect(placeOfReceipt(header, oldReceipt.statement)).toBeUndefined();
  },
);
