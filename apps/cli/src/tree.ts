import { type Home, LaneReceipts, type LedgerFacts, type TenantOnLedger } from '#adapters';
import { laneOf } from '#domain';

import { CliError, INVALID } from './errors.ts';
import { laneOfSystem } from './tenant.ts';

/** The lane of a tenant, or of a `_system.<lane>`. */
export function laneOfTree(home: Home, tenant: string): number {
  const { lanes } = home.config;
  if (!tenant.startsWith('_')) return laneOf(tenant, lanes);
  const lane = laneOfSystem(tenant);
  if (lane === undefined || lane >= lanes)
    throw new CliError(`--tenant: expected a tenant, or _system.0 to _system.${lanes - 1}, got ${tenant}`);
  return lane;
}

export function knownTenant(facts: LedgerFacts, tenant: string): TenantOnLedger {
  const known = facts.tenants.get(tenant);
  if (known) return known;
  throw new CliError(`the ledger has no tenant ${tenant}: countersign tenant add ${tenant} registers it`, INVALID);
}

/** Receipts of one lane so far, each verified. */
export async function receiptsOf(home: Home, brokers: readonly string[], lane: number): Promise<LaneReceipts> {
  const receipts = await LaneReceipts.open(home, brokers, lane);
  try {
    await receipts.catchUp();
    return receipts;
  } catch (error) {
    await receipts.close();
    throw error;
  }
}
