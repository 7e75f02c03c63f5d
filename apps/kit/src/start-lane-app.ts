import 'reflect-metadata';

import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';

import { Health, HealthController } from './health.ts';
import { LaneStrategy, type LeaseEvents, type Leases } from './lane-strategy.ts';
import { createLogger, NestPino } from './logging.ts';
import { Metrics } from './metrics.ts';

/** Token of the application's pino logger. */
export const LOG = Symbol.for('countersign.log');

export interface LaneAppOptions {
  /** Name in logs and metrics. */
  readonly name: string;
  /** The class with the `@OnLane` method; its dependencies are `providers`, Health, Metrics and LOG. */
  readonly controller: Type;
  readonly providers: readonly Provider[];
  /** `(events, log) => LaneLeases.start({ ...settings, ...events, log })` */
  readonly openLeases: (events: LeaseEvents, log: Logger) => Leases | Promise<Leases>;
  /** Of health and metrics, the only ones: METRICS_PORT. 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1: they are not for everyone. METRICS_HOST. */
  readonly host?: string;
}

export interface LaneApp {
  readonly port: number;
  readonly health: Health;
  /** Lanes owned here whose take-over is done. */
  readonly readyLanes: readonly number[];
  /** Resolves when the consumer group is lost for good. */
  readonly fatal: Promise<unknown>;
  close(): Promise<void>;
}

/** Nest wants a class to name the module by; all of it is in the DynamicModule. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- as above
class LaneAppModule {}

/** One Nest application that owns lanes and answers `/healthz`, `/readyz` and `/metrics`. Up: the port is open and the group joined. */
export async function startLaneApp(options: LaneAppOptions): Promise<LaneApp> {
  const log = createLogger(options.name);
  const health = new Health();
  const metrics = new Metrics(options.name);
  const strategy = new LaneStrategy({ open: (events) => options.openLeases(events, log), health, metrics, log });
  const fatal = new Promise<unknown>((resolve) => {
    strategy.on('fatal', resolve);
  });
  const module: DynamicModule = {
    module: LaneAppModule,
    controllers: [HealthController, options.controller],
    providers: [
      { provide: Health, useValue: health },
      { provide: Metrics, useValue: metrics },
      { provide: LOG, useValue: log },
      ...options.providers,
    ],
  };
  return NestPino.current.run(log, async () => {
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
      logger: new NestPino(log),
      abortOnError: false,
    });
    try {
      app.connectMicroservice<MicroserviceOptions>({ strategy });
      await app.init();
      await app.startAllMicroservices();
      await app.listen(options.port, options.host ?? '127.0.0.1');
    } catch (error) {
      await app.close();
      throw error;
    }
    const { port } = app.getHttpServer().address() as { port: number };
    log.info({ port }, 'up');
    return {
      port,
      health,
      fatal,
      get readyLanes() {
        return strategy.readyLanes;
      },
      close: () => app.close(),
    };
  });
}
