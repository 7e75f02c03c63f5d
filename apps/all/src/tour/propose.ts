import { randomBytes } from 'node:crypto';

import { codecs, type Home, type OutgoingRecord } from '#adapters';
import { base64url, formatTime, laneOf, type PayloadKind, sealEnvelope, signStatement, utf8 } from '#domain';

import type { Scenario, Parties } from './scenarios.ts';

const PROPOSAL: PayloadKind = 'action.proposed';
/** Unit ms. As the SDK does it. */
const LIFETIME_MS = 5 * 60_000;

/** The record of a scenario for `actions`, as an agent platform would publish it. */
export function recordOf(home: Home, scenario: Scenario, nowMs: number): OutgoingRecord {
  const { tenant } = scenario;
  const lane = laneOf(tenant, home.config.lanes);
  return {
    topic: home.topic('actions'),
    partition: lane,
    key: Buffer.from(utf8(tenant)),
    value: Buffer.from(valueOf(home, scenario, lane, nowMs)),
  };
}

function valueOf(home: Home, scenario: Scenario, lane: number, nowMs: number): Uint8Array {
  if (scenario.kind === 'garbage') return scenario.bytes;
  const envelope = sealEnvelope({
    kind: PROPOSAL,
    body: scenario.body,
    head: {
      ...home.bound(),
      tenant: scenario.tenant,
      issuer: `platform-${scenario.tenant}`,
      id: scenario.id,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + LIFETIME_MS,
      blind: randomBytes(32),
    },
    seed: home.key(`platform-${scenario.tenant}`),
    lane,
  });
  return codecs.signedEnvelope.encode(scenario.kind === 'unsigned' ? { ...envelope, signature: new Uint8Array() } : envelope);
}

/** The tenant's own parties, which are neither the platform nor an executor. */
export function partiesOf(home: Home, nowMs: number): Parties {
  const stated = () => ({
    ...{ issuedAt: formatTime(nowMs), expiresAt: formatTime(nowMs + LIFETIME_MS) },
    blind: base64url(randomBytes(32)),
    birth: home.bound().birth,
  });
  return {
    ci: (tenant, passed) => signStatement({ ...passed, ...stated(), tenant, type: 'ci', conclusion: 'success' }, home.key(`ci-${tenant}`)),
    incidentDesk: (tenant, open) => signStatement({ ...open, ...stated(), tenant, type: 'incident' }, home.key(`incident-desk-${tenant}`)),
  };
}
