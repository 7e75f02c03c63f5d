import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assignLanes, decodeAssignment, decodeHeld, encodeAssignment, encodeMember } from './assignment.ts';

const cases = fc.record({
  lanes: fc.integer({ min: 1, max: 12 }),
  members: fc.uniqueArray(fc.record({ memberId: fc.string({ minLength: 1 }), held: fc.array(fc.nat({ max: 15 }), { maxLength: 8 }) }), {
    selector: ({ memberId }) => memberId,
    minLength: 1,
    maxLength: 6,
  }),
});

it('gives every lane to exactly one member, evenly', () => {
  fc.assert(
    fc.property(cases, ({ lanes, members }) => {
      const assigned = assignLanes(lanes, members);
      const all = assigned.flatMap((each) => each.lanes).sort((a, b) => a - b);
      const counts = assigned.map((each) => each.lanes.length);
      expect(all).toEqual(Array.from({ length: lanes }, (_, lane) => lane));
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
  );
});

it('is the same for the same members in another order', () => {
  fc.assert(
    fc.property(cases, ({ lanes, members }) => {
      expect(assignLanes(lanes, [...members].reverse())).toEqual(assignLanes(lanes, members));
    }),
  );
});

it('leaves lanes where they are when that is fair', () => {
  const members = [
    { memberId: 'a', held: [2, 3] },
    { memberId: 'b', held: [0, 1] },
  ];
  expect(assignLanes(4, members)).toEqual([
    { memberId: 'a', lanes: [2, 3] },
    { memberId: 'b', lanes: [0, 1] },
  ]);
});

it('takes no more than needed for a member that joins', () => {
  const [a, b] = assignLanes(3, [
    { memberId: 'a', held: [0, 1, 2] },
    { memberId: 'b', held: [] },
  ]);
  expect([a?.lanes, b?.lanes]).toEqual([[0, 1], [2]]);
});

it('travels in the consumer protocol', () => {
  expect(decodeHeld(encodeMember('ledger', [0, 12], 3))).toEqual([0, 12]);
  expect(decodeHeld(encodeMember('ledger', [], 0))).toEqual([]);
  expect(decodeAssignment(encodeAssignment('ledger', [1, 2]), 'ledger', 3)).toEqual([1, 2]);
});

it('takes no lane twice, or one that there is not', () => {
  expect(decodeAssignment(encodeAssignment('ledger', [2, -1, 3, 1, 2]), 'ledger', 3)).toEqual([2, 1]);
});

it('takes nonsense for nothing: cut short, without user data, or any bytes at all', () => {
  const [metadata, assignment] = [encodeMember('ledger', [0, 12], 3), encodeAssignment('ledger', [1, 2])];
  for (let end = 0; end < metadata.length; end++) expect(decodeHeld(metadata.subarray(0, end))).toBeUndefined();
  for (let end = 0; end < assignment.length - 4; end++) expect(decodeAssignment(assignment.subarray(0, end), 'ledger', 3)).toEqual([]);
  expect(decodeHeld(Buffer.from('000000000000ffffffff', 'hex'))).toBeUndefined();
  expect(decodeHeld(Buffer.from('000000000000000000027879', 'hex'))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      decodeHeld(Buffer.from(bytes));
      expect(decodeAssignment(Buffer.from(bytes), '', 3).every((lane) => lane >= 0 && lane < 3)).toBe(true);
    }),
  );
});
