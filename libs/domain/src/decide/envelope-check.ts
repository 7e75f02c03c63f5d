import { ed25519Verify, sha256Hex } from '#crypto';

import { CanonicalJsonError, parseCanonical, type Json } from '../formats/canonical-json.ts';
import { pae } from '../formats/dsse.ts';
import { laneOf } from '../formats/lane.ts';
import { systemTree } from '../ledger/heads.ts';
import type { SignedEnvelope } from '../ledger/record.ts';
import type { InputTopic } from '../ledger/entry.ts';
import { kindOf, NESTING_MAX, PAYLOAD_KINDS, SYSTEM_TENANT, type PayloadKind } from '../payloads/kinds.ts';
import { isKindOf } from '../payloads/parse.ts';
import type { LaneState, TenantFacts } from './state.ts';
import type { DecideContext, SignatureCheck } from './types.ts';

export type RefusalCode = 'REFUSED_ENCODING' | 'REFUSED_SIGNATURE' | 'REFUSED_LANE' | 'REFUSED_SIZE' | 'REFUSED_ISSUER' | 'REFUSED_BODY';

/** An envelope whose signer speaks for its tenant on this lane. Its body may still be nonsense. */
export interface CheckedEnvelope {
  readonly kind: PayloadKind;
  readonly envelope: SignedEnvelope;
  readonly payload: Readonly<Record<string, Json>>;
  readonly payloadDigest: string;
  /** Tree it belongs to: the tenant's, or the lane's `_system.<lane>`. */
  readonly tree: string;
  readonly facts: TenantFacts;
  readonly issuer: string;
}
export type EnvelopeCheck = { readonly ok: CheckedEnvelope } | { readonly refused: RefusalCode; readonly detail: string };

const refuse = (refused: RefusalCode, detail: string): EnvelopeCheck => ({ refused, detail });

/** The strict check of docs/formats.md, "Signed envelope". The first failure names the code; nothing is repaired. */
export function checkEnvelope(
  state: LaneState,
  topic: InputTopic,
  value: Uint8Array | null,
  { wire, verify = ed25519Verify }: Pick<DecideContext, 'wire' | 'verify'>,
): EnvelopeCheck {
  if (value === null || value.length === 0) return refuse('REFUSED_ENCODING', 'empty');
  const envelope = wire.decodeEnvelope(value);
  if (!envelope) return refuse('REFUSED_ENCODING', 'not-an-envelope');
  const kind = kindOf(envelope.payloadType);
  if (!kind || !isKindOf(state.rules, kind) || PAYLOAD_KINDS[kind].topic !== topic) return refuse('REFUSED_ENCODING', 'payload-type');
  if (envelope.payload.length > PAYLOAD_KINDS[kind].bytesMax) return refuse('REFUSED_SIZE', 'payload-bytes');
  let payload: Json;
  try {
    payload = parseCanonical(envelope.payload, { maxDepth: NESTING_MAX });
  } catch (error) {
    const code = error instanceof CanonicalJsonError ? error.code : undefined;
    if (code === 'DEPTH') return refuse('REFUSED_SIZE', 'nesting');
    const isNumber = state.rules >= 2 && (code === 'NUMBER' || code === 'NOT_FINITE');
    return refuse('REFUSED_ENCODING', isNumber ? 'number-inexact' : 'not-canonical');
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return refuse('REFUSED_ENCODING', 'not-an-object');
  return checkSigner(state, kind, envelope, { payload, verify });
}

function checkSigner(
  state: LaneState,
  kind: PayloadKind,
  envelope: SignedEnvelope,
  { payload, verify }: { readonly payload: Record<string, Json>; readonly verify: SignatureCheck },
): EnvelopeCheck {
  const { tenant, issuer, keyid, ledger } = payload;
  if (tenant !== envelope.tenant) return refuse('REFUSED_ENCODING', 'tenant-differs');
  if (keyid !== envelope.keyid) return refuse('REFUSED_ENCODING', 'keyid-differs');
  if (ledger !== state.heads.ledger || !isBound(state, kind, payload)) return refuse('REFUSED_ISSUER', 'another-ledger');
  if (envelope.lane !== state.heads.lane) return refuse('REFUSED_LANE', 'lane');
  if (PAYLOAD_KINDS[kind].system !== (tenant === SYSTEM_TENANT)) return refuse('REFUSED_ISSUER', 'tenant-of-kind');
  const tree = tenant === SYSTEM_TENANT ? systemTree(state.heads.lane) : envelope.tenant;
  const facts = tenant === SYSTEM_TENANT || !tree.startsWith('_') ? state.tenants.get(tree) : undefined;
  if (!facts) {
    const elsewhere = laneOf(envelope.tenant, state.lanes) !== state.heads.lane;
    return elsewhere ? refuse('REFUSED_LANE', 'tenant-of-another-lane') : refuse('REFUSED_ISSUER', 'unknown-tenant');
  }
  const publicKey = typeof issuer === 'string' ? admittedKey(state, facts, kind, issuer, envelope.keyid) : undefined;
  if (typeof issuer !== 'string' || !publicKey) return refuse('REFUSED_ISSUER', 'key-not-admitted');
  if (!verify(publicKey, pae(envelope.payloadType, envelope.payload), envelope.signature)) {
    return refuse('REFUSED_SIGNATURE', 'signature');
  }
  return { ok: { kind, envelope, payload, payloadDigest: sha256Hex(envelope.payload), tree, facts, issuer } };
}

/** From rules 2 on a record names the birth of the ledger that it is for: a name alone is a word that every installation may use. */
function isBound({ rules, birth }: LaneState, kind: PayloadKind, payload: Record<string, Json>): boolean {
  return rules === 1 || kind === 'ledger.initialised' || payload['birth'] === birth;
}

/** The ledger itself says which key may sign which kind for which tenant. */
function admittedKey(state: LaneState, facts: TenantFacts, kind: PayloadKind, issuer: string, keyid: string): Uint8Array | undefined {
  const { admittedFor } = PAYLOAD_KINDS[kind];
  if (issuer === 'admin') return admittedFor.includes('admin') && keyid === state.admin.keyid ? state.admin.publicKey : undefined;
  if (issuer === 'gateway') return admittedFor.includes('gateway') && keyid === state.gateway.keyid ? state.gateway.publicKey : undefined;
  if (issuer === 'recovery' && state.rules >= 2) {
    return admittedFor.includes('recovery') && keyid === state.recovery?.keyid ? state.recovery.publicKey : undefined;
  }
  const registered = facts.issuers.get(issuer);
  if (!registered || registered.revoked || !admittedFor.includes(registered.type)) return undefined;
  return registered.keys.get(keyid);
}
