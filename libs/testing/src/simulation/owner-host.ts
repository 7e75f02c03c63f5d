import { FencedError, KafkaFault, type LaneLog, type Log, silentLog } from '#adapters';
import { LaneHalted, LedgerBroken } from '#domain';

import type { GuardDisk } from './memory-guard.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** A lane's decider or notary, as its service runs it. */
export interface LaneOwner {
  run(lease: { readonly lane: number; readonly signal: AbortSignal; readonly ready: () => void }): Promise<void>;
}
/** What an owner is made with. */
export interface OwnerWorld {
  readonly laneLog: LaneLog;
  readonly disk: GuardDisk;
  readonly log: Log;
  /** This host's wall clock and its monotonic clock. Unit ms. */
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Unit ms. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly onPoint: (name: string) => Promise<void>;
  readonly snapshotEveryEntries: number;
}
export type MakeOwner = (world: OwnerWorld) => LaneOwner;

export interface HostHooks {
  readonly laneLog: (actor: Actor) => LaneLog;
  /** How an ownership ended, other than by the end of its lease. */
  readonly onEnd: (error: unknown) => void;
  /** It calls for an operator. */
  readonly onAlarm: (message: string, code: unknown) => void;
  readonly onTakenOver: (facts: object) => void;
  readonly newActor: (name: string) => Actor;
  readonly snapshotEveryEntries: number;
}

/** Unit ms, as the services do. */
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MAX_MS = 5000;

/** A machine that runs one owner at a time: as a process that can be killed, with a lease that comes and goes, a clock and a disk. */
export class OwnerHost {
  actor: Actor;
  /** The wall clock. */
  readonly clock: SimulatedClock;
  isReady = false;
  #lease: AbortController | undefined;
  #owner: LaneOwner | undefined;
  #lives = 0;

  constructor(
    readonly role: 'decider' | 'notary',
    readonly name: string,
    readonly disk: GuardDisk,
    private readonly scheduler: Scheduler,
    private readonly make: MakeOwner,
    private readonly hooks: HostHooks,
  ) {
    this.actor = hooks.newActor(name);
    this.clock = new SimulatedClock(() => scheduler.nowMs);
  }

  get isOwning(): boolean {
    return this.#lease !== undefined;
  }

  /** The group believes that this host should own the lane; a host whose process is dead starts another one. */
  grant(): void {
    if (this.#lease) return;
    const lease = new AbortController();
    this.#lease = lease;
    this.#owner ??= this.#start();
    const { actor, scheduler } = this;
    scheduler.setWorking(actor, true);
    void this.#own(this.#owner, lease.signal, actor).then(() => {
      scheduler.setWorking(actor, false);
      if (this.#lease !== lease) return;
      this.#lease = undefined;
      this.isReady = false;
    });
  }

  revoke(): void {
    this.#lease?.abort(new Error('the lease ends'));
  }

  /** SIGKILL: nothing of what it was about to do is done. */
  kill(): void {
    this.actor.kill();
    this.#lives += 1;
    this.#owner = undefined;
    this.#lease = undefined;
    this.isReady = false;
    this.actor = this.hooks.newActor(`${this.name}.${this.#lives}`);
  }

  #start(): LaneOwner {
    const { actor, disk } = this;
    const onError = (facts: object, message: string): void => {
      if ('alarm' in facts) this.hooks.onAlarm(message, 'code' in facts ? facts.code : undefined);
    };
    const onInfo = (facts: object, message: string): void => {
      if (message === 'lane taken over') this.hooks.onTakenOver(facts);
    };
    return this.make({
      laneLog: this.hooks.laneLog(actor),
      disk,
      log: { ...silentLog, info: onInfo, error: onError },
      nowMs: () => this.clock.nowMs,
      monotonicMs: () => this.scheduler.nowMs,
      sleep: (ms) => actor.sleep(ms),
      onPoint: (name) => actor.pass(name),
      snapshotEveryEntries: this.hooks.snapshotEveryEntries,
    });
  }

  /** As LaneStrategy in apps/kit: fenced, the lane is given up until it is granted again; anything else: run again after a while. */
  async #own(owner: LaneOwner, signal: AbortSignal, actor: Actor): Promise<void> {
    const ready = (): void => void (this.isReady = true);
    for (let backOffMs = BACK_OFF_FIRST_MS; !signal.aborted; backOffMs = Math.min(BACK_OFF_MAX_MS, backOffMs * 2)) {
      try {
        await owner.run({ lane: 0, signal, ready });
        return;
      } catch (error) {
        if (this.actor !== actor) return; // it is dead
        this.isReady = false;
        if (isOver(signal) && !isHalt(error)) return;
        this.hooks.onEnd(error);
        if (isHalt(error) || (error instanceof FencedError && error.succeeded)) return;
        await actor.sleep(backOffMs);
      }
    }
  }
}

/** Asked after an await, where the compiler believes that nothing can have changed. */
const isOver = (signal: AbortSignal): boolean => signal.aborted;

export const isHalt = (error: unknown): boolean => error instanceof LaneHalted || error instanceof LedgerBroken;

/** What a fault may end an ownership in; anything else is a defect. */
export const isFault = (error: unknown): boolean =>
  error instanceof KafkaFault || (error instanceof Error && ['ClockFault', 'BatchTooOld'].includes(error.name));
