import { describe, expect, it } from 'vitest';

import { groupSettings } from './group-settings.ts';

describe('groupSettings', () => {
  it('reads the session time-out, and beats five times in it', () => {
    expect(groupSettings({ COUNTERSIGN_SESSION_TIMEOUT_MS: '1500' })).toEqual({ sessionTimeout: 1500, heartbeatInterval: 300 });
  });

  it('is nothing without the variable, and refuses one it cannot read', () => {
    expect(groupSettings({})).toEqual({});
    expect(() => groupSettings({ COUNTERSIGN_SESSION_TIMEOUT_MS: '10s' })).toThrow('milliseconds expected');
  });
});
