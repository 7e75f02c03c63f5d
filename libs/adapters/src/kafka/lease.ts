import { setTimeout as delay } from 'node:timers/promises';
import { assignLanes, decodeHeld, encodeAssignment, encodeMember, decodeAssignment, type Member } from './assignment.ts';
import { silentLog, type ConnectionOptions, type Log } from './client.ts';
import { DisposedError, messageOf, protocolCode } from './errors.ts';
import { closeCluster, openCluster, type Broker, type Cluster } from './internals.ts';

export interface LeaseOptions extends ConnectionOptions {
  readonly groupId: string;
  /** Its partitions are the lanes. Nothing is read from it here. */
  readonly topic: string;
  readonly lanes: number;
  /**
   * Runs one lane until `signal` aborts, then resolves. Called again for a lane only when the earlier run has resolved. A rejection is fatal.
   */
  readonly onAssigned: (lane: number, signal: AbortSignal) => Promise<void> | void;
  /** The group has said which lanes are ours, were it none; `onAssigned` was called for those that are free to run. Called after every join. */
  readonly onJoined?: () => void;
  /** The lease cannot go on (not authorised, refused settings, a lane that failed): end the process. All signals are aborted by then. */
  readonly onFatal: (error: Error) => void;
  /** Unit ms. */
  readonly sessionTimeout?: number;
  readonly heartbeatInterval?: number;
  readonly rebalanceTimeout?: number;
  /** Unit ms. Mean wait before a lane that was given up is asked for again; doubles up to 16 times, ± 50 %. */
  readonly giveUpBackoff?: number;
}

const DEFAULTS = { sessionTimeout: 10_000, heartbeatInterval: 1000, rebalanceTimeout: 30_000, giveUpBackoff: 1000 };
/** Kafka answers that no later attempt changes: authorisation, unknown or inconsistent group settings. */
const FATAL = new Set([23, 24, 26, 29, 30, 31, 35]);
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: a broker says so for a moment when it starts; nobody need act. */
const STARTING = new Set([14, 15, 16]);
const BACKOFF_DOUBLINGS_MAX = 4;
/** Unit ms. After so long without giving up, the next back-off is short again. */
const QUIET_AFTER_MS = 60_000;

interface Running {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}
interface GroupShare {
  readonly memberId: string;
  readonly memberAssignment: Buffer;
}
interface Membership {
  readonly broker: Broker;
  readonly memberId: string;
  readonly generationId: number;
}

/**
 * Shares the lanes of one topic among processes by Kafka's group protocol, and nothing else: no offsets, no reading. A lease is a hint, not
 * a lock; fencing of the lane's transactional id is what keeps two owners apart. A lane is ours from the join that assigns it until a later
 * join does not, until we give it up, or until the session must have run out (no heartbeat answered for `sessionTimeout`).
 */
export class LaneLeases {
  readonly #options: LeaseOptions & typeof DEFAULTS;
  readonly #log: Log;
  readonly #cluster: Cluster;
  readonly #running = new Map<number, Running>();
  /** Runs that were told to end and have not yet. */
  readonly #ending = new Map<number, Promise<void>>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #memberId = '';
  #giveUps = 0;
  #gaveUpAtMs = -Infinity;
  #rejoinAtMs = Infinity;
  #lastAnswerMs = 0;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: LeaseOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#log = options.log ?? silentLog;
    this.#cluster = openCluster(options).cluster;
  }

  /** Starts taking part. Never rejects for an absent broker: it goes on asking. */
  static start(options: LeaseOptions): LaneLeases {
    const leases = new LaneLeases(options);
    leases.#loop = leases.#run();
    return leases;
  }

  /** The lanes that run here now. */
  get lanes(): number[] {
    return [...this.#running.keys()].sort((a, b) => a - b);
  }

  /** After being fenced: another owner is at work. The lane ends here and runs again only when a new join assigns it. */
  giveUp(lane: number): void {
    if (!this.#running.has(lane)) return;
    this.#end(lane, 'given up');
    const nowMs = performance.now();
    if (nowMs - this.#gaveUpAtMs > QUIET_AFTER_MS) this.#giveUps = 0;
    this.#gaveUpAtMs = nowMs;
    const backoffMs = this.#options.giveUpBackoff * 2 ** Math.min(this.#giveUps++, BACKOFF_DOUBLINGS_MAX);
    this.#rejoinAtMs = nowMs + backoffMs * (0.5 + Math.random());
    this.#wake.abort();
  }

  /** Aborts every lane, waits for their ends, and leaves the group so that others need not wait for the session to run out. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return this.#loop;
    this.#stop.abort();
    this.#wake.abort();
    this.#endAll('closing');
    await Promise.all(this.#ending.values());
    await this.#leave();
    await closeCluster(this.#cluster, new DisposedError('leases'));
    await this.#loop;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopped();) {
      try {
        const membership = await this.#join();
        failures = 0;
        await this.#keep(membership);
      } catch (error) {
        if (this.#stopped()) return;
        const known = protocolCode(error);
        if ((known && FATAL.has(known.code)) || isBug(error)) {
          this.#fatal(error);
          return;
        }
        if (known && MEMBERSHIP_LOST.has(known.code)) {
          this.#memberId = '';
          this.#endAll(known.type);
        } else if (this.#sessionIsOver()) this.#endAll('session lost');
        const isStarting = known !== undefined && STARTING.has(known.code);
        this.#log[isStarting ? 'info' : 'warn']({ group: this.#options.groupId, error: messageOf(error) }, 'lease: membership interrupted');
        await this.#pause(Math.min(100 * 2 ** failures++, 2000));
        await this.#cluster.refreshMetadata().catch(() => undefined); // the join reports
      }
    }
  }

  async #join(): Promise<Membership> {
    const { groupId, topic, lanes, sessionTimeout, rebalanceTimeout } = this.#options;
    if (!this.#cluster.isConnected()) await this.#cluster.connect();
    await this.#cluster.addMultipleTargetTopics([topic]);
    const broker = await this.#cluster.findGroupCoordinator({ groupId });
    const metadata = encodeMember(topic, this.lanes, this.#giveUps);
    const joined = await this.#whileSessionLasts(
      broker.joinGroup({
        groupId,
        sessionTimeout,
        rebalanceTimeout,
        memberId: this.#memberId,
        groupProtocols: [{ name: PROTOCOL, metadata }],
      }),
    );
    const { memberId, generationId, leaderId, members } = joined;
    this.#memberId = memberId;
    const groupAssignment = leaderId === memberId ? this.#share(members) : [];
    const { memberAssignment } = await this.#whileSessionLasts(broker.syncGroup({ groupId, generationId, memberId, groupAssignment }));
    this.#lastAnswerMs = performance.now();
    this.#take(decodeAssignment(memberAssignment, topic, lanes), generationId);
    return { broker, memberId, generationId };
  }

  /** As the group's leader. A member that does not speak as our processes do gets no lane: nobody knows that it would run one. */
  #share(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]): GroupShare[] {
    const { topic, lanes, groupId } = this.#options;
    const ours: Member[] = [];
    for (const { memberId, memberMetadata } of members) {
      const held = decodeHeld(memberMetadata);
      if (held) ours.push({ memberId, held });
      else this.#log.warn({ group: groupId, memberId }, 'lease: a member that is no process of ours gets no lane');
    }
    return assignLanes(lanes, ours).map(({ memberId, lanes: of }) => ({ memberId, memberAssignment: encodeAssignment(topic, of) }));
  }

  /** Heartbeats until the group rebalances or a lane that was given up is due. Lanes go on meanwhile: only the next join takes them away. */
  async #keep({ broker, memberId, generationId }: Membership): Promise<void> {
    const { groupId, heartbeatInterval, sessionTimeout } = this.#options;
    while (!this.#stopped()) {
      await this.#pause(Math.min(heartbeatInterval, Math.max(0, this.#rejoinAtMs - performance.now())));
      if (this.#stopped()) return;
      if (performance.now() - this.#lastAnswerMs > sessionTimeout) throw new Error(`no heartbeat for ${sessionTimeout} ms`);
      try {
        await this.#whileSessionLasts(broker.heartbeat({ groupId, groupGenerationId: generationId, memberId }));
        this.#lastAnswerMs = performance.now();
      } catch (error) {
        if (protocolCode(error)?.code === REBALANCE_IN_PROGRESS) {
          this.#lastAnswerMs = performance.now();
          return;
        }
        throw error;
      }
      if (performance.now() >= this.#rejoinAtMs) return;
    }
  }

  /** A join: what it does not assign ends, what it assigns and does not run starts. */
  #take(assigned: readonly number[], generationId: number): void {
    if (this.#stopped()) return;
    this.#log.info({ group: this.#options.groupId, generation: generationId, lanes: assigned }, 'lease: lanes assigned');
    this.#rejoinAtMs = Infinity;
    for (const lane of this.lanes) if (!assigned.includes(lane)) this.#end(lane, 'assigned to another process');
    for (const lane of assigned) if (!this.#running.has(lane)) this.#begin(lane);
    queueMicrotask(() => this.#options.onJoined?.()); // after the calls of #begin
  }

  #begin(lane: number): void {
    const controller = new AbortController();
    const before = this.#ending.get(lane) ?? Promise.resolve();
    const ended = before
      .then(() => (controller.signal.aborted ? undefined : this.#options.onAssigned(lane, controller.signal)))
      .catch((error: unknown) => {
        this.#fatal(error);
      });
    this.#running.set(lane, { controller, ended });
  }

  #end(lane: number, reason: string): void {
    const run = this.#running.get(lane);
    if (!run) return;
    this.#log.info({ group: this.#options.groupId, lane, reason }, 'lease: lane ends');
    this.#running.delete(lane);
    this.#ending.set(lane, run.ended);
    void run.ended.then(() => {
      if (this.#ending.get(lane) === run.ended) this.#ending.delete(lane);
    });
    run.controller.abort(new Error(`lane ${lane}: ${reason}`));
  }

  #endAll(reason: string): void {
    for (const lane of this.lanes) this.#end(lane, reason);
  }

  #fatal(error: unknown): void {
    if (this.#stopped()) return;
    this.#stop.abort();
    this.#wake.abort();
    this.#endAll('fatal');
    this.#options.onFatal(error instanceof Error ? error : new Error(messageOf(error)));
    void this.#leave().then(() => closeCluster(this.#cluster, new DisposedError('leases')));
  }

  /**
   * Waits for an answer of the coordinator; lanes end as soon as the session must be over, even when the answer never comes. One that comes
   * late and is good has to be followed by a join: the group may never have noticed, and would leave the lanes with who no longer runs them.
   */
  async #whileSessionLasts<T>(answer: Promise<T>): Promise<T> {
    const leftMs = this.#lastAnswerMs + this.#options.sessionTimeout - performance.now();
    const timer =
      this.#running.size > 0
        ? setTimeout(
            () => {
              if (!this.#sessionIsOver()) return;
              this.#endAll('session lost');
              this.#rejoinAtMs = -Infinity;
            },
            Math.max(1, leftMs + 1),
          )
        : undefined;
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #sessionIsOver(): boolean {
    return performance.now() - this.#lastAnswerMs > this.#options.sessionTimeout;
  }

  async #leave(): Promise<void> {
    if (this.#memberId === '' || !this.#cluster.isConnected()) return;
    const { groupId } = this.#options;
    const leaving = this.#cluster
      .findGroupCoordinator({ groupId })
      .then((broker) => broker.leaveGroup({ groupId, memberId: this.#memberId }));
    // Courtesy only: without it the others wait for the session to run out.
    await Promise.race([leaving.catch(() => undefined), delay(LEAVE_MAX_MS, undefined, { ref: false })]);
  }

  async #pause(ms: number): Promise<void> {
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    await delay(ms, undefined, { signal: AbortSignal.any([this.#stop.signal, this.#wake.signal]) }).catch(() => undefined); // woken early
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }
}

/** A fault of ours: trying again would hide it for ever while the process looks healthy. */
const isBug = (error: unknown): boolean => error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;

const PROTOCOL = 'countersign-lanes';
const REBALANCE_IN_PROGRESS = 27;
/** ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: the group has gone on without us. */
const MEMBERSHIP_LOST = new Set([22, 25, 82]);
/** Unit ms. */
const LEAVE_MAX_MS = 1000;
