import { Controller, Get, Header, HttpException, Inject } from '@nestjs/common';

import { Metrics } from './metrics.ts';

export interface HealthReason {
  readonly name: string;
  readonly reason: string;
  /** waiting ends by itself; failed needs an operator. */
  readonly state: 'waiting' | 'failed';
}

/** Everything that keeps an application from being ready, by name. */
export class Health {
  readonly #reasons = new Map<string, HealthReason>();

  /** Not ready yet, or again. */
  wait(name: string, reason: string): void {
    this.#reasons.set(name, { name, reason, state: 'waiting' });
  }

  /** Not ready until an operator has acted. */
  fail(name: string, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : '';
    this.#reasons.set(name, { name, reason: `${code}${error instanceof Error ? error.message : String(error)}`, state: 'failed' });
  }

  ok(name: string): void {
    this.#reasons.delete(name);
  }

  /** Empty when ready. */
  get reasons(): HealthReason[] {
    return [...this.#reasons.values()];
  }
}

/** `/healthz` says that the process answers, `/readyz` whether it does its work and if not why, `/metrics` is for Prometheus. */
@Controller()
export class HealthController {
  constructor(
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  /** Restarting helps a process that hangs, not a lane that is halted: so this looks at nothing else. */
  @Get('healthz')
  alive(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  ready(): { status: 'ready' } {
    const { reasons } = this.health;
    if (reasons.length > 0) throw new HttpException({ status: 'not ready', reasons }, 503);
    return { status: 'ready' };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  text(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
