/** What may be said for --tenant: looked at before anything is asked of a ledger. */
import { isTenantId } from '#domain';

import { CliError } from './errors.ts';

export const TENANT_FORM = 'letters, digits and . _ : @ / -, at most 128, not starting with _';

/** Whose logs there are: a tenant's, and the system's of each lane. */
export function tenantOrSystem(text: string): string {
  if (isTenantId(text) || laneOfSystem(text) !== undefined) return text;
  throw new CliError(`--tenant: expected a tenant (${TENANT_FORM}) or _system.<lane>, got "${text}"`);
}

/** Of `_system.<lane>`; undefined for everything else. */
export function laneOfSystem(text: string): number | undefined {
  const lane = /^_system\.(0|[1-9]\d*)$/.exec(text)?.[1];
  return lane === undefined ? undefined : Number(lane);
}

export function tenantOnly(text: string): string {
  if (isTenantId(text)) return text;
  throw new CliError(`--tenant: expected a tenant (${TENANT_FORM}), got "${text}"`);
}
