import { checkLedger, type Home } from '#adapters';
import type { InvariantId, InvariantStatus, LedgerReport } from '#domain';
import { expect } from 'vitest';

import { until } from './kafka.ts';

/** The one checker, from genesis, once everything is decided and attested. It is waited for that alone: then it is asked once. */
export async function expectLedgerValid(home: Home, brokers: readonly string[]): Promise<void> {
  await until('everything is decided and attested', async () => (await checkLedger(home, brokers)).pending === 0);
  const report = await checkLedger(home, brokers, { settled: true });
  expect(report.invariants.filter(({ status }) => status === 'violated' || status === 'unknown')).toEqual([]);
  expect(report.status).toBe('valid');
}

export const statusesOf = ({ invariants }: LedgerReport): Readonly<Partial<Record<InvariantId, InvariantStatus>>> =>
  Object.fromEntries(invariants.map(({ id, status }) => [id, status]));
