import { afterEach, describe, expect, it, vi } from 'vitest';

import { crashPoints } from './crash-points.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('crashPoints', () => {
  it('ends the process at the n-th passing of the named point', () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const pass = crashPoints({ COUNTERSIGN_CRASH_AT: 'before-commit:2' });
    pass?.('before-commit');
    pass?.('after-commit');
    expect(kill).not.toHaveBeenCalled();
    pass?.('before-commit');
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGKILL');
  });

  it('pauses it when that is asked for', () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    crashPoints({ COUNTERSIGN_PAUSE_AT: 'after-send:1' })?.('after-send');
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGSTOP');
  });

  it('is nothing without the variable, and refuses one it cannot read', () => {
    expect(crashPoints({})).toBeUndefined();
    expect(() => crashPoints({ COUNTERSIGN_CRASH_AT: 'before-commit' })).toThrow('expected');
  });
});
