import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

interface Watched {
  readonly index: { readonly entries: { readonly size: number }; readonly actions: { readonly size: number } };
  readonly publisher: { readonly inFlight: number };
  readonly waiters: { readonly count: number };
  readonly held: { readonly count: number };
  readonly follower: { readonly lanes: readonly number[]; readonly behind: bigint; staleMs(lane: number): number };
}

/** Labels come from route patterns and status codes only, so nothing a caller writes makes a new series. */
export function gatewayMetrics(registry: Registry, server: FastifyInstance, { index, publisher, waiters, follower, held }: Watched): void {
  const registers = [registry];
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({ name: 'countersign_http_requests_total', help: 'answers by route and status', labelNames, registers });
  const seconds = new Histogram({
    name: 'countersign_http_request_seconds',
    help: 'time to the answer, waiting for a verdict included',
    labelNames: ['route'] as const,
    registers,
  });
  gauge(registry, 'countersign_index_entries', 'ledger entries that the index remembers', () => index.entries.size);
  gauge(registry, 'countersign_index_actions', 'actions that the index remembers', () => index.actions.size);
  gauge(registry, 'countersign_index_behind_records', 'records of the start that the index has still to read', () =>
    Number(follower.behind),
  );
  gauge(registry, 'countersign_publishes_in_flight', 'proposals not yet acknowledged by Kafka', () => publisher.inFlight);
  gauge(registry, 'countersign_receipt_waiters', 'callers that wait for a receipt', () => waiters.count);
  gauge(registry, 'countersign_refusals_held', 'refusals for haste that are held back', () => held.count);
  new Gauge({
    name: 'countersign_index_age_seconds',
    help: "age of a lane's facts: since when its ledger ended where the index has read it to",
    labelNames: ['lane'] as const,
    registers,
    collect() {
      for (const lane of follower.lanes) this.set({ lane }, follower.staleMs(lane) / 1000);
    },
  });
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    requests.inc({ method: request.method, route, status: String(reply.statusCode) });
    seconds.observe({ route }, reply.elapsedTime / 1000);
    done();
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
