import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** One registry per application: several live in one process. An application makes its own metrics with `registers: [metrics.registry]`. */
export class Metrics {
  readonly registry = new Registry();
  readonly lanesOwned = new Gauge({ name: 'countersign_lanes_owned', help: 'lanes this process works on', registers: [this.registry] });
  readonly laneFailures = new Counter({
    name: 'countersign_lane_failures_total',
    help: 'ends of a lane handler, by what followed: fenced (given up), halted (needs an operator), again (taken over anew)',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });

  constructor(app: string) {
    this.registry.setDefaultLabels({ app });
  }

  /** Memory, event loop and the like: of the process, so wanted once in each. */
  withProcess(): this {
    collectDefaultMetrics({ register: this.registry });
    return this;
  }
}
