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

it('travels in the consumer protocol, and nonsense counts as nothing held', () => {
  expect(decodeHeld(encodeMember('ledger', [0, 12], 3))).toEqual([0, 12]);
  expect(decodeHeld(encodeMember('ledger', [], 0))).toEqual([]);
  expect(decodeHeld(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x78, 0x79]))).toEqual([]);
  expect(decodeAssignment(encodeAssignment('ledger', [1, 2]), 'ledger')).toEqual([1, 2]);
  expect(decodeAssignment(Buffer.alloc(0), 'ledger')).toEqual([]);
});
