import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatTime } from '#domain';

import { ExecutorClock } from './executor-clock.ts';

const NOON = Date.parse('2026-01-01T12:00:00.000Z');

/** True time passes when it is told to; the wall clock is wrong by `wallErrorMs`. */
function clockAt(time: { nowMs: number; wallErrorMs: number }): ExecutorClock {
  return new ExecutorClock(
    () => time.nowMs + time.wallErrorMs,
    () => time.nowMs - NOON,
  );
}

describe('time of an executor', () => {
  it('is the wall clock’s, and never before what the lane has said, carried on', () => {
    const time = { nowMs: NOON, wallErrorMs: -3_600_000 };
    const clock = clockAt(time);
    expect(clock.nowMs).toBe(NOON - 3_600_000);
    clock.hear(NOON - 1000);
    time.nowMs += 500;
    expect(clock.nowMs).toBe(NOON - 500);
    clock.hear(Number.NaN);
    time.wallErrorMs = 60_000;
    expect(clock.nowMs).toBe(NOON + 60_500);
  });

  it('is not taken back by an older verdict that is read late, but by a lane whose time was corrected', () => {
    const time = { nowMs: NOON, wallErrorMs: -3_600_000 };
    const clock = clockAt(time);
    clock.hear(NOON);
    time.nowMs += 5000;
    clock.hear(NOON + 1);
    expect(clock.nowMs).toBe(NOON + 5000);
    clock.hear(NOON + 86_400_000);
    clock.hear(NOON + 5000);
    expect(clock.nowMs).toBe(NOON + 5000);
  });

  it.each([
    [900_000, 2000],
    [1000, 250],
  ])('lets an effect of %d ms begin until %d ms before its deadline', (givenMs, marginMs) => {
    const time = { nowMs: NOON, wallErrorMs: -3_600_000 };
    const clock = clockAt(time);
    const beginBy = clock.beginBy({ resultBy: formatTime(NOON + givenMs), decidedAtMs: NOON }, 0);
    time.nowMs = NOON + givenMs - marginMs - 1;
    expect(clock.lateFor(beginBy)).toBeUndefined();
    time.nowMs += 1;
    expect(clock.lateFor(beginBy)).toMatch(/monotonic/);
    time.wallErrorMs = 0;
    expect(clock.lateFor(beginBy)).toMatch(/could come after resultBy$/);
  });

  it.each(['soon', ''])('lets nothing begin on a grant whose deadline is no time: %j', (resultBy) => {
    const clock = clockAt({ nowMs: NOON, wallErrorMs: 0 });
    expect(clock.lateFor(clock.beginBy({ resultBy, decidedAtMs: NOON }, 0))).toBeDefined();
    expect(clock.lateFor(clock.beginBy({ resultBy }, undefined))).toBeDefined();
  });

  it('lets nothing begin after its deadline in lane time, however wrong the wall clock is, and however late the grant is read', () => {
    const ms = fc.integer({ min: 0, max: 3_600_000 });
    const story = fc.record({
      wallErrorMs: fc.integer({ min: -1e9, max: 1e9 }),
      laneErrorMs: ms,
      untilDecided: ms,
      untilRead: ms,
      givenMs: ms,
      untilRun: ms,
    });
    fc.assert(
      fc.property(story, ({ wallErrorMs, laneErrorMs, untilDecided, untilRead, givenMs, untilRun }) => {
        const time = { nowMs: NOON, wallErrorMs };
        const clock = clockAt(time);
        const laneMs = (): number => time.nowMs + laneErrorMs;
        const askedAtMs = clock.monotonicMs();
        time.nowMs += untilDecided;
        const decidedAtMs = laneMs();
        time.nowMs += untilRead;
        clock.hear(decidedAtMs);
        const beginBy = clock.beginBy({ resultBy: formatTime(decidedAtMs + givenMs), decidedAtMs }, askedAtMs);
        time.nowMs += untilRun;
        if (clock.lateFor(beginBy) === undefined) expect(laneMs()).toBeLessThan(decidedAtMs + givenMs);
      }),
    );
  });
});
