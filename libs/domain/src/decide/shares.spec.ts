import { describe, expect, it } from 'vitest';

import { hasRoom, type Held } from './shares.ts';

const holding = (size: number, live = size): Held => ({ size, liveSize: () => live });
const room = (mine: Held, others: readonly Held[], more = 1): boolean => hasRoom({ mine, all: [mine, ...others], more, max: 100 }, 0);

describe('room that tenants share', () => {
  it('may be borrowed while the lane has it', () => {
    expect(room(holding(99), [holding(0)])).toBe(true);
    expect(room(holding(100), [holding(0)])).toBe(false);
  });
  it('is not taken from a neighbour, which has its own share', () => {
    expect(room(holding(0), [holding(100)], 50)).toBe(true);
    expect(room(holding(0), [holding(100)], 51)).toBe(false);
    expect(room(holding(50), [holding(100)])).toBe(false);
  });
  it('is free again of what has had its time, also of a tenant that sends nothing more', () => {
    expect(room(holding(60), [holding(60, 1)])).toBe(true);
    expect(room(holding(100, 1), [holding(100)])).toBe(true);
  });
});
