import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Pacer } from './pacer.ts';

/** A pacer whose last transaction had so many records and took so long, as it ends. */
function after(records: number, tookMs: number) {
  let nowMs = 1000;
  const pacer = new Pacer(() => nowMs);
  pacer.began(records);
  nowMs += tookMs;
  pacer.ended();
  return { pacer, pass: (ms: number) => (nowMs += ms) };
}

describe('a pacer', () => {
  it('commits the first batch at once, and one that follows a lone record', () => {
    expect(new Pacer(() => 0).restMs(1)).toBe(0);
    expect(after(1, 4).pacer.restMs(1)).toBe(0);
  });

  it('waits for as many as came the last time, until nothing has come for 4 ms', () => {
    const { pacer, pass } = after(16, 4);
    expect(pacer.restMs(1)).toBe(4);
    pass(3);
    pacer.grew();
    expect(pacer.restMs(2)).toBe(4);
    pass(4);
    expect(pacer.restMs(2)).toBe(0);
  });

  it('does not wait for more than came the last time, once nothing has come for 1 ms and the markers are written', () => {
    const { pacer, pass } = after(16, 4);
    pacer.grew();
    expect(pacer.restMs(16)).toBe(2); // half of what the last one took
    pass(2);
    expect(pacer.restMs(16)).toBe(0);
    pacer.grew();
    expect(pacer.restMs(17)).toBe(1);
  });

  it('commits what has come when the pace is over, however much still comes: 10 ms and half a ms a record from beginning to beginning', () => {
    const { pacer, pass } = after(16, 4);
    for (let at = 0; at < 13; at++) {
      pass(1);
      pacer.grew();
      expect(pacer.restMs(2)).toBe(Math.min(4, 13 - at));
    }
    pass(1);
    pacer.grew();
    expect(pacer.restMs(2)).toBe(0);
  });

  it('lets what can wait go 10 ms after the last beginning', () => {
    const { pacer, pass } = after(16, 4);
    expect(pacer.restMs()).toBe(6);
    pass(6);
    expect(pacer.restMs()).toBe(0);
    pacer.began(); // of something that can wait: what is known to come is as before
    pacer.ended();
    expect(pacer.isDense).toBe(false);
    expect(pacer.restMs(1)).toBe(4);
  });

  it('never rests for longer than 25 ms, nor less than 0, after whatever happened', () => {
    const step = fc.record({ records: fc.integer({ min: 0, max: 600 }), tookMs: fc.integer({ min: 0, max: 90_000 }), passMs: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), fc.integer({ min: 1, max: 600 }), (steps, records) => {
        let nowMs = 0;
        const pacer = new Pacer(() => nowMs);
        for (const each of steps) {
          pacer.began(each.records);
          nowMs += each.tookMs;
          pacer.ended();
          nowMs += each.passMs;
          pacer.grew();
        }
        expect(pacer.restMs(records)).toBeGreaterThanOrEqual(0);
        expect(pacer.restMs(records)).toBeLessThanOrEqual(25);
      }),
    );
  });
});
