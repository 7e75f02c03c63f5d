/** What the example's agent asks for. */
import { randomBytes } from 'node:crypto';

import { base64url, formatTime, signStatement } from '#domain';
import type { ProposalBody } from '#sdk';

const CI_LIFETIME_MS = 5 * 60_000;
/** The artifact that does not start, and the one that runs before. */
export const BROKEN = `sha256:${'bb'.repeat(32)}`;
export const RUNNING = `sha256:${'4e'.repeat(32)}`;

/** `tenantId`: whose record. Another tenant's than the platform's own is denied. */
export const recordWrite = (tenantId: string, phone: string): ProposalBody => ({
  actor: { kind: 'agent', id: 'support-assistant', actingFor: 'ben' },
  class: 'record.write',
  connector: 'crm',
  operation: 'update-record',
  parameters: { tenantId, recordType: 'customer', recordId: 'c-1029', fields: { phone } },
  resource: { type: 'record', id: 'customer' },
  justification: 'The customer gave a new telephone number.',
});

interface Deploying {
  readonly tenant: string;
  /** Of the ledger that the CI's word is for: `home.bound().birth`. */
  readonly birth: string | undefined;
  readonly ciSeed: Uint8Array;
  readonly nowMs: number;
}

/** To the low-risk sandbox, with the CI's word for the artifact and a way back. */
export function sandboxDeploy({ tenant, birth, ciSeed, nowMs }: Deploying): ProposalBody {
  const resource = { type: 'service', id: 'checkout-sandbox' };
  const passed = { tenant, type: 'ci', conclusion: 'success', resource } as const;
  const times = { issuedAt: formatTime(nowMs), expiresAt: formatTime(nowMs + CI_LIFETIME_MS) };
  const stated = (operation: string, artifactDigest: string) =>
    signStatement({ ...passed, ...times, operation, artifactDigest, blind: base64url(randomBytes(32)), birth }, ciSeed);
  return {
    actor: { kind: 'agent', id: 'release-bot' },
    class: 'deployment.change',
    connector: 'deploy',
    operation: 'deploy',
    parameters: { service: resource.id, artifactDigest: BROKEN, rollback: { operation: 'rollback', reference: RUNNING } },
    resource,
    evidence: [stated('deploy', BROKEN), stated('rollback', RUNNING)],
  };
}
