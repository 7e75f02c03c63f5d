import { checkLedger, type Home } from '#adapters';
import { expect } from 'vitest';

import { until } from './kafka.ts';

/** The one checker, from genesis, once the notary has attested everything. What is broken stays broken: asking again hides nothing. */
export async function expectLedgerValid(home: Home, brokers: readonly string[]): Promise<void> {
  await until('the whole ledger is valid', async () => {
    const report = await checkLedger(home, brokers, { settled: true });
    expect(report.invariants.filter(({ status }) => status === 'violated' || status === 'unknown')).toEqual([]);
    expect(report.status).toBe('valid');
    return true;
  });
}
