import { z } from 'zod';

import {
  ASKED_WITHIN_MS,
  CanonicalJsonError,
  fromUtf8,
  isIdentifier,
  type Json,
  NESTING_MAX,
  NUMBER_FAULTS,
  parseJson,
  parseTime,
  proposalBody,
  type SaidActor,
} from '#domain';

import { Problem, type ProblemCode } from './problem.ts';

/** Unit s. The SDK's default too: long enough for a decision, short enough that a late one surprises nobody. */
export const EXPIRES_IN_DEFAULT_S = 300;
/** Unit s. An id may be decided for so long after it was first asked for; later each copy is late. */
export const EXPIRES_IN_MAX_S = ASKED_WITHIN_MS / 1000;
/** Members of a payload that the gateway writes, from the credential and its own clock. */
const NOT_YOURS = ['tenant', 'issuer', 'keyid', 'ledger', 'birth', 'token', 'blind', 'issuedAt', 'expiresAt'] as const;

/** Members of a request that the gateway reads; all others go into the payload as they are. */
const OUR_MEMBERS: readonly string[] = ['id', 'expiresIn', 'askedAt'];

export const proposalRequest = z.strictObject({
  /** Names the action, and makes sending it again harmless. Drawn when absent. */
  id: z.string().refine(isIdentifier).optional(),
  /** Unit s. Latest time to be decided. */
  expiresIn: z.int().min(1).max(EXPIRES_IN_MAX_S).optional(),
  /** When this action was first asked for. Only for an id that may have been asked for elsewhere: the gateway remembers its own. */
  askedAt: z.string().refine(isTime).optional(),
  ...proposalBody.shape,
});

export interface ProposalRequest {
  readonly id: string | undefined;
  readonly expiresInS: number;
  /** POSIX milliseconds; undefined: the first time that the gateway knows of. */
  readonly askedAtMs: number | undefined;
  readonly actor: SaidActor;
  /** Exactly the caller's members. */
  readonly body: Readonly<Record<string, Json>>;
}

/** The raw bytes of a request, strictly: nothing is repaired, and the first of two equal keys wins nothing. Throws Problem 400. */
export function parseBody(bytes: Uint8Array): Json {
  try {
    return parseJson(fromUtf8(bytes), { maxDepth: NESTING_MAX });
  } catch (error) {
    if (error instanceof CanonicalJsonError) {
      const detail = error.fault ? NUMBER_FAULTS[error.fault] : DETAILS[error.code];
      throw new Problem(400, CODES[error.code] ?? 'JSON_INVALID', detail ?? 'not json');
    }
    throw new Problem(400, 'JSON_UTF8', 'not valid utf-8');
  }
}

/** What a caller may say of an action. The tenant and the issuer are those of its credential. Throws Problem 400. */
export function parseProposal(json: Json | undefined): ProposalRequest {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Problem(400, 'BODY_MALFORMED', 'expected a json object');
  const claimed = NOT_YOURS.find((member) => Object.hasOwn(json, member));
  if (claimed !== undefined) throw new Problem(400, 'MEMBER_NOT_YOURS', `${claimed} comes from the credential, never from the body`);
  const parsed = proposalRequest.safeParse(json);
  if (!parsed.success) throw new Problem(400, 'BODY_MALFORMED', `refused: ${memberOf(parsed.error.issues)}`);
  const { id, expiresIn, askedAt, actor } = parsed.data;
  const body = Object.fromEntries(Object.entries(json).filter(([member]) => !OUR_MEMBERS.includes(member)));
  return {
    id,
    expiresInS: expiresIn ?? EXPIRES_IN_DEFAULT_S,
    askedAtMs: askedAt === undefined ? undefined : parseTime(askedAt),
    actor,
    body,
  };
}

function isTime(text: string): boolean {
  try {
    return parseTime(text) >= 0;
  } catch {
    return false;
  }
}

/** The member that is wrong, by its path in the schema: nothing that the sender wrote gets into an answer or a log. */
function memberOf(issues: readonly z.core.$ZodIssue[]): string {
  const paths = issues.map(({ code, path }) => {
    const names = path.filter((step) => typeof step === 'string');
    return [...names, ...(code === 'unrecognized_keys' ? ['(unknown member)'] : [])].join('.');
  });
  return paths.sort()[0] ?? 'body';
}

const CODES: Readonly<Record<string, ProblemCode>> = {
  UTF8: 'JSON_UTF8',
  DUPLICATE_KEY: 'JSON_DUPLICATE_KEY',
  LONE_SURROGATE: 'JSON_LONE_SURROGATE',
  DEPTH: 'JSON_DEPTH',
  NOT_FINITE: 'JSON_NUMBER',
  NUMBER: 'JSON_NUMBER',
};
const DETAILS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'an object has two members of one name',
  LONE_SURROGATE: 'a string has a lone surrogate',
  DEPTH: `nested more than ${NESTING_MAX} levels`,
};
