import 'reflect-metadata';

import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import { PlainWriter } from '#adapters';
import type { LedgerBirth } from '#domain';

import { AliveController, createLogger, Health, Metrics, NestPino, openOperatorPort, type OperatorPort } from '../../kit/src/index.ts';
import { Actions, type ActionsOptions } from './actions.ts';
import { ActionsController } from './http/actions.controller.ts';
import { Gate } from './http/gate.ts';
import { createDocument } from './http/openapi.ts';
import { ProblemFilter } from './http/problem-filter.ts';
import { RateLimits, type Rates, ratesOf, TENANT_RATE_DEFAULT } from './http/rates.ts';
import { ReceiptsController } from './http/receipts.controller.ts';
import { createServer } from './http/server.ts';
import { IndexStore } from './index/index-store.ts';
import { LedgerIndex } from './index/ledger-index.ts';
import { Follower } from './kafka/follower.ts';
import { Publisher } from './kafka/publisher.ts';
import { ReceiptReader } from './kafka/receipt-reader.ts';
import { ReceiptWaiters } from './kafka/receipt-waiters.ts';
import { gatewayMetrics } from './metrics.ts';
import { SigningKeys } from './signing-keys.ts';
import { Receipts } from './receipts.ts';

/** What the gateway needs of the data folder: public facts, and its own key. */
export interface GatewayHome {
  readonly config: { readonly name: string };
  birth(): LedgerBirth;
  bound(): ActionsOptions['bound'];
  /** 32-byte seed. */
  key(name: 'gateway'): Uint8Array;
  /** As the file holds it now; undefined when there is none. */
  keyNow(name: string): Uint8Array | undefined;
  topic(name: string): string;
}
export interface GatewayOptions {
  readonly home: GatewayHome;
  readonly brokers: readonly string[];
  /** 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Of readiness and metrics, bound apart. Default: any free port on 127.0.0.1. */
  readonly operator?: { readonly port: number; readonly host?: string };
  /** Where the index is kept, for the next start to go on from; absent: in memory. Of one process at a time. */
  readonly indexFolder?: string | undefined;
  /** Of an index in memory. Default 500,000. */
  readonly entriesMax?: number;
  readonly nowMs?: () => number;
  /** How often tenants and tokens may ask. Default: as rates.ts says. */
  readonly rates?: Rates;
  /** Memory, event loop and the like on /metrics: of the process, so wanted once in each. */
  readonly processMetrics?: boolean;
}
export interface Gateway {
  readonly port: number;
  readonly health: Health;
  /** For tests that need no socket. */
  readonly server: FastifyInstance;
  /** Readiness and metrics, which no caller of the public port may ask for. */
  readonly operator: OperatorPort;
  close(): Promise<void>;
}

@Module({})
class GatewayModule {}

/** Up means: both ports are open. Ready (`/readyz` of the operator's) means: the ledger as it was at start is folded, and a broker answers. */
export async function start(options: GatewayOptions): Promise<Gateway> {
  const { home, brokers, nowMs = Date.now } = options;
  const log = createLogger('gateway');
  const health = new Health();
  const metrics = options.processMetrics === true ? new Metrics('gateway').withProcess() : new Metrics('gateway');
  const birth = home.birth();
  // While the gateway's key is being rotated the next one lies beside it; afterwards it has taken its place.
  const keys = new SigningKeys(home.key('gateway'), () => ['gateway', 'gateway.next'].flatMap((name) => home.keyNow(name) ?? []));
  const index = new LedgerIndex(birth, options.entriesMax, openStore(options, log));
  const waiters = new ReceiptWaiters();
  const reader = new ReceiptReader({ brokers, topic: home.topic('receipts'), log });
  const publisher = new Publisher(PlainWriter.open({ brokers, clientId: 'countersign-gateway', log }), home.topic('actions'));
  const follower = new Follower({
    ...{ brokers, birth, index, health, log },
    topicOf: (name) => home.topic(name),
    onReceipt: ({ lane, offset, proof, slot }) => {
      if (!follower.isCaughtUp) return;
      reader.remember(lane, offset, proof);
      const key = slot === undefined ? undefined : index.entries.waitKeyOf(slot);
      if (key !== undefined) waiters.wake(key);
    },
  });
  const receipts = new Receipts(index, reader, log);
  const actions = new Actions({ bound: home.bound(), keys, index, receipts, publisher, waiters, log, nowMs });
  const gate = new Gate(index, follower, new RateLimits(options.rates ?? ratesOf(TENANT_RATE_DEFAULT), () => performance.now()), nowMs);
  const { adapter, methodsOf, held } = createServer(() => gate);
  const module: DynamicModule = {
    module: GatewayModule,
    controllers: [AliveController, ActionsController, ReceiptsController],
    providers: [
      { provide: LedgerIndex, useValue: index },
      { provide: Receipts, useValue: receipts },
      { provide: Actions, useValue: actions },
      { provide: Gate, useValue: gate },
    ],
  };
  return NestPino.current.run(log, async () => {
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
      logger: new NestPino(log),
      abortOnError: false,
      bodyParser: false,
    });
    const server: FastifyInstance = adapter.getInstance();
    app.useGlobalFilters(new ProblemFilter(log, methodsOf));
    gatewayMetrics(metrics.registry, server, { index, publisher, waiters, follower, held });
    const document = JSON.stringify(createDocument(app));
    server.get('/openapi.json', (_request: FastifyRequest, reply: FastifyReply) =>
      reply.header('content-type', 'application/json').send(document),
    );
    let operator: OperatorPort | undefined;
    const close = async (): Promise<void> => {
      held.close();
      waiters.close(); // they answer pending: nothing that was accepted is lost
      await app.close();
      await Promise.all([follower.close(), publisher.close(), reader.close(), operator?.close()]);
    };
    const opened = options.operator ?? { port: 0 };
    try {
      operator = await openOperatorPort({ health, metrics }, opened).catch((error: unknown) => {
        throw portError(error, 'METRICS_PORT', opened.port);
      });
      await app.listen(options.port, options.host ?? '127.0.0.1').catch((error: unknown) => {
        throw portError(error, 'PORT', options.port);
      });
    } catch (error) {
      await close();
      throw error;
    }
    follower.start();
    const { port } = app.getHttpServer().address() as { port: number };
    log.info({ port, operatorPort: operator.port }, 'up');
    return { port, health, server, operator, close };
  });
}

/** Where the folder cannot be used, as on a read-only volume or beside another gateway, the index is in memory: slower to start, and no less right. */
function openStore({ indexFolder: folder, home }: GatewayOptions, log: Logger): IndexStore {
  if (folder === undefined) return new IndexStore();
  const { ledger, initialisedDigest } = home.birth();
  try {
    return new IndexStore({ folder, birth: `${ledger} ${initialisedDigest}` });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ folder, reason }, 'the index cannot be kept on disk: it is in memory; set INDEX_FOLDER to another folder');
    return new IndexStore();
  }
}

function portError(error: unknown, variable: string, port: number): unknown {
  const isInUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return isInUse ? new Error(`port ${port} is in use: set ${variable} to another, or to 0 for any`, { cause: error }) : error;
}
