/**
 * The operator's port of a service that also has a public one: readiness and metrics tell figures of every tenant, and are asked for without
 * a credential. So they have a listener of their own, bound apart.
 */
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

import { type Health, readiness } from './health.ts';
import type { Metrics } from './metrics.ts';

/** Where it is bound unless METRICS_HOST says otherwise: on this machine only. */
export const OPERATOR_HOST_DEFAULT = '127.0.0.1';

export interface OperatorPort {
  readonly port: number;
  /** For tests that need no socket. */
  readonly server: FastifyInstance;
  close(): Promise<void>;
}

/** `port` 0: any free one. Throws when it is in use. */
export async function openOperatorPort(
  { health, metrics }: { readonly health: Health; readonly metrics: Metrics },
  { port, host = OPERATOR_HOST_DEFAULT }: { readonly port: number; readonly host?: string | undefined },
): Promise<OperatorPort> {
  const server: FastifyInstance = new FastifyAdapter().getInstance();
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', (_request, reply) => {
    const { code, body } = readiness(health);
    return reply.status(code).send(body);
  });
  server.get('/metrics', async (_request, reply) =>
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await metrics.registry.metrics()),
  );
  await server.listen({ port, host });
  const address = server.server.address();
  return { port: typeof address === 'object' && address ? address.port : port, server, close: () => server.close() };
}

/** From METRICS_PORT and METRICS_HOST. */
export function operatorPortFrom(env: NodeJS.ProcessEnv, portDefault: number): { port: number; host: string } {
  const asked = env['METRICS_PORT'];
  const port = asked === undefined || asked === '' ? portDefault : Number(asked);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`METRICS_PORT: expected 0 to 65535, got ${String(asked)}`);
  return { port, host: env['METRICS_HOST'] ?? OPERATOR_HOST_DEFAULT };
}
