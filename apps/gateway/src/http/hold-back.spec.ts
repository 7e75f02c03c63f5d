import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { HELD_MAX, HOLD_BACK_MS, HoldBack } from './hold-back.ts';
import { Problem } from './problem.ts';

const haste = new Problem(429, 'RATE_LIMITED', 'too often');
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a refusal', () => {
  it('for haste is held back, and any other is answered at once', () => {
    const answered: string[] = [];
    const held = new HoldBack();
    held.refuse(haste, () => answered.push('haste'));
    held.refuse(new Problem(401, 'TOKEN_UNKNOWN', 'no'), () => answered.push('token'));
    held.refuse(new Error('defect'), () => answered.push('defect'));
    expect([answered, held.count]).toEqual([['token', 'defect'], 1]);
    vi.advanceTimersByTime(HOLD_BACK_MS - 1);
    expect(answered).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect([answered, held.count]).toEqual([['token', 'defect', 'haste'], 0]);
  });

  it('beyond what is held, and at close, is answered at once', () => {
    let answered = 0;
    const held = new HoldBack();
    for (let at = 0; at <= HELD_MAX; at++) held.refuse(haste, () => (answered += 1));
    expect([answered, held.count]).toEqual([1, HELD_MAX]);
    held.close();
    vi.advanceTimersByTime(HOLD_BACK_MS);
    expect([answered, held.count]).toEqual([HELD_MAX + 1, 0]);
  });
});
