import { type BaseOffset, type LaneLog, type OutgoingRecord, TOPICS } from '#adapters';
import { type Acknowledgement, INPUT_TOPICS } from '#domain';

import { LANE_START_MS } from '../lane/parties.ts';
import type { Coverage } from './coverage.ts';
import type { SimulatedInput, SimulatedInputs } from './inputs.ts';
import { MemoryBroker } from './memory-broker.ts';
import { GuardDisk } from './memory-guard.ts';
import { memoryLaneLog, type Network } from './memory-log.ts';
import { type HostHooks, isFault, type MakeOwner, OwnerHost } from './owner-host.ts';
import { PlatformTransactions } from './platforms.ts';
import { Choices } from './random.ts';
import { Actor, Scheduler } from './scheduler.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly inputs: SimulatedInputs;
  readonly coverage: Coverage;
  readonly decider: MakeOwner;
  readonly notary: MakeOwner;
}

/** Which faults one history has, and how often. Not every history has all: rare ones would hide behind frequent ones. */
interface Weather {
  /** Probability of an event before a step. */
  readonly event: number;
  readonly kill: boolean;
  readonly pause: boolean;
  readonly clock: boolean;
  readonly loseGuard: boolean;
  readonly longSilence: boolean;
  readonly platformTransactions: boolean;
}

/** Steps with faults; then they stop. */
const STEPS_MIN = 40;
const STEPS_MAX = 220;
/** A lane that is still at work after so many steps without faults never ends. */
const CALM_STEPS_MAX = 4000;
/** Unit ms. Two idle waits. */
const QUIET_MS = 250;

export class History {
  readonly broker: MemoryBroker;
  readonly acks: Acknowledgement[] = [];
  /** What no fault explains. */
  readonly defects: string[] = [];
  readonly #choices: Choices;
  readonly #scheduler: Scheduler;
  readonly #hosts: OwnerHost[] = [];
  readonly #toPublish: SimulatedInput[];
  readonly #weather: Weather;
  readonly #platforms: PlatformTransactions;

  constructor(private readonly options: HistoryOptions) {
    const choices = new Choices(options.seed);
    this.#choices = choices;
    const rates = { requestFault: choices.chance(0.6) ? choices.next() * 0.06 : 0, shortAnswer: choices.chance(0.5) ? choices.next() : 0 };
    const mayBe = (): boolean => choices.chance(0.6);
    this.#weather = {
      ...{ event: 0.05 + choices.next() * 0.2, kill: mayBe(), pause: mayBe(), clock: choices.chance(0.2), loseGuard: mayBe() },
      ...{ longSilence: choices.chance(0.4), platformTransactions: choices.chance(0.3) },
    };
    this.#scheduler = new Scheduler(choices, rates, LANE_START_MS);
    this.#scheduler.onFault = (fault, name) => {
      this.#count(`${fault}: ${name.split(' ')[0] ?? ''}`);
    };
    this.broker = new MemoryBroker(() => this.#scheduler.nowMs);
    for (const { name, timestampType } of TOPICS) this.broker.create(name, 1, { isStamped: timestampType === 'LogAppendTime' });
    this.#platforms = new PlatformTransactions(this.broker);
    this.#toPublish = [...options.inputs.births(), ...Array.from({ length: choices.between(1, 8) }, () => options.inputs.draw(choices))];
    for (let at = choices.between(1, 3); at > 0; at--) this.#add('decider', `decider ${at}`);
    for (let at = choices.between(1, 2); at > 0; at--) this.#add('notary', `notary ${at}`);
  }

  get trace(): readonly string[] {
    return this.#scheduler.trace;
  }

  /** Faults first; then they stop, and one decider and one notary run until there is nothing left to do. */
  async run(): Promise<void> {
    for (const host of this.#hosts) if (this.#choices.chance(0.6)) host.grant();
    for (let steps = this.#choices.between(STEPS_MIN, STEPS_MAX); steps > 0; steps--) {
      if (this.#choices.chance(this.#weather.event)) this.#happen();
      await this.#scheduler.settled();
      await this.#step();
    }
    await this.#calm();
  }

  async #step(): Promise<void> {
    const markers = this.broker.markersDue();
    if (markers.length > 0 && this.#choices.chance(0.3)) this.#mark(markers);
    else if (!(await this.#scheduler.runOne())) {
      if (markers.length > 0) this.#mark(markers);
      else if (!this.#scheduler.passTime()) this.#scheduler.nowMs += 100;
    }
    this.#count('transaction timed out', this.broker.expire());
  }

  #mark(markers: ReturnType<MemoryBroker['markersDue']>): void {
    const { transaction, partition } = this.#choices.pick(markers);
    partition.mark(transaction);
    this.#count(`marker: ${transaction.status}`);
    this.#scheduler.trace.push(`marker: ${partition.topic} ${transaction.status}`);
  }

  /** Something from outside. */
  #happen(): void {
    const { kill, pause, clock, loseGuard, longSilence } = this.#weather;
    const host = this.#choices.pick(this.#hosts);
    const kind = this.#choices.between(0, 19);
    if (kind <= 8) this.#publish();
    else if (kind <= 11) this.#event('granted', host, () => void host.grant());
    else if (kind === 12 && host.isOwning) this.#event('revoked', host, () => void host.revoke());
    else if (kind <= 15 && kill && host.isOwning) this.#kill(host);
    else if (kind === 16 && pause) this.#event('paused', host, () => void (host.actor.isPaused = true));
    else if (kind === 17) this.#event('woken', host, () => void (host.actor.isPaused = false));
    else if (kind === 18 && clock) this.#event('clock jumped', host, () => void (host.skewMs += this.#choices.pick(CLOCK_JUMPS_MS)));
    else if (kind === 19 && loseGuard && !host.isOwning && !host.disk.isEmpty) this.#event('guard lost', host, () => void host.disk.lose());
    else if (kind === 19 && longSilence)
      this.#event('long silence', host, () => void (this.#scheduler.nowMs += this.#choices.pick(SILENCES_MS)));
  }

  #kill(host: OwnerHost): void {
    this.#count(`killed after ${host.role} ${host.actor.last}`);
    this.#event('killed', host, () => void host.kill());
  }

  #event(what: string, host: OwnerHost, happen: () => void): void {
    this.#count(what);
    this.#scheduler.trace.push(`${host.actor.name}: ${what}`);
    happen();
  }

  #publish(): void {
    this.acks.push(...this.#platforms.maybeEnd(this.#choices));
    for (let count = this.#choices.between(1, 4); count > 0; count--) {
      const input = this.#toPublish.shift();
      if (!input) return;
      const record: OutgoingRecord = { topic: input.topic, partition: 0, key: null, value: input.value };
      if (this.#weather.platformTransactions && input.topic !== 'controls' && this.#choices.chance(0.5)) {
        this.#count('input in a transaction');
        this.#platforms.publish(record, this.#choices);
      } else this.#acknowledge(this.broker.append(record));
      this.#scheduler.trace.push(`published on ${input.topic}`);
    }
  }

  #acknowledge({ topic, baseOffset }: BaseOffset): void {
    const input = INPUT_TOPICS.find((each) => each === topic);
    if (input) this.acks.push({ topic: input, partition: 0, offset: baseOffset });
  }

  async #calm(): Promise<void> {
    const { rates, nowMs } = this.#scheduler;
    Object.assign(rates, { requestFault: 0, shortAnswer: 0 });
    for (const host of this.#hosts) {
      host.actor.isPaused = false;
      if (this.#choices.chance(0.5)) host.revoke();
      else if (host.isOwning) this.#kill(host);
    }
    while (this.#toPublish.length > 0) this.#publish();
    this.acks.push(...this.#platforms.endAll(this.#choices));
    await this.#until('every lease has ended', () => this.#hosts.every(({ isOwning }) => !isOwning));
    // Where a clock was ahead, decisions are dated ahead of every other clock.
    this.#scheduler.nowMs = nowMs + Math.max(0, ...this.#hosts.map(({ skewMs }) => skewMs)) + (this.#choices.chance(0.5) ? 400_000 : 0);
    for (const host of this.#hosts) host.skewMs = 0;
    const last = (['decider', 'notary'] as const).map((role) => this.#hosts.findLast((host) => host.role === role));
    for (const host of last) host?.grant();
    await this.#until('both owners are idle', this.#quiet(last.filter((host) => host !== undefined)));
    for (const host of last) host?.kill();
  }

  /** Nothing new on any topic for a while, and nobody at work. */
  #quiet(owners: readonly OwnerHost[]): () => boolean {
    let before = -1n;
    let sinceMs = 0;
    return () => {
      const written = [...this.broker.partitions].reduce((sum, { highWatermark }) => sum + highWatermark, 0n);
      const isIdle = owners.every(({ isReady, actor }) => isReady && actor.isIdle) && this.broker.markersDue().length === 0;
      if (written !== before || !isIdle) sinceMs = this.#scheduler.nowMs;
      before = written;
      return this.#scheduler.nowMs - sinceMs > QUIET_MS;
    };
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    for (let steps = 0; steps < CALM_STEPS_MAX; steps++) {
      if (isSo()) return;
      await this.#step();
    }
    this.defects.push(`without faults it never happened that ${what}: ${this.#hosts.map((host) => this.#describe(host)).join('; ')}`);
  }

  #describe({ name, isOwning, isReady, actor }: OwnerHost): string {
    return `${name}${isOwning ? ' owns' : ''}${isReady ? ' ready' : ''} waits for ${this.#scheduler.waiting(actor).join(', ')}`;
  }

  #add(role: 'decider' | 'notary', name: string): void {
    const hooks: HostHooks = {
      laneLog: (actor) => this.laneLog(actor),
      newActor: (of) => new Actor(of, this.#scheduler),
      onTakenOver: (_, facts) => {
        this.#count(`${role} took over`);
        if ('snapshotSeq' in facts && facts.snapshotSeq !== 0) this.#count('took over from a snapshot');
      },
      onEnd: (host, error) => {
        this.#scheduler.trace.push(`${host.actor.name}: ended: ${String(error)}`);
        if (isFault(error)) this.#count(`${role} ended by ${codeOf(error)}`);
        else this.defects.push(`${host.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      },
    };
    this.#hosts.push(new OwnerHost(role, name, new GuardDisk(), this.#scheduler, this.options[role], hooks));
  }

  laneLog(network: Network): LaneLog {
    return memoryLaneLog(this.broker, network);
  }

  #count(what: string, by = 1): void {
    if (by > 0) this.options.coverage.count(what, by);
  }
}

/** Unit ms. Tolerated, a step that ends an ownership, and one beyond what the broker's clock may differ by. */
const CLOCK_JUMPS_MS = [-700, 700, -3000, 3000, 70_000];
/** Unit ms. A transaction times out; escalations are over; proposals have expired. */
const SILENCES_MS = [11_000, 25_000, 310_000];

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'nothing';
  const { code, commitSent } = error as { code?: string; commitSent?: boolean };
  return `${code ?? error.name}${commitSent === true ? ' after commit' : ''}`;
}
