/** How the holder of a new key of the ledger says: this public key is mine, for this ledger and this role. */
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#crypto';

import { base64, concat, fromBase64, utf8 } from '../formats/bytes.ts';
import { keyIdOf } from '../formats/keys.ts';

/** Keys that the ledger itself admits, each for what it may say. */
export const KEY_ROLES = ['admin', 'gateway', 'decider', 'recovery'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

const POSSESSION = utf8('countersign/key-offer/v1\0');
const HANDOVER = utf8('countersign/key-handover/v1\0');

export interface KeyOffer {
  readonly role: KeyRole;
  readonly key: { readonly keyid: string; readonly publicKey: string };
  /** By the key itself, base64: a key that nobody holds would lock everybody out. */
  readonly possession: string;
  /**
   * Of a decider's key: by the one that seals until then, base64. Its batch holds the rotation, so it is there; and an admin key alone
   * cannot name a sealer that no decider holds, which would end every lane.
   */
  readonly handover?: string | undefined;
}

/** Signed bytes: context ‖ hex digest of the ledger's birth ‖ 0x00 ‖ role ‖ 0x00 ‖ public key. */
const offerBytes = (context: Uint8Array, birth: string, role: string, publicKey: Uint8Array): Uint8Array =>
  concat(context, utf8(`${birth}\0${role}\0`), publicKey);

/** Made where the new key is; `birth` is `initialised.sha256` of ledger.json, `sealer` the decider's present seed. */
export function offerKey(birth: string, role: KeyRole, seed: Uint8Array, sealer?: Uint8Array): KeyOffer {
  const publicKey = ed25519PublicKey(seed);
  const sign = (context: Uint8Array, by: Uint8Array): string => base64(ed25519Sign(by, offerBytes(context, birth, role, publicKey)));
  const handover = sealer ? { handover: sign(HANDOVER, sealer) } : {};
  return { role, key: { keyid: keyIdOf(publicKey), publicKey: base64(publicKey) }, possession: sign(POSSESSION, seed), ...handover };
}

/** Whether the holder of the key offered it for this role of this ledger, and for a decider's the sealer handed over. Never throws. */
export function offerHolds(birth: string, offer: KeyOffer, sealers: readonly Uint8Array[]): boolean {
  const { role, key, possession, handover } = offer;
  try {
    const publicKey = fromBase64(key.publicKey);
    const isHeld = ed25519Verify(publicKey, offerBytes(POSSESSION, birth, role, publicKey), fromBase64(possession));
    if (!isHeld || role !== 'decider') return isHeld && handover === undefined;
    const handed = offerBytes(HANDOVER, birth, role, publicKey);
    return sealers.some((sealer) => ed25519Verify(sealer, handed, fromBase64(handover ?? '')));
  } catch {
    return false;
  }
}

/** One line, to be carried from where the key is to where the admin's is. */
export const formatOffer = ({ role, key, possession, handover }: KeyOffer): string =>
  [role, key.publicKey, possession, ...(handover === undefined ? [] : [handover])].join(':');

/** undefined for a text that is no offer; what it says is still to be verified. */
export function parseOffer(text: string): KeyOffer | undefined {
  const [role, publicKey, possession, handover, ...more] = text.split(':');
  const known = KEY_ROLES.find((each) => each === role);
  if (!known || publicKey === undefined || possession === undefined || more.length > 0) return undefined;
  try {
    const key = { keyid: keyIdOf(fromBase64(publicKey)), publicKey };
    return { role: known, key, possession, ...(handover === undefined ? {} : { handover }) };
  } catch {
    return undefined;
  }
}
