import { STATUS_CODES } from 'node:http';

import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { nextAfterNo } from '#domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import { Problem } from './problem.ts';

/** Every answer that is not a success: application/problem+json with a code, and nothing of the request's own text. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Logger;
  readonly #methodsOf: (url: string) => string[];

  constructor(log: Logger, methodsOf: (url: string) => string[]) {
    this.#log = log;
    this.#methodsOf = methodsOf;
  }

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.#problemOf(exception, request);
    const status = problem.getStatus();
    if (status === 500) this.#log.error({ err: exception, requestId: request.id }, 'request failed');
    for (const [name, value] of Object.entries(problem.extras.headers ?? {})) void reply.header(name, value);
    if (problem.extras.retryAfterS !== undefined) void reply.header('retry-after', String(problem.extras.retryAfterS));
    void reply.status(status).header('content-type', PROBLEM_TYPE).send(problemBody(problem, request.id));
  }

  #problemOf(exception: unknown, request: FastifyRequest): Problem {
    if (exception instanceof Problem) return exception;
    if (!(exception instanceof HttpException)) return new Problem(500, 'INTERNAL', 'the request failed inside the gateway');
    const status = exception.getStatus();
    const answer = exception.getResponse();
    if (status === 503 && typeof answer === 'object')
      return new Problem(503, 'NOT_READY', 'not ready', { members: { ...answer }, retryAfterS: 2 });
    if (status !== 404)
      return OF_STATUS[status] ?? new Problem(status, status < 500 ? 'REQUEST_MALFORMED' : 'INTERNAL', STATUS_CODES[status] ?? 'refused');
    const methods = this.#methodsOf(request.url);
    if (methods.length === 0) return new Problem(404, 'NOT_FOUND', 'no such resource');
    return new Problem(405, 'METHOD_NOT_ALLOWED', `allowed: ${methods.join(', ')}`, { headers: { allow: methods.join(', ') } });
  }
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** What Fastify itself refuses, before any of our code. */
const OF_STATUS: Readonly<Record<number, Problem | undefined>> = {
  413: new Problem(413, 'BODY_TOO_LARGE', 'a body has at most 128 KiB'),
  415: new Problem(415, 'MEDIA_TYPE', 'expected content-type application/json, without content-encoding'),
};

export function problemBody(problem: Problem, requestId: string): string {
  const status = problem.getStatus();
  return JSON.stringify({
    ...problem.extras.members,
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'refused',
    status,
    code: problem.code,
    detail: problem.message,
    next: nextAfterNo(problem.code, 'BROKER_UNAVAILABLE'), // a code that is not ours is Kafka's
    requestId,
  });
}
