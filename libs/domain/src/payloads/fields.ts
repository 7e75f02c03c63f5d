/** The members that payloads are made of. Every pattern takes exactly one spelling. */
import { z } from 'zod';

import { fromBase64 } from '../formats/bytes.ts';
import { isIntegerSafeDeep, type Json } from '../formats/canonical-json.ts';
import { isIdentifier, isTenantId } from '../formats/ids.ts';
import { checkPublicKey, keyIdOf } from '../formats/keys.ts';
import { parseTime } from '../formats/time.ts';

/** Lists in an entry stay readable, and the entry below 16 KiB. */
export const LIST_MAX = 32;
/** Each costs a signature check of 67 µs. */
export const EVIDENCE_MAX = 8;
/** UTF-16 units: a page of text for an approver. */
export const JUSTIFICATION_MAX = 4096;
/** Keys of one issuer, so that a key can be added long before the old one is dropped. */
export const ISSUER_KEYS_MAX = 8;
/** Characters of names that people read and no rule looks at. */
export const LABEL_MAX = 128;
/** A lane is a partition of eleven topics: far above what one cluster needs. */
export const LANES_MAX = 256;

export const identifier = z.string().refine(isIdentifier);
export const tenantId = z.string().refine(isTenantId);
export const label = z.string().min(1).max(LABEL_MAX);
export const hexDigest = z.string().regex(/^[0-9a-f]{64}$/);
export const keyId = z.string().regex(/^[0-9a-f]{32}$/);
export const time = z.string().refine((text) => succeeds(() => parseTime(text)));
/** 32 bytes in base64url: the last character carries four bits. */
export const blind = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
export const base64Text = z.string().refine((text) => succeeds(() => fromBase64(text)));
export const lane = z
  .int()
  .min(0)
  .max(LANES_MAX - 1);
/** A Kafka offset: below 2^63, no leading zero. */
export const offset = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/)
  .refine((text) => /^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n);
/** Any JSON object; the nesting was limited before. */
export const object = z.custom<Readonly<Record<string, Json>>>(isObject);
/** As `object`; numbers are integers that every reader holds exactly. */
export const integersOnly = object.refine(isIntegerSafeDeep);

export const publicKey = z.strictObject({ keyid: keyId, publicKey: base64Text }).refine(
  ({ keyid, publicKey }) =>
    succeeds(() => {
      checkPublicKey(fromBase64(publicKey));
    }) && keyIdOf(fromBase64(publicKey)) === keyid,
);

export const agents = z.array(identifier).max(LIST_MAX).refine(isSet);

export const head = {
  ledger: identifier,
  tenant: identifier,
  issuer: identifier,
  keyid: keyId,
  id: identifier,
  issuedAt: time,
  expiresAt: time,
  blind,
};

/** From rules 2 on: the ledger's birth, so that a record signed for one installation is nothing in another of the same name. */
export const bound = { birth: hexDigest };

export function isSet(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

export function succeeds(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
