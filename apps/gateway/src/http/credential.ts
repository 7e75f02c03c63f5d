import { checkActor, type SaidActor, type TokenRole } from '#domain';

import type { TokenBook, TokenFact } from '../index/token-book.ts';
import { Problem } from './problem.ts';

/** The scheme is written in any case (RFC 9110 §11.1). `cs_` and 32 bytes in base64url; looser, so that an unknown form is merely unknown. */
const BEARER = /^bearer ([a-z0-9._~+/=-]{1,256})$/i;
const CHALLENGE = { headers: { 'www-authenticate': 'Bearer realm="countersign"' } };

/** Who calls, by the ledger's word. Throws Problem 401. */
export function authenticate(authorization: string | undefined, tokens: TokenBook, nowMs: number): TokenFact {
  const bearer = BEARER.exec(authorization ?? '')?.[1];
  if (bearer === undefined) throw new Problem(401, 'TOKEN_MISSING', 'expected authorization: Bearer <token>', CHALLENGE);
  const answer = tokens.check(bearer, nowMs);
  if ('ok' in answer) return answer.ok;
  throw new Problem(401, answer.refused, REFUSALS[answer.refused], CHALLENGE);
}

/** Throws Problem 403. */
export function demandRole(credential: TokenFact, role: TokenRole): void {
  if (!credential.roles.includes(role))
    throw new Problem(403, 'ROLE_MISSING', `the token lacks the role ${role}: ask for one that has it (countersign token issue --roles)`);
}

/** Throws Problem 403. The decider looks at the same list: this only tells the caller at once. */
export function demandActor({ says }: TokenFact, actor: SaidActor): void {
  if (says.rules === 1) {
    if (says.agents?.includes(actor.id) === false) throw new Problem(403, 'ACTOR_NOT_ALLOWED', FAULTS.actor);
    return;
  }
  const check = checkActor(says.actors, actor);
  if (!check.ok) throw new Problem(403, 'ACTOR_NOT_ALLOWED', FAULTS[check.fault]);
}

const FAULTS = {
  actor:
    'the token may not say this actor: say one that it lists, or ask for a token that lists this one (countersign token issue --actor)',
  'acting-for':
    'the token lists this actor with other people than actor.actingFor says: name one for whom it acts, or nobody where it acts for itself',
};

const REFUSALS = {
  TOKEN_UNKNOWN: 'the ledger knows no such token',
  TOKEN_EXPIRED: 'the token is past its end',
  TOKEN_REVOKED: 'the token was revoked',
};
