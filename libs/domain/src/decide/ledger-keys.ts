/** The ledger's own keys: each counts from the birth, or from the `key.rotated` that named it, until the next one. */
import { fromBase64 } from '../formats/bytes.ts';
import type { Predicate } from '../ledger/entry.ts';
import { text } from '../ledger/text.ts';
import { keyIdOf } from '../formats/keys.ts';
import { type KeyOffer, type KeyRole, offerHolds } from '../payloads/key-offer.ts';
import type { LaneState } from './state.ts';

/** Rotations of one ledger: a key a week for twenty years, and each keyid takes 32 bytes of every lane's state. */
export const LEDGER_KEYS_MAX = 1024;

interface Rotation {
  readonly kind: 'key.rotated';
  readonly members: Readonly<Record<string, unknown>>;
}

/**
 * The admin's key rotates the admin's, gateway's and decider's; the recovery key, pinned at the birth, rotates any, and alone its own.
 * Only what is the same on every lane decides, so that no lane takes a key that another refuses.
 */
export function rotateKey(state: LaneState, offer: KeyOffer, signedBy: string): Rotation | string {
  const { role, key } = offer;
  if (role === 'recovery' && signedBy !== 'recovery') return 'recovery-alone';
  if (!offerHolds(state.birth, offer, state.heads.sealers)) return 'not-offered';
  if (state.ledgerKeys.has(key.keyid)) return 'key-in-use'; // an old one comes back under no role
  if (state.ledgerKeys.size >= LEDGER_KEYS_MAX) return 'limit';
  return { kind: 'key.rotated', members: { role, key, replaces: keyidOf(state, role), signedBy } };
}

/** Of the part in the lane's own tree; the decider's key is in the heads, where every reader of batches looks. */
export function evolveLedgerKeys(state: LaneState, predicate: Predicate): void {
  const { keyid, publicKey } = predicate['key'] as unknown as KeyOffer['key'];
  const key = { keyid, publicKey: fromBase64(publicKey) };
  state.ledgerKeys.add(keyid);
  const role = text(predicate['role']) as KeyRole;
  if (role !== 'decider') state[role] = key;
}

function keyidOf(state: LaneState, role: KeyRole): string {
  if (role !== 'decider') return state[role]?.keyid ?? '';
  return state.heads.sealers.map(keyIdOf).join();
}
