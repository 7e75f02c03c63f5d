/** The tenant's log is rotated while an executor follows it. */
import { describe, expect, it } from 'vitest';

import { FakeLedger, Life } from './fake-ledger.ts';

describe('an executor whose log was closed', () => {
  it('raises an alarm that names the log that goes on and what to do, and runs nothing because of it', async () => {
    const ledger = new FakeLedger();
    const life = new Life(ledger);
    ledger.allow();
    await life.idle();
    ledger.closeLog('ledger.example/t/next');
    await life.idle();
    const [notice] = life.notices.filter(({ code }) => code === 'LOG_CLOSED');
    expect(notice).toMatchObject({ level: 'alarm', actionId: '', claim: '' });
    expect(notice?.detail).toContain('trust file of ledger.example/t/next');
    expect([ledger.claims.length, life.ran.length]).toEqual([1, 1]);
  });
});
