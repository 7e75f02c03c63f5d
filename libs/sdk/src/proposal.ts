import { ASKED_WITHIN_MS, type PayloadOf, proposalBody } from '#domain';

import { Denied } from './errors.ts';

type Head = 'ledger' | 'birth' | 'askedAt' | 'tenant' | 'issuer' | 'keyid' | 'id' | 'issuedAt' | 'expiresAt' | 'blind' | 'mode';
/** What a caller says of an action; docs/sdk.md shows one. */
export type ProposalBody = Omit<PayloadOf<'action.proposed'>, Head> & { readonly mode?: 'enforce' | 'shadow' };

/** Unit ms. Long enough for a decision, short enough that a late one surprises nobody. */
export const EXPIRES_IN_DEFAULT_MS = 5 * 60 * 1000;
/** Unit ms, from when the action was first asked for: later each copy of it is late. */
export const EXPIRES_IN_MAX_MS = ASKED_WITHIN_MS;

/** Refuses here what the ledger would deny as malformed. Throws Denied. */
export function checkProposal(body: ProposalBody, expiresInMs: number): void {
  const fault = numberFaultIn(body);
  if (fault !== undefined) throw new Denied('DENY_MALFORMED', `proposal: ${fault}`);
  const parsed = proposalBody.safeParse(body);
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path, code }) => `${path.join('.')} ${code}`.trim()).sort();
    throw new Denied('DENY_MALFORMED', `proposal is malformed: ${paths.join('; ')}`);
  }
  if (!Number.isInteger(expiresInMs) || expiresInMs < 1 || expiresInMs > EXPIRES_IN_MAX_MS) {
    throw new Denied('DENY_MALFORMED', `expiresInMs: expected 1 to ${EXPIRES_IN_MAX_MS}, got ${expiresInMs}`);
  }
}

/**
 * A number that may already be another one than was meant, or that JSON cannot carry. What JavaScript has rounded before it came here cannot
 * be seen, but every integer beyond 2^53 may have been: such values travel as strings.
 */
function numberFaultIn(body: object): string | undefined {
  const pending: [path: string, value: unknown][] = [['', body]];
  const seen = new Set<object>(); // an object that holds itself has no end
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [path, value] = next;
    if (typeof value === 'bigint') return `${path} is a bigint: JSON has no such number, send it as a string`;
    if (typeof value === 'number' && !Number.isFinite(value)) return `${path} is ${value}: JSON has no such number`;
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return `${path} is an integer beyond 2^53, which may have been rounded before it came here: send it as a string`;
    }
    if (typeof value === 'object' && value !== null && !seen.has(value)) {
      seen.add(value);
      for (const [name, member] of Object.entries(value)) pending.push([path === '' ? name : `${path}.${name}`, member]);
    }
  }
  return undefined;
}
