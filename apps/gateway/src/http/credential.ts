import type { TokenBook, TokenFact, TokenRole } from '../index/token-book.ts';
import { Problem } from './problem.ts';

/** `cs_` and 32 bytes in base64url; looser, so that an unknown form is merely unknown. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]{1,256})$/;
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
  if (!credential.roles.includes(role)) throw new Problem(403, 'ROLE_MISSING', `the token lacks the role ${role}`);
}

/** Throws Problem 403. */
export function demandAgent(credential: TokenFact, actorId: string): void {
  if (credential.agents && !credential.agents.includes(actorId))
    throw new Problem(403, 'AGENT_NOT_ALLOWED', 'the token may not speak for this actor');
}

const REFUSALS = {
  TOKEN_UNKNOWN: 'the ledger knows no such token',
  TOKEN_EXPIRED: 'the token is past its end',
  TOKEN_REVOKED: 'the token was revoked',
};
