/** ledger.json: what every service of one ledger knows of it from outside. Public; it pins the ledger's first record. */
import { z } from 'zod';

import {
  base64,
  fromBase64,
  fromUtf8,
  LANES_MAX,
  NESTING_MAX,
  originOf,
  parseCanonical,
  parsePayload,
  type PayloadOf,
  payloadDigest,
} from '#domain';

const log = z.strictObject({ lane: z.int(), logId: z.string(), origin: z.string(), vkey: z.string() });
const schema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  lanes: z.int().min(1).max(LANES_MAX),
  /** Before each topic's name; '' for none. Kafka's own alphabet. */
  topicPrefix: z.string().regex(/^[A-Za-z0-9._-]{0,64}$/),
  initialised: z.strictObject({ sha256: z.string(), payload: z.string() }),
  systemLogs: z.array(log),
  adminKeyid: z.string(),
  gatewayKeyid: z.string(),
  deciderKeyid: z.string(),
});
export type LedgerConfig = z.infer<typeof schema>;

/** All but the topic prefix comes out of the payload of LedgerInitialised. */
export function configOf(initialisedPayload: Uint8Array, topicPrefix: string): LedgerConfig {
  const initialised = initialisedOf(initialisedPayload);
  const systemLogs = initialised.systemLogs.map((log) => ({ ...log, origin: originOf(initialised.name, log.logId) }));
  return schema.parse({
    format: 1,
    name: initialised.name,
    lanes: initialised.lanes,
    topicPrefix,
    initialised: { sha256: payloadDigest(initialisedPayload), payload: base64(initialisedPayload) },
    systemLogs,
    adminKeyid: initialised.adminKey.keyid,
    gatewayKeyid: initialised.gatewayKey.keyid,
    deciderKeyid: initialised.deciderKey.keyid,
  });
}

export function formatConfig(config: LedgerConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Throws unless the file says exactly what its own LedgerInitialised says. */
export function parseConfig(bytes: Uint8Array): LedgerConfig {
  const config = schema.parse(JSON.parse(fromUtf8(bytes)));
  const derived = configOf(initialisedPayloadOf(config), config.topicPrefix);
  if (formatConfig(derived) !== formatConfig(config)) throw new Error('it differs from the ledger.initialised that it holds');
  return config;
}

export function initialisedPayloadOf(config: LedgerConfig): Uint8Array {
  return fromBase64(config.initialised.payload);
}

/** What `emptyLane` needs to know: the pinned keys, lanes and system logs. */
export function birthOf(config: LedgerConfig) {
  const { rules, adminKey, gatewayKey, recoveryKey, deciderKey } = initialisedOf(initialisedPayloadOf(config));
  return {
    rules,
    ledger: config.name,
    lanes: config.lanes,
    initialisedDigest: config.initialised.sha256,
    admin: keyOf(adminKey),
    gateway: keyOf(gatewayKey),
    ...(recoveryKey ? { recovery: keyOf(recoveryKey) } : {}),
    deciderKeys: [keyOf(deciderKey)],
    systemLogs: config.systemLogs.map(({ lane, origin, vkey }) => ({ lane, origin, vkey })),
  };
}

function keyOf(key: { readonly keyid: string; readonly publicKey: string }): { keyid: string; publicKey: Uint8Array } {
  return { keyid: key.keyid, publicKey: fromBase64(key.publicKey) };
}

function initialisedOf(payload: Uint8Array): PayloadOf<'ledger.initialised'> {
  const parsed = parsePayload('ledger.initialised', parseCanonical(payload, { maxDepth: NESTING_MAX }));
  if (!parsed.ok) throw new Error(`ledger.initialised: ${parsed.detail}`);
  return parsed.value;
}
