import { setImmediate as nextTurn } from 'node:timers/promises';

import { BrokerUnavailable, DisposedError } from '#adapters';

import type { Network } from './memory-log.ts';
import type { Choices } from './random.ts';

/** What may become of one request: it arrives and is answered, or one of the rest. */
export type RequestFault = 'request lost' | 'answer lost' | 'delayed';

export interface Rates {
  /** Probability that a request meets a fault. */
  requestFault: number;
  /** Probability that an answer to a fetch is cut short. */
  shortAnswer: number;
}

/** One thing that somebody waits for. */
interface Step {
  readonly actor: Actor | undefined;
  readonly name: string;
  readonly isReady: (() => boolean) | undefined;
  /** Virtual time from which on it may run although nothing is ready. */
  readonly fromMs: number;
  readonly run: () => void;
  /** It was sent already: it may arrive although its sender is dead. */
  readonly request?: (() => unknown) | undefined;
}

/** A commit whose end is unknown is what matters most, and one request of many: it meets faults so many times more often. */
const COMMIT_FAULTS = 6;
/** How long one step takes at most. Unit ms. */
const STEP_MAX_MS = 3;

/**
 * Runs one step at a time, of whoever's the choices pick, in virtual time: between two of them any actor may die. Nothing else moves:
 * an actor goes on only when the step that it waits for was run.
 */
export class Scheduler {
  nowMs: number;
  readonly #steps = new Set<Step>();
  readonly #working = new Set<Actor>();
  /** Names of what was run, in order: the history itself. */
  readonly trace: string[] = [];
  onFault: (fault: RequestFault, name: string) => void = () => undefined;

  constructor(
    readonly choices: Choices,
    readonly rates: Rates,
    startMs: number,
  ) {
    this.nowMs = startMs;
  }

  /** Runs one step that may run now; false when nobody has any. */
  async runOne(): Promise<boolean> {
    const ready = [...this.#steps].filter((step) => this.#mayRun(step));
    if (ready.length === 0) return false;
    const step = this.choices.pick(ready);
    this.#steps.delete(step);
    this.nowMs += this.choices.between(0, STEP_MAX_MS);
    this.trace.push(`${step.actor?.name ?? 'broker'}: ${step.name}`);
    step.run();
    await this.settled();
    return true;
  }

  /** Until every actor that is at work waits for a step again: what it does in between, it does alone. */
  async settled(): Promise<void> {
    await promisesSettled();
    while ([...this.#working].some((actor) => !this.#isWaiting(actor))) await nextTurn();
  }

  /** Virtual time goes on to when the next step may run; false when no step waits for that. */
  passTime(): boolean {
    const next = Math.min(...[...this.#steps].filter(({ actor }) => actor?.isPaused !== true).map(({ fromMs }) => fromMs));
    if (!Number.isFinite(next)) return false;
    this.nowMs = Math.max(this.nowMs, next);
    return true;
  }

  add(step: Step): void {
    this.#steps.add(step);
  }

  /** Nobody waits for its answer: it arrives all the same, at any time. */
  sendLate(name: string, request: () => unknown): void {
    const run = (): void => {
      try {
        request();
      } catch {
        // Nobody hears of it.
      }
    };
    this.add({ actor: undefined, name, isReady: undefined, fromMs: 0, run });
  }

  /** Whatever it waits for will never come. */
  drop(of: Actor): void {
    this.#working.delete(of);
    for (const { actor, name, request } of [...this.#steps].filter((step) => step.actor === of)) {
      if (request && this.choices.chance(0.5)) this.sendLate(`${actor?.name ?? ''} dead ${name}`, request);
    }
    for (const step of this.#steps) if (step.actor === of) this.#steps.delete(step);
  }

  /** An actor that is at work has at least one step to wait for, always. */
  setWorking(of: Actor, isWorking: boolean): void {
    if (isWorking) this.#working.add(of);
    else this.#working.delete(of);
  }

  /** What the actor waits for. */
  waiting(of: Actor): string[] {
    return [...this.#steps].filter(({ actor }) => actor === of).map(({ name }) => name);
  }

  #isWaiting(of: Actor): boolean {
    for (const { actor } of this.#steps) if (actor === of) return true;
    return false;
  }

  #mayRun({ actor, isReady, fromMs }: Step): boolean {
    return actor?.isPaused !== true && (this.nowMs >= fromMs || isReady?.() === true);
  }
}

/** One process. Dead, it goes on with nothing: not even what it would do on its way out. */
export class Actor implements Network {
  isDead = false;
  isPaused = false;
  /** The step that it came from last. */
  last = 'start';

  constructor(
    readonly name: string,
    private readonly scheduler: Scheduler,
  ) {}

  kill(): void {
    this.isDead = true;
    this.scheduler.drop(this);
  }

  get isIdle(): boolean {
    const waiting = this.scheduler.waiting(this);
    return waiting.length > 0 && waiting.every((name) => name.startsWith('fetch '));
  }

  /** A point in its own program, where others may come first and it may die. */
  pass(name: string): Promise<void> {
    return this.#step(name, () => undefined, 0);
  }

  sleep(ms: number): Promise<void> {
    return this.#step('sleep', () => undefined, this.scheduler.nowMs + ms);
  }

  ask<T>(name: string, request: () => T, wait?: { isReady: () => boolean; maxWaitMs: number }): Promise<T> {
    const { choices, rates, nowMs } = this.scheduler;
    const rate = name === 'commit' ? rates.requestFault * COMMIT_FAULTS : rates.requestFault;
    const fault = choices.chance(rate) ? choices.pick<RequestFault>(['request lost', 'answer lost', 'delayed']) : undefined;
    const fromMs = wait ? nowMs + wait.maxWaitMs : 0;
    if (!fault) return this.#step(name, request, fromMs, wait?.isReady, wait ? undefined : request);
    this.scheduler.onFault(fault, name);
    return this.#step(
      name,
      () => {
        if (fault === 'answer lost') request();
        if (fault === 'delayed') this.scheduler.sendLate(`${this.name} delayed ${name}`, request);
        throw new BrokerUnavailable(`${name}: ${fault}`);
      },
      fromMs,
      wait?.isReady,
    );
  }

  cut(available: number): number {
    const { choices, rates } = this.scheduler;
    return available > 0 && choices.chance(rates.shortAnswer) ? choices.between(0, available) : Math.max(available, 0);
  }

  #step<T>(name: string, work: () => T, fromMs: number, isReady?: () => boolean, request?: () => unknown): Promise<T> {
    if (this.isDead) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const run = (): void => {
        this.last = name;
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new DisposedError(String(error)));
        }
      };
      this.scheduler.add({ actor: this, name, isReady, fromMs, run, request });
    });
  }
}

/** Promise callbacks, and what they cause, come before the next tick. */
const promisesSettled = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });
