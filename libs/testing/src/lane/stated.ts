import { base64url, type CiStatement, type Evidence, formatTime, signStatement } from '#domain';

import type { MemoryLane } from './memory-lane.ts';

/** Who signs it: register it with `lane.registerIssuer('acme', CI, 'ci')`. */
export const CI = 'builds';
export type About = Partial<CiStatement> & { readonly version?: 1 | 2 };
const LIFETIME_MS = 3_600_000;

/**
 * What a CI of `acme` states now: that `v2` passed, for `apply` on the thing `low`, unless it says otherwise. Each is another statement; with
 * `version` 1 it has no blind.
 */
export function stated(lane: MemoryLane, { version = 2, ...about }: About = {}, signer = CI): Evidence {
  const statement: CiStatement = {
    ...{ tenant: 'acme', type: 'ci', conclusion: 'success', resource: { type: 'thing', id: 'low' } },
    ...{ operation: 'apply', artifactDigest: 'v2' },
    ...{ issuedAt: formatTime(lane.nowMs), expiresAt: formatTime(lane.nowMs + LIFETIME_MS) },
    ...(version === 1 ? {} : { blind: base64url(lane.parties.draw()), birth: lane.birth.initialisedDigest }),
    ...about,
  };
  return signStatement(statement, lane.parties.seedOf(lane.parties.signerOf(signer, 'acme')));
}

/** The same for going back to `v1`. */
export const statedWayBack = (lane: MemoryLane, about: About = {}): Evidence =>
  stated(lane, { operation: 'undo', artifactDigest: 'v1', ...about });
