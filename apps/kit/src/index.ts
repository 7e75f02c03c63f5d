/** What the Nest applications share: the lane transport, logs, health, metrics, start and stop. */
export * from './crash-points.ts';
export * from './group-settings.ts';
export * from './health.ts';
export * from './lane-lease.ts';
export * from './lane-strategy.ts';
export * from './logging.ts';
export * from './metrics.ts';
export * from './operator-port.ts';
export { serve } from './serve.ts';
export * from './start-lane-app.ts';
