import { ed25519PublicKey, ed25519Sign } from '#crypto';

import { base64url } from '../formats/bytes.ts';
import { canonicalBytes } from '../formats/canonical-json.ts';
import { pae } from '../formats/dsse.ts';
import { keyIdOf } from '../formats/keys.ts';
import { formatTime } from '../formats/time.ts';
import type { SignedEnvelope } from '../ledger/record.ts';
import { NESTING_MAX, PAYLOAD_KINDS, type PayloadKind, payloadTypeOf } from './kinds.ts';

export interface PayloadHead {
  /** The ledger's name. */
  readonly ledger: string;
  readonly tenant: string;
  readonly issuer: string;
  readonly id: string;
  readonly issuedAtMs: number;
  /** Hex digest of the ledger's birth; absent only under rules 1, and in the birth itself. */
  readonly birth?: string | undefined;
  /** Of a proposal: when the action was first asked for, the same in every copy. Default: issuedAtMs. */
  readonly askedAtMs?: number | undefined;
  /** Latest moment to be decided. */
  readonly expiresAtMs: number;
  /** 32 random bytes, new for each payload: without them a digest on the ledger could be guessed. */
  readonly blind: Uint8Array;
}
export interface Sealing {
  readonly kind: PayloadKind;
  /** The kind's own members; those of the head are added, and win. */
  readonly body: object;
  readonly head: PayloadHead;
  /** 32-byte Ed25519 seed of the issuer. */
  readonly seed: Uint8Array;
  readonly lane: number;
}

/**
 * Makes a payload's canonical bytes and signs PAE(payloadType, payload). `tenant` and `lane` outside are routing copies: the same
 * payload goes to another lane as `{ ...envelope, lane }`.
 */
export function sealEnvelope({ kind, body, head, seed, lane }: Sealing): SignedEnvelope {
  if (head.blind.length !== 32) throw new RangeError(`blind: expected 32 random bytes, got ${head.blind.length}`);
  const keyid = keyIdOf(ed25519PublicKey(seed));
  const { ledger, tenant, issuer, id, birth } = head;
  const times = { issuedAt: formatTime(head.issuedAtMs), expiresAt: formatTime(head.expiresAtMs) };
  const asked = kind === 'action.proposed' && birth !== undefined ? { askedAt: formatTime(head.askedAtMs ?? head.issuedAtMs) } : {};
  const members = { ...body, ...asked, ledger, birth, tenant, issuer, keyid, id, ...times, blind: base64url(head.blind) };
  const payload = canonicalBytes(withoutUndefined(members), { maxDepth: NESTING_MAX });
  return signPayload({ kind, payload, seed, tenant, lane });
}

/** Signs payload bytes that exist already, such as LedgerInitialised for each lane. Ed25519 is deterministic: the same bytes again. */
export function signPayload(signing: {
  kind: PayloadKind;
  payload: Uint8Array;
  seed: Uint8Array;
  tenant: string;
  lane: number;
}): SignedEnvelope {
  const { kind, payload, seed, tenant, lane } = signing;
  const { bytesMax } = PAYLOAD_KINDS[kind];
  if (payload.length > bytesMax) throw new RangeError(`${kind}: payload of ${payload.length} bytes, at most ${bytesMax}`);
  const payloadType = payloadTypeOf(kind);
  const keyid = keyIdOf(ed25519PublicKey(seed));
  return { payloadType, payload, keyid, signature: ed25519Sign(seed, pae(payloadType, payload)), tenant, lane };
}

/** Optional members of a body may be written as undefined. */
function withoutUndefined(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
