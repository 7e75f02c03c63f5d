import { Controller, Get, Header, HttpException, Inject } from '@nestjs/common';

import { Metrics } from './metrics.ts';

export interface HealthReason {
  readonly name: string;
  /** Of a closed set: what may be shown to anyone who reaches the port. */
  readonly code: string;
  /** For the operator: it may hold offsets, origins and addresses. */
  readonly reason: string;
  /** waiting ends by itself; failed needs an operator. */
  readonly state: 'waiting' | 'failed';
}

/** Everything that keeps an application from being ready, by name. */
export class Health {
  readonly #reasons = new Map<string, HealthReason>();
  #serves: () => boolean = () => false;

  /** `serves`: whether the application does its work for somebody although there are reasons, such as one lane's. Default: never. */
  servesWhile(serves: () => boolean): void {
    this.#serves = serves;
  }

  /** Ready, or in trouble that is not everybody's. */
  get isServing(): boolean {
    return this.#reasons.size === 0 || this.#serves();
  }

  /** Not ready yet, or again. */
  wait(name: string, reason: string, code = 'NOT_YET'): void {
    this.#reasons.set(name, { name, code, reason, state: 'waiting' });
  }

  /** Not ready until an operator has acted. The caller logs what happened. */
  fail(name: string, error: unknown): void {
    const known = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    const message = error instanceof Error ? error.message : String(error);
    const reason = known === undefined ? message : `${known}: ${message}`;
    this.#reasons.set(name, { name, code: known ?? 'FAILED', reason, state: 'failed' });
  }

  ok(name: string): void {
    this.#reasons.delete(name);
  }

  /** Empty when ready. */
  get reasons(): HealthReason[] {
    return [...this.#reasons.values()];
  }
}

type ShownReason = Pick<HealthReason, 'name' | 'code' | 'state'>;

/** What `/readyz` answers: names, codes and states only. What happened in detail is in the log. */
export function readiness(health: Health): { code: 200 | 503; body: { status: string; reasons?: ShownReason[] } } {
  const reasons = health.reasons.map(({ name, code, state }) => ({ name, code, state }));
  if (reasons.length === 0) return { code: 200, body: { status: 'ready' } };
  // One lane's trouble must not take the others' service away, as a load balancer does at 503.
  if (health.isServing) return { code: 200, body: { status: 'degraded', reasons } };
  return { code: 503, body: { status: 'not ready', reasons } };
}

/** Of a public port: that the process answers, and nothing more. Restarting helps a process that hangs, not a lane that is halted. */
@Controller()
export class AliveController {
  @Get('healthz')
  alive(): { status: 'ok' } {
    return { status: 'ok' };
  }
}

/**
 * Of an operator's port: `/healthz` says that the process answers, `/readyz` whether it does its work and if not why, `/metrics` is for
 * Prometheus.
 */
@Controller()
export class HealthController extends AliveController {
  constructor(
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {
    super();
  }

  @Get('readyz')
  ready(): object {
    const { code, body } = readiness(this.health);
    if (code === 503) throw new HttpException(body, code);
    return body;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  text(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
