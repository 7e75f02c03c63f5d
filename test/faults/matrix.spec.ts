import { describe, expect, it } from 'vitest';

import { formatMatrix } from './matrix.ts';
import type { TrialRecord } from './trial.ts';

const run = { date: '2026-01-31', seed: 7, kills: 10, minutes: 20, kafka: '4.3.1', node: '24.0.0', cores: 2, failed: [] };
const sound: TrialRecord['invariants'] = Object.fromEntries(
  ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I11'].map((id) => [id, 'holds']),
);
const trial = (given: Partial<TrialRecord> = {}): TrialRecord => ({
  ...{
    area: 'decider',
    fault: 'a fault',
    tries: 2,
    kills: 3,
    invariants: sound,
    breaksLedger: false,
    entries: 9,
    seen: {},
    takeOversMs: [],
  },
  ...given,
});
const rowsOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('| a fault'));

describe('the matrix', () => {
  it('adds up what was written down of one fault, and shows the worst', () => {
    const second = trial({ invariants: { ...sound, I4: 'violated' }, seen: { seen: 2 }, takeOversMs: [3000] });
    const text = formatMatrix([trial({ seen: { seen: 1 }, takeOversMs: [1000, 2000] }), second], run);
    expect(rowsOf(text)).toEqual([
      '| a fault | 4 | 6 | ✓ | ✓ | ✓ | ✗ | ✓ | ✓ | ✓ | ✓ | ✓ | 3 × seen; taken over after 2.0 s (at most 3.0 s) |',
    ]);
    expect(text).toContain('1 faults, tried 4 times, 6 kills');
  });

  it('shows what the fault itself breaks as found, and what was not checked as that', () => {
    const text = formatMatrix([trial({ area: 'ledger', breaksLedger: true, invariants: { I1: 'violated', I2: 'unknown' } })], run);
    expect(rowsOf(text)).toEqual(['| a fault | 2 | 3 | found | ? | – | – | – | – | – | – | – |  |']);
  });

  it('names the tests that failed', () => {
    expect(formatMatrix([], { ...run, failed: ['x'] })).toContain('**Failed:**\n\n- x');
    expect(formatMatrix([], run)).toContain('Every test passed.');
  });
});
