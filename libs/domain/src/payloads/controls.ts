import { z } from 'zod';

import { originOf } from '../formats/log-key.ts';
import { RULES_KNOWN } from '../ledger/entry.ts';
import { parseVkey } from '../formats/vkey.ts';
import { actors } from './actors.ts';
import {
  agents,
  base64Text,
  bound,
  head,
  hexDigest,
  identifier,
  integersOnly,
  isSet,
  ISSUER_KEYS_MAX,
  keyId,
  lane,
  LANES_MAX,
  offset,
  publicKey,
  succeeds,
  tenantId,
  time,
} from './fields.ts';
import { KEY_ROLES } from './key-offer.ts';
import { ISSUER_TYPES, TOKEN_ROLES } from './kinds.ts';

/** Issuer ids that the ledger itself speaks for; a tenant's party cannot take them. */
export const RESERVED_ISSUERS: readonly string[] = ['admin', 'gateway'];
/** From rules 2 on. */
export const isReservedIssuer = (id: string): boolean => id === 'recovery' || RESERVED_ISSUERS.includes(id);

const log = { lane, logId: identifier.refine((id) => !id.includes('/')), vkey: z.string().max(256) };
const issuerId = identifier.refine((id) => !RESERVED_ISSUERS.includes(id));

export const ledgerInitialised = z
  .strictObject({
    ...head,
    format: z.literal(1),
    rules: z.literal(RULES_KNOWN),
    name: identifier,
    lanes: z.int().min(1).max(LANES_MAX),
    adminKey: publicKey,
    gatewayKey: publicKey,
    deciderKey: publicKey,
    systemLogs: z.array(z.strictObject(log)).max(LANES_MAX),
  })
  .refine(({ name, ledger }) => name === ledger)
  .refine(({ lanes, systemLogs }) => systemLogs.length === lanes && systemLogs.every((log, at) => log.lane === at))
  .refine(({ ledger, systemLogs }) => systemLogs.every((log) => isLogOf(ledger, log)));

/** From rules 2 on: a key that is kept offline, and rotates what is lost or stolen. */
export const recoverable = { recoveryKey: publicKey.optional() };

export const tenantRegistered = z
  .strictObject({ ...head, registers: tenantId, ...log })
  .refine((payload) => isLogOf(payload.ledger, payload));

/** Another log for a tenant, or for the lane itself: the old one is closed for ever. */
export const logRotated = z.strictObject({ ...head, rotates: identifier, ...log }).refine((payload) => isLogOf(payload.ledger, payload));

const party = {
  ...head,
  registers: issuerId,
  type: z.enum(ISSUER_TYPES),
  keys: z
    .array(publicKey)
    .min(1)
    .max(ISSUER_KEYS_MAX)
    .refine((keys) => isSet(keys.map((key) => key.keyid))),
};
/** `agents`: actors it may speak for; absent: any. */
export const issuerRegisteredRules1 = z.strictObject({ ...party, agents: agents.optional() });
/** `actors`: what a platform may say; absent: nothing. Only a platform says anything of actors. */
export const issuerRegistered = z
  .strictObject({ ...party, ...bound, actors: actors.optional() })
  .refine(({ type, actors }) => type === 'platform' || actors === undefined, { path: ['actors'] });

export const issuerRevoked = z.strictObject({ ...head, revokes: issuerId });

/** One more key for a party that is registered. */
export const keyAdded = z.strictObject({ ...head, holder: issuerId, adds: publicKey });

/** One key of a party, by its keyid; the others go on. */
export const keyRevoked = z.strictObject({ ...head, holder: issuerId, revokes: keyId });

/** Another key for one of the ledger's own roles, as its holder offered it. */
export const keyRotated = z.strictObject({
  ...head,
  role: z.enum(KEY_ROLES),
  key: publicKey,
  possession: base64Text,
  handover: base64Text.optional(),
});

const token = {
  ...head,
  token: identifier,
  /** SHA-256 of the bearer string. */
  tokenHash: hexDigest,
  roles: z.array(z.enum(TOKEN_ROLES)).min(1).refine(isSet),
  validUntil: time,
};
export const tokenIssuedRules1 = z.strictObject({ ...token, agents: agents.optional() });
/** `actors`: what it may propose for; absent: nothing. A token that only reads says nothing of actors. */
export const tokenIssued = z
  .strictObject({ ...token, ...bound, actors: actors.optional() })
  .refine(({ roles, actors }) => roles.includes('propose') || actors === undefined, { path: ['actors'] });

export const tokenRevoked = z.strictObject({ ...head, revokes: identifier });

/** The document's own shape is checked by policy/bundle.ts, which can say more about it. */
export const bundleActivated = z.strictObject({ ...head, bundle: integersOnly });

/** An operator says that records [from, to) of an input topic are gone; another epoch when the topic was made again. */
export const inputGap = z.strictObject({
  ...head,
  /** Not controls: it is kept for ever, and its loss cannot be declared on itself. */
  topic: z.enum(['actions', 'outcomes']),
  lane,
  from: offset,
  to: offset,
  epoch: z.int().min(0),
});

/** Sets a lane's time back to the clock's. */
export const timeCorrected = z.strictObject({
  ...head,
  lane,
  /** The time that is wrong: the lane's last `decidedAt`. So one correction is of one time, and a copy of it corrects nothing. */
  laneTime: time,
});

/** The vkey is the log's own: named by its origin, with a key that may be trusted. */
function isLogOf(ledger: string, log: { readonly logId: string; readonly vkey: string }): boolean {
  return succeeds(() => {
    if (parseVkey(log.vkey).name !== originOf(ledger, log.logId)) throw new RangeError('vkey of another log');
  });
}
