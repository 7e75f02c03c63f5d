import { describe, expect, it } from 'vitest';

import { clockFault } from './lane-clocks.ts';

const NOW_MS = Date.UTC(2026, 10, 30, 12);
const good = { lane: 1, laneMs: NOW_MS - 60_000, brokerMs: NOW_MS - 10, asked: { wallMs: NOW_MS - 9000, brokerMs: NOW_MS - 9100 } };

describe('the clocks of a lane', () => {
  it.each([
    ['all agree', good],
    ['nothing was decided yet', { lane: 1, laneMs: 0, brokerMs: undefined, asked: undefined }],
    ['they differ by five seconds', { ...good, laneMs: NOW_MS + 5000, asked: { wallMs: NOW_MS, brokerMs: NOW_MS - 5000 } }],
  ])('are good when %s', (_, times) => {
    expect(clockFault(times, NOW_MS)).toBeUndefined();
  });

  it('names an owner whose clock left the broker’s', () => {
    const times = { ...good, asked: { wallMs: NOW_MS - 95_000, brokerMs: NOW_MS } };
    expect(clockFault(times, NOW_MS)).toContain("the decider's clock is 95.0 s behind the broker's: nothing is decided on lane 1");
  });

  it('names a broker whose clock is ahead of this host’s', () => {
    expect(clockFault({ ...good, brokerMs: NOW_MS + 6000 }, NOW_MS)).toContain("the broker's clock is 6.0 s ahead of this host's");
  });

  it('names a lane whose time lies ahead, and the remedy', () => {
    expect(clockFault({ ...good, laneMs: NOW_MS + 86_400_000 }, NOW_MS)).toMatch(
      /dated 2026-12-01T12:00:00.000Z, 86400.0 s ahead of this host's clock.*countersign time set-back --lane 1/,
    );
  });
});
