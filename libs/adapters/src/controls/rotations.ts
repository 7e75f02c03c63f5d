/** Successors of the ledger's own keys: offered where the new key is, signed where the admin's or the recovery key is. */
import { offerKey, type KeyOffer, type KeyRole, SYSTEM_TENANT } from '#domain';

import { drawLog } from '../home/create-ledger.ts';
import type { Home } from '../home/home.ts';
import { control, type ControlRecord, onEveryLane, placeOf, seal } from './signed-control.ts';

/** Draws `keys/<role>.next.key`, unless it is there already, and offers it. */
export function offerOf(home: Home, role: KeyRole): KeyOffer {
  const next = home.createKey(`${role}.next`);
  return offerKey(home.birth().initialisedDigest, role, next, role === 'decider' ? home.key('decider') : undefined);
}

/** One record per lane. `recovery`: the recovery key's seed, when it signs instead of the admin's. */
export const rotateKey = (home: Home, offer: KeyOffer, recovery?: Uint8Array): ControlRecord[] =>
  onEveryLane(home, seal(home, 'key.rotated', { tenant: SYSTEM_TENANT, lane: 0 }, offer, { recovery }));

/** Another log for a tenant, or for a lane's own tree, with a key of the newest ledger seed here. */
export function rotateLog(home: Home, tenant: string): ControlRecord {
  const { lane } = placeOf(home, tenant);
  const log = drawLog(home.config.name, home.newestLedgerSeed());
  return control(home, 'log.rotated', { tenant: SYSTEM_TENANT, lane }, { rotates: tenant, lane, ...log });
}
