import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

import { Counter, Gauge, Histogram } from 'prom-client';

import { CedarEngine, kafkaLaneLog, LaneLeases, wire, type Home } from '#adapters';
import { LaneHalted } from '#domain';

import { crashPoints, Health, LOG, Metrics, startLaneApp, type LaneApp } from '../../kit/src/index.ts';
import { DeciderConsumer } from './decider.consumer.ts';
import { ClockFault } from './lane-clock.ts';
import { LaneDecider, type LaneDeciderOptions } from './lane-decider.ts';

export interface DeciderOptions {
  readonly home: Home;
  readonly brokers: readonly string[];
  /** 0: any free one. */
  readonly port: number;
  readonly host?: string;
  /** Unit ms. Short ones are for tests: a dead owner's lane is free after this. */
  readonly sessionTimeout?: number;
  readonly heartbeatInterval?: number;
  readonly snapshotEveryEntries?: number;
  /** Judges candidate bundles. Default: compiles each in a process of its own. */
  readonly checkBundle?: (documentBytes: Uint8Array) => Promise<readonly string[]>;
  /** The wall clock, POSIX milliseconds. Default Date.now. */
  readonly nowMs?: () => number;
}

/** Decides the lanes that the group assigns to this process. */
export function start({ home, brokers, port, ...options }: DeciderOptions): Promise<LaneApp> {
  const { config } = home;
  const deciderSeed = home.key('decider'); // its absence is told before anything is opened
  const onPoint = crashPoints();
  const engine = new CedarEngine();
  const decider = {
    provide: LaneDecider,
    inject: [LOG, Metrics, Health],
    useFactory: (log: ConstructorParameters<typeof LaneDecider>[0]['log'], metrics: Metrics, health: Health): LaneDecider =>
      new LaneDecider({
        laneLog: kafkaLaneLog({ brokers, clientId: 'countersign-decider', log }),
        birth: home.birth(),
        topicPrefix: config.topicPrefix,
        deciderSeed,
        // While the decider's key is being rotated the next one lies beside it; afterwards it has taken its place.
        furtherSeeds: () => ['decider', 'decider.next'].flatMap((name) => home.keyNow(name) ?? []),
        engine,
        probe: () => engine.probe(),
        wire,
        verifiesAhead: true,
        pause: (ms) => (ms === 0 ? nextTurn() : delay(ms)),
        log,
        onBatch: metricsOf(metrics),
        onHeld: (lane, topic, held) => {
          const part = `lane ${lane} ${topic}`;
          if (held === undefined) health.ok(part);
          else if (held.code === 'BLOCKED') health.wait(part, held.why, held.code);
          else health.fail(part, new LaneHalted(held.code, held.why));
        },
        onClock: clocksOf(metrics, health),
        onReadable: readableMetrics(metrics),
        ...(onPoint ? { onPoint } : {}),
        ...(options.checkBundle ? { checkBundle: options.checkBundle } : {}),
        ...(options.nowMs ? { nowMs: options.nowMs } : {}),
        ...(options.snapshotEveryEntries === undefined ? {} : { snapshotEveryEntries: options.snapshotEveryEntries }),
      }),
  };
  return startLaneApp({
    name: 'decider',
    controller: DeciderConsumer,
    providers: [decider],
    port,
    ...(options.host === undefined ? {} : { host: options.host }),
    openLeases: (events, log) =>
      LaneLeases.start({
        ...events,
        onFatal: (error) => {
          events.onFatal(error);
        },
        ...{ brokers, clientId: 'countersign-decider-lanes', log },
        groupId: `${config.topicPrefix}countersign.decider`,
        topic: home.topic('controls'),
        lanes: config.lanes,
        ...(options.sessionTimeout === undefined ? {} : { sessionTimeout: options.sessionTimeout }),
        ...(options.heartbeatInterval === undefined ? {} : { heartbeatInterval: options.heartbeatInterval }),
      }),
  });
}

/** A lane whose clocks disagree is owned, and not ready. */
function clocksOf(metrics: Metrics, health: Health): NonNullable<LaneDeciderOptions['onClock']> {
  const options = { labelNames: ['lane'] as const, registers: [metrics.registry] };
  const difference = new Gauge({
    ...{ name: 'countersign_lane_clock_difference_seconds', ...options },
    help: "how far this host's clock is ahead of the broker's, when the lane's clocks were last compared",
  });
  const isHeld = new Gauge({
    ...{ name: 'countersign_lane_clock_held', ...options },
    help: '1 while nothing is decided on the lane because its clocks disagree',
  });
  return (lane, report) => {
    const part = `lane ${lane} clock`;
    if (report?.held === undefined) health.ok(part);
    else health.fail(part, new ClockFault(report.held));
    if (!report) {
      difference.remove(String(lane));
      isHeld.remove(String(lane));
      return;
    }
    difference.set({ lane }, report.differenceMs / 1000);
    isHeld.set({ lane }, report.held === undefined ? 0 : 1);
  };
}

function metricsOf(metrics: Metrics): ConstructorParameters<typeof LaneDecider>[0]['onBatch'] {
  const registers = [metrics.registry];
  const entries = new Counter({
    name: 'countersign_entries_total',
    help: 'ledger entries committed, by verdict or kind',
    labelNames: ['lane', 'verdict'] as const,
    registers,
  });
  const batches = new Histogram({
    name: 'countersign_batch_seconds',
    help: 'from the start of deciding a batch to its commit',
    buckets: [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1],
    registers,
  });
  return ({ lane, verdicts, ms }) => {
    for (const verdict of verdicts) entries.inc({ lane: String(lane), verdict });
    batches.observe(ms / 1000);
  };
}

/** Of input topics whose readable end is behind their end: an open transaction of some client. */
function readableMetrics(metrics: Metrics): NonNullable<ConstructorParameters<typeof LaneDecider>[0]['onReadable']> {
  const shared = { labelNames: ['lane', 'topic'] as const, registers: [metrics.registry] };
  const behind = new Gauge({
    name: 'countersign_input_unreadable_records',
    help: 'offsets between the readable end of an input topic and its end',
    ...shared,
  });
  const seconds = new Gauge({
    name: 'countersign_input_blocked_seconds',
    help: 'how long the readable end of an input topic has stood still below its end',
    ...shared,
  });
  return (lane, topic, { records, blockedMs }) => {
    behind.set({ lane: String(lane), topic }, records);
    seconds.set({ lane: String(lane), topic }, blockedMs / 1000);
  };
}
