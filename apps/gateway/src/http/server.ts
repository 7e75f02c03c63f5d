import { randomUUID } from 'node:crypto';

import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { PAYLOAD_BYTES_MAX } from '#domain';

import { parseBody } from './body.ts';
import { answerClientError } from './client-error.ts';
import type { Gate } from './gate.ts';
import { HoldBack } from './hold-back.ts';
import { Problem } from './problem.ts';
import { PROBLEM_TYPE, problemBody } from './problem-filter.ts';

/** Unit ms. A request that trickles in is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Characters of one path parameter: an identifier of 128, each written as three. */
const PARAM_CHARACTERS_MAX = 400;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Fastify with one parser of our own, which takes JSON strictly, and the gate before every body under /v1. No CORS. */
export function createServer(gateOf: () => Gate): { adapter: FastifyAdapter; methodsOf: (url: string) => string[]; held: HoldBack } {
  const held = new HoldBack();
  const adapter = new FastifyAdapter({
    bodyLimit: PAYLOAD_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX },
    clientErrorHandler: answerClientError,
    genReqId: () => randomUUID(), // never the caller's: it goes into our logs
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = new Problem(error.statusCode ?? 400, 'REQUEST_MALFORMED', 'the url cannot be read');
      void reply.status(problem.getStatus()).header('content-type', PROBLEM_TYPE).send(problemBody(problem, request.id));
    },
  });
  const server: FastifyInstance = adapter.getInstance();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    try {
      if (request.headers['content-encoding'] !== undefined) throw new Problem(415, 'MEDIA_TYPE', 'expected no content-encoding');
      done(null, parseBody(body));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers({ ...HEADERS, 'x-request-id': request.id });
    try {
      // By the route as well: the router also takes /%761/actions, and a whole url in the request line.
      const isGuarded = [request.url, request.routeOptions.url].some((path) => path?.startsWith('/v1/'));
      if (isGuarded) gateOf().admit(request);
    } catch (error) {
      held.refuse(error, () => {
        done(error as Error);
      });
      return;
    }
    done();
  });
  const methodsOf = (url: string): string[] => METHODS.filter((method) => isRouted(server, method, url));
  return { adapter, methodsOf, held };
}

/** hasRoute knows patterns only; the router itself is asked what it would do with the path. */
function isRouted(server: FastifyInstance, method: (typeof METHODS)[number], url: string): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return server.hasRoute({ method, url: patternOf(path) });
}

/** The pattern that a path of ours belongs to. */
function patternOf(path: string): string {
  const [, version, resource, ...rest] = path.split('/');
  if (version !== 'v1' || resource === undefined) return path;
  const patterns: Readonly<Record<string, Readonly<Record<number, string>>>> = {
    actions: { 0: '/v1/actions', 1: '/v1/actions/:id' },
    receipts: { 0: '/v1/receipts', 2: '/v1/receipts/:tenant/:index' },
    checkpoints: { 1: '/v1/checkpoints/:tenant' },
    trust: { 1: '/v1/trust/:tenant' },
  };
  return patterns[resource]?.[rest.length] ?? path;
}
