import { setTimeout as delay } from 'node:timers/promises';

import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Logger } from 'pino';

import { FencedError } from '#adapters';
import { LaneHalted, LedgerBroken } from '#domain';

import type { Health } from './health.ts';
import { LaneContext, LANES, type LaneLease } from './lane-lease.ts';
import { NestPino } from './logging.ts';
import type { Metrics } from './metrics.ts';

/** What LaneStrategy does when its membership of the consumer group changes. */
export interface LeaseEvents {
  /**
   * The group gave us the lane; `signal` aborts when it takes it away, or when we leave. Resolves when the lane is no longer worked on;
   * called again for the same lane only after that.
   */
  readonly onAssigned: (lane: number, signal: AbortSignal) => Promise<void>;
  /** The group has said which lanes are here, and each of them was assigned. */
  readonly onJoined: () => void;
  /** Membership is over for good: nothing will be assigned any more. */
  readonly onFatal: (error: unknown) => void;
}

/** Membership of one consumer group whose members share out the lanes. */
export interface Leases {
  /** Hands a lane back, because a successor owns it: until the group assigns it again. */
  giveUp(lane: number): void;
  /** Leaves the group and aborts every signal. */
  close(): Promise<void>;
}

export interface LaneStrategyOptions {
  readonly open: (events: LeaseEvents) => Leases | Promise<Leases>;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Jitter of the back-off, in [0, 1). */
  readonly random?: () => number;
}

/** Unit ms. Below the 10 s in which a stop has to be over. */
const CLOSE_WAIT_MS = 8000;
/** Unit ms. A broker that restarts is away for a few seconds: ask often at first, then not more than every 5 s. */
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MAX_MS = 5000;
/** Unit ms. A run that lasted this long was no failed start: the next back-off begins anew. */
const STEADY_MS = 10_000;

type Listeners = Record<'fatal', (error: unknown) => void>; // an interface would not fit Server<Record<string, Function>>
type Run = (lease: LaneLease) => Promise<unknown>;

/**
 * Gives each lane that the group assigns to this process to the one `@OnLane` handler, and looks after how the handler ends:
 * fenced: the lane is handed back; a broken invariant: alarm, and not run again before a new assignment; anything else: run again.
 */
export class LaneStrategy extends Server<Listeners, 'up' | 'down'> implements CustomTransportStrategy {
  override readonly transportId = LANES;
  /** We observe the failure ourselves, so Nest must not log it a second time. */
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: LaneStrategyOptions;
  readonly #stopping = new AbortController();
  readonly #runs = new Set<Promise<void>>();
  readonly #ready = new Set<number>();
  readonly #fatalListeners: Listeners['fatal'][] = [];
  #leases: Leases | undefined;

  constructor(options: LaneStrategyOptions) {
    super();
    this.#options = options;
  }

  /** Lanes owned here whose take-over is done. */
  get readyLanes(): number[] {
    return [...this.#ready].sort((a, b) => a - b);
  }

  override listen(callback: (error?: unknown) => void): void {
    // startAllMicroservices() hangs unless the callback is called, whatever happens.
    this.#join().then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(error);
      },
    );
  }

  override async close(): Promise<void> {
    this.#stopping.abort(new Error('closing'));
    const leases = this.#leases?.close();
    const ended = Promise.allSettled([...this.#runs, leases]);
    const waiting = new AbortController();
    const late = delay(CLOSE_WAIT_MS, true, { signal: waiting.signal }).catch(() => false);
    const isLate = await Promise.race([ended.then(() => false), late]);
    waiting.abort();
    if (isLate) this.#options.log.warn({ waitedMs: CLOSE_WAIT_MS }, 'lanes did not end in time');
    this._status$.next('down');
  }

  override on(_event: 'fatal', callback: Listeners['fatal']): void {
    this.#fatalListeners.push(callback);
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the base class declares it so
  override unwrap<T>(): T {
    return this.#leases as T;
  }

  async #join(): Promise<void> {
    const [[role, handler] = [], more] = this.messageHandlers;
    if (!role || !handler || more) throw new Error(`exactly one @OnLane handler expected, found ${this.messageHandlers.size}`);
    if (!handler.isEventHandler || handler.next) throw new Error(`${role}: exactly one @OnLane handler expected, and no @MessagePattern`);
    const run = runOf(handler);
    this.#options.health.wait('group', 'joining the consumer group', 'JOINING');
    this.#leases = await this.#options.open({
      onJoined: () => {
        this.#options.health.ok('group');
      },
      onAssigned: (lane, signal) => this.#assigned(run, lane, signal),
      onFatal: (error) => {
        this.#options.log.fatal({ err: error }, 'left the consumer group for good');
        this.#options.health.fail('group', error);
        for (const listener of this.#fatalListeners) listener(error);
      },
    });
    this._status$.next('up');
  }

  #assigned(run: Run, lane: number, leaseSignal: AbortSignal): Promise<void> {
    const { health, log, metrics } = this.#options;
    const signal = AbortSignal.any([leaseSignal, this.#stopping.signal]);
    health.wait(`lane ${lane}`, 'taking over');
    metrics.lanesOwned.inc();
    // Nest's logger follows the async context, and this call comes out of the group's.
    const current = NestPino.current.run(log.child({ lane }), () => this.#own(run, lane, signal));
    this.#runs.add(current);
    return current.finally(() => {
      this.#runs.delete(current);
      this.#ready.delete(lane);
      metrics.lanesOwned.dec();
      if (signal.aborted) health.ok(`lane ${lane}`); // another process answers for it now
    });
  }

  async #own(run: Run, lane: number, signal: AbortSignal): Promise<void> {
    const { health, metrics, random = Math.random } = this.#options;
    const log = this.#options.log.child({ lane });
    const name = `lane ${lane}`;
    const ready = (): void => {
      health.ok(name);
      this.#ready.add(lane);
    };
    for (let failures = 0; !signal.aborted;) {
      const startedMs = performance.now();
      let error: unknown;
      try {
        await run({ lane, signal, ready });
        error = new Error('the lane handler ended while it held the lane');
      } catch (thrown) {
        error = thrown;
      }
      this.#ready.delete(lane);
      if (this.#isOver(signal)) return;
      if (error instanceof FencedError && error.succeeded) {
        log.warn({ err: error }, 'a successor owns the lane: given up');
        metrics.laneFailures.inc({ outcome: 'fenced' });
        health.ok(name);
        this.#leases?.giveUp(lane);
        return;
      }
      if (isHalt(error)) {
        log.fatal({ err: error, alarm: true }, 'lane halted: an operator is needed');
        metrics.laneFailures.inc({ outcome: 'halted' });
        health.fail(name, error);
        return;
      }
      failures = performance.now() - startedMs >= STEADY_MS ? 1 : failures + 1;
      metrics.laneFailures.inc({ outcome: 'again' });
      health.wait(name, messageOf(error), 'TAKING_OVER_AGAIN');
      const backOffMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(failures - 1, 16)) * (0.5 + random() / 2);
      log.warn({ err: error, backOffMs }, 'lane failed: taking over again');
      await delay(backOffMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isOver(signal: AbortSignal): boolean {
    return signal.aborted;
  }
}

/** An invariant that does not hold will not hold at the next try. */
const isHalt = (error: unknown): boolean => error instanceof LaneHalted || error instanceof LedgerBroken;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A plain value comes back as a promise of it; an Observable only when an interceptor or the exception filter ran. */
function runOf(handler: MessageHandler): Run {
  return async (lease) => {
    const result: unknown = await handler(lease, new LaneContext([lease]));
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  };
}
