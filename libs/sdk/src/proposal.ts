import { type PayloadOf, proposalBody } from '#domain';

import { Denied } from './errors.ts';

type Head = 'ledger' | 'birth' | 'askedAt' | 'tenant' | 'issuer' | 'keyid' | 'id' | 'issuedAt' | 'expiresAt' | 'blind' | 'mode';
/** What a caller says of an action; docs/sdk.md shows one. */
export type ProposalBody = Omit<PayloadOf<'action.proposed'>, Head> & { readonly mode?: 'enforce' | 'shadow' };

/** Unit ms. Long enough for a decision, short enough that a late one surprises nobody. */
export const EXPIRES_IN_DEFAULT_MS = 5 * 60 * 1000;
/** Unit ms. The ledger takes no proposal that may be decided later than this. */
export const EXPIRES_IN_MAX_MS = 24 * 60 * 60 * 1000;

/** Refuses here what the ledger would deny as malformed. Throws Denied. */
export function checkProposal(body: ProposalBody, expiresInMs: number): void {
  const parsed = proposalBody.safeParse(body);
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path, code }) => `${path.join('.')} ${code}`.trim()).sort();
    throw new Denied('DENY_MALFORMED', `proposal is malformed: ${paths.join('; ')}`);
  }
  if (!Number.isInteger(expiresInMs) || expiresInMs < 1 || expiresInMs > EXPIRES_IN_MAX_MS) {
    throw new Denied('DENY_MALFORMED', `expiresInMs: expected 1 to ${EXPIRES_IN_MAX_MS}, got ${expiresInMs}`);
  }
}
