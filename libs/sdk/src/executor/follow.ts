import { setTimeout as delay } from 'node:timers/promises';

import { codecs, type FetchedPartition, KafkaFault, LaneReader, physicalTopic, type VerdictRecord } from '#adapters';

import { openTrust, verifyVerdict, type Rejection, type VerifiedVerdict } from './verdict.ts';

export interface OnVerdictOptions {
  readonly brokers: readonly string[];
  /** Tenant → trust file of its log, obtained elsewhere. Verdicts of other tenants are passed over. */
  readonly trust: Readonly<Record<string, string>>;
  /** How many lanes the ledger has. */
  readonly lanes: number;
  readonly topicPrefix?: string;
  /** `now`: what comes after the call. Otherwise the next offset of each lane, as `positions` gave them. Default now. */
  readonly from?: 'now' | readonly bigint[];
  /** Verdicts that do not verify. They never reach the handler; the default writes one line to stderr. */
  readonly onRejected?: (rejection: Rejection) => void;
}
export type VerdictHandler = (verdict: VerifiedVerdict) => void | Promise<void>;

export interface Subscription {
  /** Next offset per lane: everything before was handled or rejected. Keep them, and go on from there. */
  readonly positions: readonly bigint[];
  /** Resolves at close; rejects with what the handler threw, or when the position no longer exists. Nothing is skipped. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/** Unit ms. A broker that restarts is away for seconds. */
const BACK_OFF_MS = 500;

/**
 * Follows `verdicts` and hands over, in the order of each lane and one at a time, those whose receipt verifies. For observation: acting on
 * a verdict needs a claim, so that an effect runs once, and claims are not part of this version.
 */
export async function onVerdict(options: OnVerdictOptions, handler: VerdictHandler): Promise<Subscription> {
  const follower = new VerdictFollower(options, handler);
  await follower.position();
  const done = follower.run();
  done.catch(() => undefined); // whoever cares awaits it
  return {
    get positions() {
      return [...follower.positions];
    },
    done,
    close: () => follower.close(),
  };
}

class VerdictFollower {
  readonly positions: bigint[] = [];
  readonly #options: OnVerdictOptions;
  readonly #handler: VerdictHandler;
  readonly #topic: string;
  readonly #trust: ReturnType<typeof openTrust>;
  readonly #stop = new AbortController();
  #reader: LaneReader | undefined;
  #running: Promise<void> | undefined;

  constructor(options: OnVerdictOptions, handler: VerdictHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#topic = physicalTopic('verdicts', options.topicPrefix);
    this.#trust = openTrust(options.trust);
  }

  async position(): Promise<void> {
    const { from = 'now', lanes } = this.#options;
    if (from !== 'now') {
      if (from.length !== lanes) throw new RangeError(`from: expected ${lanes} offsets, got ${from.length}`);
      this.positions.push(...from);
      return;
    }
    const reader = (this.#reader = await this.#open());
    const ends = await reader.endOffsets(Array.from({ length: lanes }, (_, partition) => ({ topic: this.#topic, partition })));
    for (const { partition, lastStable } of ends) this.positions[partition] = lastStable;
  }

  run(): Promise<void> {
    return (this.#running ??= this.#follow().finally(() => this.#reader?.close()));
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'));
    await this.#running?.catch(() => undefined);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let fetched: FetchedPartition[];
      try {
        this.#reader ??= await this.#open();
        fetched = await this.#reader.fetch(
          this.positions.map((offset, partition) => ({ topic: this.#topic, partition, offset })),
          { signal },
        );
      } catch (error) {
        if (this.#isStopped()) return;
        if (!(error instanceof KafkaFault && error.retriable)) throw error;
        await this.#reader?.close();
        this.#reader = undefined;
        await delay(BACK_OFF_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      for (const lane of fetched) await this.#take(lane);
      if (fetched.some(({ error }) => error)) await delay(BACK_OFF_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #take({ partition, records, nextOffset, error }: FetchedPartition): Promise<void> {
    for (const { value, offset } of records) {
      if (this.#isStopped()) return;
      await this.#deliver(partition, offset, value);
      this.positions[partition] = offset + 1n;
    }
    if (error && !error.retriable) throw error;
    this.positions[partition] = nextOffset;
  }

  async #deliver(lane: number, offset: bigint, value: Buffer | null): Promise<void> {
    let record: VerdictRecord;
    try {
      if (value === null) throw new Error('empty record');
      record = codecs.verdict.decode(value);
    } catch (error) {
      this.#reject({ lane, offset, code: 'UNREADABLE', detail: error instanceof Error ? error.message : String(error) });
      return;
    }
    const answer = verifyVerdict(record, this.#trust);
    if (answer === undefined) return;
    if ('code' in answer) this.#reject({ lane, offset, ...answer });
    else await this.#handler(answer);
  }

  #reject(rejection: Rejection): void {
    const { onRejected } = this.#options;
    if (onRejected) onRejected(rejection);
    else process.stderr.write(`countersign: verdict rejected, lane ${rejection.lane} offset ${rejection.offset}: ${rejection.code}\n`);
  }

  #open(): Promise<LaneReader> {
    return LaneReader.open({ brokers: this.#options.brokers, clientId: 'countersign-sdk-verdicts' });
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
}
