import { randomBytes } from 'node:crypto';

import { ed25519PublicKey } from '#crypto';
import { base64, formatVkey, keyIdOf, originOf, RULES, sealEnvelope, SYSTEM_TENANT, tenantSeed } from '#domain';

import { configOf, type LedgerConfig } from './config.ts';

/** Unit ms. The ledger takes no payload that expires more than a day ahead, and the decider's clock may be behind ours: an hour less. */
export const CONTROL_LIFETIME_MS = 23 * 60 * 60 * 1000;

export interface LedgerOptions {
  /** Public, the first part of every origin: an identifier, best a domain name of its owner. */
  readonly name: string;
  /** Fixed for ever. */
  readonly lanes: number;
  readonly topicPrefix: string;
  readonly nowMs: number;
  /** Public key of a pair that is kept offline: rotates what is lost or stolen. Absent: nothing does. */
  readonly recoveryKey?: { readonly keyid: string; readonly publicKey: string } | undefined;
  /** 32-byte seeds. */
  readonly seeds: { readonly ledger: Uint8Array; readonly admin: Uint8Array; readonly gateway: Uint8Array; readonly decider: Uint8Array };
}

/** A ledger's birth: LedgerInitialised, signed by its first admin, and the configuration that pins it. */
export function createLedger(options: LedgerOptions): { config: LedgerConfig; initialisedPayload: Uint8Array } {
  const { name, lanes, topicPrefix, nowMs, seeds, recoveryKey } = options;
  const envelope = sealEnvelope({
    kind: 'ledger.initialised',
    body: {
      format: 1,
      rules: RULES,
      name,
      lanes,
      adminKey: publicKeyOf(seeds.admin),
      gatewayKey: publicKeyOf(seeds.gateway),
      deciderKey: publicKeyOf(seeds.decider),
      recoveryKey,
      systemLogs: Array.from({ length: lanes }, (_, lane) => ({ lane, ...drawLog(name, seeds.ledger) })),
    },
    head: {
      ledger: name,
      tenant: SYSTEM_TENANT,
      issuer: 'admin',
      id: 'ledger.initialised',
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + CONTROL_LIFETIME_MS,
      blind: randomBytes(32),
    },
    seed: seeds.admin,
    lane: 0,
  });
  return { config: configOf(envelope.payload, topicPrefix), initialisedPayload: envelope.payload };
}

/** A new log: its id is random, because origins are public and name no customer. */
export function drawLog(ledgerName: string, ledgerSeed: Uint8Array): { logId: string; vkey: string } {
  const logId = randomBytes(16).toString('hex');
  const origin = originOf(ledgerName, logId);
  return { logId, vkey: formatVkey(origin, ed25519PublicKey(tenantSeed(ledgerSeed, origin))) };
}

/** As payloads name a key. */
export function publicKeyOf(seed: Uint8Array): { keyid: string; publicKey: string } {
  const publicKey = ed25519PublicKey(seed);
  return { keyid: keyIdOf(publicKey), publicKey: base64(publicKey) };
}
