import { codecs, type LaneLog, type LogWriter, type OutgoingRecord, TOPICS } from '#adapters';
import type { Acknowledgement } from '#domain';

import { LANE_START_MS } from '../lane/parties.ts';
import type { Coverage } from './coverage.ts';
import type { SimulatedInputs } from './inputs.ts';
import { MemoryBroker } from './memory-broker.ts';
import { GuardDisk } from './memory-guard.ts';
import { memoryLaneLog } from './memory-log.ts';
import { isFault, isHalt, type MakeOwner, OwnerHost } from './owner-host.ts';
import { PlatformTransactions } from './platforms.ts';
import { Choices } from './random.ts';
import { Actor, type Rates, Scheduler } from './scheduler.ts';
import type { SimulatedInput } from './signed-inputs.ts';
import { SimulatedClock } from './simulated-clock.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly inputs: SimulatedInputs;
  readonly coverage: Coverage;
  readonly decider: MakeOwner;
  readonly notary: MakeOwner;
  /** A world that has come to rest: this one goes on where it did. Absent: a lane whose first record is still to be read. */
  readonly after?: SimulatedWorld | undefined;
}

/** One lane: its topics, the hosts that may own it, and whoever publishes. What happens to it when, others say. */
export class SimulatedWorld {
  readonly broker: MemoryBroker;
  /** The broker's. */
  readonly clock: SimulatedClock;
  readonly choices: Choices;
  readonly scheduler: Scheduler;
  readonly hosts: OwnerHost[] = [];
  readonly acks: Acknowledgement[] = [];
  /** What no fault explains. */
  readonly defects: string[] = [];
  readonly rates: Rates;
  readonly #platforms: PlatformTransactions;
  readonly #snapshotEveryEntries: number;
  /** Names of what ended ownerships for good. */
  readonly halts: string[] = [];
  mayHalt = false;
  /** Somebody set a clock: it may disagree with another. */
  clocksWereSet = false;

  constructor(readonly options: HistoryOptions) {
    const { seed, after } = options;
    const choices = new Choices(seed);
    this.choices = choices;
    // Not every history has every fault: rare ones would hide behind frequent ones.
    this.rates = { requestFault: choices.chance(0.6) ? choices.next() * 0.06 : 0, shortAnswer: choices.chance(0.5) ? choices.next() : 0 };
    this.scheduler = new Scheduler(choices, this.rates, after ? after.scheduler.nowMs : LANE_START_MS);
    this.scheduler.onFault = (fault, name) => {
      this.count(`${fault}: ${name.split(' ')[0] ?? ''}`);
    };
    const trueMs = (): number => this.scheduler.nowMs;
    this.clock = new SimulatedClock(trueMs);
    const nowMs = (): number => this.clock.nowMs;
    this.broker = after ? after.broker.copy(nowMs, trueMs) : newBroker(nowMs, trueMs);
    if (after) this.acks.push(...after.acks);
    this.#platforms = new PlatformTransactions(this.broker);
    this.#snapshotEveryEntries = choices.pick([1, 2, 1000]);
    for (let at = choices.between(1, 3); at > 0; at--) this.#add('decider', `decider ${at}`);
    for (let at = choices.between(1, 2); at > 0; at--) this.#add('notary', `notary ${at}`);
  }

  /** One step of anyone's, or one marker; or time passes. */
  async step(): Promise<void> {
    const markers = this.broker.markersDue();
    if (markers.length > 0 && this.choices.chance(0.3)) this.#mark(markers);
    else if (!(await this.scheduler.runOne())) {
      if (markers.length > 0) this.#mark(markers);
      else if (!this.scheduler.passTime()) this.scheduler.nowMs += 100;
    }
    this.count('transaction timed out', this.broker.expire());
  }

  kill(host: OwnerHost): void {
    this.count(`killed after ${host.role} ${host.actor.last}`);
    this.note(host, 'killed');
    host.kill();
  }

  note(host: OwnerHost, what: string): void {
    this.count(what);
    this.scheduler.trace.push(`${host.actor.name}: ${what}`);
  }

  publish({ topic, value }: SimulatedInput, inTransaction: boolean): void {
    const record: OutgoingRecord = { topic, partition: 0, key: null, value };
    this.scheduler.trace.push(`published on ${topic}`);
    if (inTransaction) {
      this.count('input in a transaction');
      this.#platforms.publish(record, this.choices);
      return;
    }
    this.acks.push({ topic, partition: 0, offset: this.broker.append(record).baseOffset });
  }

  /** Of what platforms have published in transactions: one of these, or all. */
  endPlatforms(which: 'maybe one' | 'all'): void {
    this.acks.push(...(which === 'all' ? this.#platforms.endAll(this.choices) : this.#platforms.maybeEnd(this.choices)));
  }

  count(what: string, by = 1): void {
    if (by > 0) this.options.coverage.count(what, by);
  }

  #mark(markers: ReturnType<MemoryBroker['markersDue']>): void {
    const { transaction, partition } = this.choices.pick(markers);
    partition.mark(transaction);
    this.count(`marker: ${transaction.status}`);
    this.scheduler.trace.push(`marker: ${partition.topic} ${transaction.status}`);
  }

  #add(role: 'decider' | 'notary', name: string): void {
    const host: OwnerHost = new OwnerHost(role, name, new GuardDisk(), this.scheduler, this.options[role], {
      laneLog: (actor) => this.#laneLog(actor, host),
      snapshotEveryEntries: this.#snapshotEveryEntries,
      newActor: (of) => new Actor(of, this.scheduler),
      onAlarm: (message, code) => {
        if (code === 'CLOCK' && this.clocksWereSet) this.count('held by CLOCK');
        else if (!this.mayHalt) this.defects.push(`${host.name}: false alarm: ${message}`);
      },
      onTakenOver: (facts) => {
        this.count(`${role} took over`);
        if ('snapshotSeq' in facts && facts.snapshotSeq !== 0) this.count('took over from a snapshot');
      },
      onEnd: (error) => {
        this.#ended(host, error);
      },
    });
    this.hosts.push(host);
  }

  #ended(host: OwnerHost, error: unknown): void {
    this.scheduler.trace.push(`${host.actor.name}: ended: ${String(error)}`);
    this.count(`${host.role} ended by ${codeOf(error)}`);
    if (isHalt(error)) this.halts.push(`${host.role} ${codeOf(error)}`);
    if (isFault(error) || (this.mayHalt && isHalt(error))) return;
    this.defects.push(`${host.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  /** What a notary hands to the network is on its disk already. */
  #laneLog(actor: Actor, host: OwnerHost): LaneLog {
    const log = memoryLaneLog(this.broker, actor);
    const guarded = (writer: LogWriter): LogWriter => ({
      commit: (records, laneSeq, check) => {
        for (const { topic, value } of records) if (topic === 'checkpoints') this.#expectGuarded(host, value ?? Buffer.of());
        return writer.commit(records, laneSeq, check);
      },
      expectOwner: () => writer.expectOwner(),
      close: () => writer.close(),
    });
    return { ...log, openWriter: async (options) => guarded(await log.openWriter(options)) };
  }

  #expectGuarded({ name, disk }: OwnerHost, value: Buffer): void {
    const head = headIn(value);
    if (head && !disk.holds(head.origin, head.size))
      this.defects.push(`${name}: publishes ${head.origin} ${head.size}, which it has not on disk`);
  }
}

/** With the topics of a ledger of one lane, all empty. */
export function newBroker(nowMs: () => number, monotonicMs = nowMs): MemoryBroker {
  const broker = new MemoryBroker(nowMs, monotonicMs);
  for (const { name, timestampType } of TOPICS) broker.create(name, 1, { isStamped: timestampType === 'LogAppendTime' });
  return broker;
}

/** undefined for a position. */
function headIn(value: Buffer): { origin: string; size: number } | undefined {
  try {
    return codecs.treeHead.decode(value);
  } catch {
    return undefined;
  }
}

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'nothing';
  const { code, commitSent } = error as { code?: string; commitSent?: boolean };
  return `${code ?? error.name}${commitSent === true ? ' after commit' : ''}`;
}
