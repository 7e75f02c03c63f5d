/**
 * What an operator has signed of a lane's ledger. Void: records that do not count, readers go on behind them. Restored: entries that were
 * written again after a loss, so that the append times of their records say nothing of when they were decided.
 */
import { ed25519PublicKey, ed25519Sign, ed25519Verify, sha256 } from '#crypto';

import { concat, fromHex, hex } from '../formats/bytes.ts';
import { canonicalBytes, type Json, parseCanonical } from '../formats/canonical-json.ts';
import { pae } from '../formats/dsse.ts';
import { keyIdOf } from '../formats/keys.ts';
import type { SignedEnvelope } from './record.ts';
import { SYSTEM_TENANT } from '../payloads/kinds.ts';
import { text } from './text.ts';

/** Nothing between the two offsets counts, the second one excluded. */
export interface VoidRange {
  readonly lane: number;
  readonly from: bigint;
  readonly to: bigint;
  /** Hex, over every voided value in order (digestWith): about what was looked at, and nothing else that may come to stand there. */
  readonly digest: string;
  /** For people. */
  readonly why: string;
}
/** Of the ledger's birth, what a signature over a void rests on: either key may sign it. */
export interface VoidBirth {
  readonly ledger: string;
  readonly initialisedDigest: string;
  readonly admin: { readonly keyid: string; readonly publicKey: Uint8Array };
  readonly recovery?: { readonly keyid: string; readonly publicKey: Uint8Array } | undefined;
}

/** Entries between two of the lane's sequences, the second one excluded; `digest` is over the bytes of each entry in order (digestWith). */
export type RestoredRange = VoidRange;

export const VOID_PAYLOAD_TYPE = 'application/vnd.countersign.ledger.voided+json;v=1';
export const RESTORED_PAYLOAD_TYPE = 'application/vnd.countersign.ledger.restored+json;v=1';
type RangePayloadType = typeof VOID_PAYLOAD_TYPE | typeof RESTORED_PAYLOAD_TYPE;

/** Signed by the recovery key, or by the admin key, that the ledger's birth pins. */
export const sealVoid = (range: VoidRange, birth: VoidBirth, seed: Uint8Array): SignedEnvelope =>
  sealRange(VOID_PAYLOAD_TYPE, range, birth, seed);
export const sealRestored = (range: RestoredRange, birth: VoidBirth, seed: Uint8Array): SignedEnvelope =>
  sealRange(RESTORED_PAYLOAD_TYPE, range, birth, seed);

/** undefined for anything that neither key of this ledger's birth signed. */
export const readVoid = (envelope: SignedEnvelope, birth: VoidBirth): VoidRange | undefined =>
  readRange(VOID_PAYLOAD_TYPE, envelope, birth);
export const readRestored = (envelope: SignedEnvelope, birth: VoidBirth): RestoredRange | undefined =>
  readRange(RESTORED_PAYLOAD_TYPE, envelope, birth);

function sealRange(
  payloadType: RangePayloadType,
  { lane, from, to, digest, why }: VoidRange,
  birth: VoidBirth,
  seed: Uint8Array,
): SignedEnvelope {
  const said = { birth: birth.initialisedDigest, digest, from: String(from), lane, ledger: birth.ledger, to: String(to), why };
  const payload = canonicalBytes(said);
  const signature = ed25519Sign(seed, pae(payloadType, payload));
  return { payloadType, payload, keyid: keyIdOf(ed25519PublicKey(seed)), signature, tenant: SYSTEM_TENANT, lane };
}

function readRange(type: RangePayloadType, envelope: SignedEnvelope, birth: VoidBirth): VoidRange | undefined {
  const { payloadType, payload, keyid, signature } = envelope;
  const signer = [birth.recovery, birth.admin].find((key) => key?.keyid === keyid);
  if (payloadType !== type || !signer) return undefined;
  if (!ed25519Verify(signer.publicKey, pae(payloadType, payload), signature)) return undefined;
  const said = parseCanonical(payload, { maxDepth: 2 }) as Readonly<Record<string, Json>>;
  if (said['birth'] !== birth.initialisedDigest || said['ledger'] !== birth.ledger) return undefined;
  const offsets = { from: BigInt(text(said['from'])), to: BigInt(text(said['to'])) };
  return { lane: Number(said['lane']), ...offsets, digest: text(said['digest']), why: text(said['why']) };
}

/** Digest over no value at all. */
export const NOTHING_VOIDED = '0'.repeat(64);

/** The digest over one value more: SHA-256(digest so far ‖ SHA-256(value)), with 32 zeros for an empty record. */
export const digestWith = (digest: string, value: Uint8Array | null): string =>
  hex(sha256(concat(fromHex(digest), value === null ? new Uint8Array(32) : sha256(value))));
