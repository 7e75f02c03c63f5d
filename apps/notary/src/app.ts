import { GuardFile, type Home, HomeError, kafkaLaneLog, LaneLeases } from '#adapters';
import { LogKeys } from '#domain';
import { Counter, Histogram } from 'prom-client';

import { crashPoints, type LaneApp, LOG, Metrics, startLaneApp } from '../../kit/src/index.ts';

import { LaneNotary } from './lane-notary.ts';
import { NotaryLanes } from './notary.lanes.ts';

export interface NotaryOptions {
  readonly home: Home;
  readonly brokers: readonly string[];
  /** 0: any free one. */
  readonly port: number;
  readonly host?: string;
  /** Unit ms. Short ones are for tests: a dead owner's lane is free after this. */
  readonly sessionTimeout?: number;
  readonly heartbeatInterval?: number;
}

/** Needs the ledger's seed in `home`, and nothing else that is secret. */
export function start({ home, brokers, port, host, ...session }: NotaryOptions): Promise<LaneApp> {
  const birth = home.birth();
  home.key('ledger'); // its absence is told at once
  const keys = new LogKeys(birth.ledger, ...home.ledgerSeeds());
  keys.further = () => home.ledgerSeeds();
  for (const { origin, vkey } of birth.systemLogs) {
    if (!keys.isOurs(origin, vkey))
      throw new HomeError(
        'WRONG_KEY',
        `keys/ledger.seed in ${home.folder} is another ledger's: ${origin} was born with a key that it does not lead to. ` +
          'Put the seed of this ledger there, from a copy of the data folder where it was made',
      );
  }
  const { topicPrefix } = home.config;
  const onPoint = crashPoints();
  const connection = { brokers, clientId: 'countersign-notary' };
  return startLaneApp({
    name: 'notary',
    port,
    ...(host === undefined ? {} : { host }),
    controller: NotaryLanes,
    providers: [
      {
        provide: LaneNotary,
        inject: [Metrics, LOG],
        useFactory: (metrics: Metrics, log: ConstructorParameters<typeof LaneNotary>[0]['log']) =>
          new LaneNotary({
            laneLog: kafkaLaneLog({ ...connection, log }),
            birth,
            keys,
            topicPrefix,
            openGuard: (lane) => GuardFile.open(home.subfolder('guard'), lane),
            log,
            onCommit: commitMetrics(metrics),
            ...(onPoint ? { onPoint } : {}),
          }),
      },
    ],
    openLeases: (events, log) => {
      const group = { groupId: `${topicPrefix}countersign.notary`, topic: home.topic('ledger'), lanes: home.config.lanes };
      return LaneLeases.start({ ...connection, ...group, ...session, ...events, log });
    },
  });
}

function commitMetrics({ registry }: Metrics): (lane: number, receipts: number, ms: number) => void {
  const registers = [registry];
  const receiptsTotal = new Counter({ name: 'countersign_receipts_total', help: 'receipts committed', labelNames: ['lane'], registers });
  const seconds = new Histogram({
    name: 'countersign_notary_commit_seconds',
    help: 'from a sealed batch read to its receipts committed',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
    registers,
  });
  return (lane, receipts, ms) => {
    receiptsTotal.inc({ lane }, receipts);
    seconds.observe(ms / 1000);
  };
}
