import { HttpException } from '@nestjs/common';

/** Closed set: clients act on the code, people read the detail. docs/http-api.md lists them. */
export const PROBLEM_CODES = [
  'TOKEN_MISSING',
  'TOKEN_UNKNOWN',
  'TOKEN_EXPIRED',
  'TOKEN_REVOKED',
  'ROLE_MISSING',
  'ACTOR_NOT_ALLOWED',
  'JSON_INVALID',
  'JSON_DUPLICATE_KEY',
  'JSON_LONE_SURROGATE',
  'JSON_DEPTH',
  'JSON_NUMBER',
  'JSON_UTF8',
  'MEMBER_NOT_YOURS',
  'BODY_MALFORMED',
  'QUERY_MALFORMED',
  'REQUEST_MALFORMED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'BODY_TOO_LARGE',
  'PAYLOAD_TOO_LARGE',
  'MEDIA_TYPE',
  'NOT_READY',
  'LAGGING',
  'LANE_HALTED',
  'BROKER_UNAVAILABLE',
  'OVERLOADED',
  'RATE_LIMITED',
  'RECEIPT_UNVERIFIED',
  'INTERNAL',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

export interface ProblemExtras {
  /** Unit s. Sent as Retry-After. */
  readonly retryAfterS?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** More members of the answer; never what the caller wrote, except identifiers that were checked. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A refusal over HTTP (RFC 9457). `code` is a ProblemCode, or the code of a Kafka fault. */
export class Problem extends HttpException {
  readonly code: string;
  readonly extras: ProblemExtras;

  constructor(status: number, code: ProblemCode | (string & {}), detail: string, extras: ProblemExtras = {}) {
    super(detail, status);
    this.code = code;
    this.extras = extras;
  }
}
