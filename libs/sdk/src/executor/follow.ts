import { setTimeout as delay } from 'node:timers/promises';

import { codecs, type FetchedPartition, KafkaFault, LaneReader, type LogReader, physicalTopic, type VerdictRecord } from '#adapters';

import { openTrust, verifyVerdict, type Rejection, type VerifiedVerdict } from '../verdict.ts';

export interface FollowOptions {
  readonly brokers: readonly string[];
  /** Tenant → trust file of its log, obtained elsewhere. Verdicts of other tenants are passed over. */
  readonly trust: Readonly<Record<string, string>>;
  readonly topicPrefix?: string;
  /** Verdicts that do not verify. They never reach the handler; the default writes one line to stderr. */
  readonly onRejected?: (rejection: Rejection) => void;
  /** For tests: another log than Kafka's. */
  readonly openReader?: () => Promise<LogReader>;
}
/** Where on `verdicts` a verdict was read. */
export interface Place {
  readonly lane: number;
  readonly offset: bigint;
}
/** Unit ms. A broker that restarts is away for seconds. */
const BACK_OFF_MS = 500;

/** Reads the given lanes of `verdicts`, one verdict at a time, and hands over those whose receipt verifies. */
export class VerdictFollower {
  /** Lane → next offset. */
  readonly positions = new Map<number, bigint>();
  readonly #options: FollowOptions;
  readonly #handler: (verdict: VerifiedVerdict, place: Place) => void | Promise<void>;
  readonly #topic: string;
  readonly #trust: ReturnType<typeof openTrust>;
  readonly #stop = new AbortController();
  #reader: LogReader | undefined;
  #running: Promise<void> | undefined;

  constructor(options: FollowOptions, handler: (verdict: VerifiedVerdict, place: Place) => void | Promise<void>) {
    this.#options = options;
    this.#handler = handler;
    this.#topic = physicalTopic('verdicts', options.topicPrefix);
    this.#trust = openTrust(options.trust);
  }

  /** The offsets that a lane holds: from `start`, up to the last that is committed. */
  async range(lane: number): Promise<{ readonly start: bigint; readonly end: bigint }> {
    this.#reader ??= await this.#open();
    const [offsets] = await this.#reader.endOffsets([this.#partition(lane)]);
    if (!offsets) throw new Error(`verdicts: no answer for lane ${lane}`);
    return { start: offsets.start, end: offsets.lastStable };
  }

  run(): Promise<void> {
    return (this.#running ??= this.#follow().finally(() => this.#reader?.close()));
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'));
    if (this.#running) await this.#running.catch(() => undefined);
    else await this.#reader?.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let fetched: FetchedPartition[];
      try {
        this.#reader ??= await this.#open();
        fetched = await this.#reader.fetch(
          [...this.positions].map(([lane, offset]) => ({ ...this.#partition(lane), offset })),
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
      await this.#deliver({ lane: partition, offset }, value);
      this.positions.set(partition, offset + 1n);
    }
    if (error && !error.retriable) throw error;
    this.positions.set(partition, nextOffset);
  }

  async #deliver(place: Place, value: Buffer | null): Promise<void> {
    let record: VerdictRecord;
    try {
      if (value === null) throw new Error('empty record');
      record = codecs.verdict.decode(value);
    } catch (error) {
      this.#reject({ ...place, code: 'UNREADABLE', detail: error instanceof Error ? error.message : String(error) });
      return;
    }
    const answer = verifyVerdict(record, this.#trust);
    if (answer === undefined) return;
    if ('code' in answer) this.#reject({ ...place, ...answer });
    else await this.#handler(answer, place);
  }

  #reject(rejection: Rejection): void {
    const { onRejected } = this.#options;
    if (onRejected) onRejected(rejection);
    else process.stderr.write(`countersign: verdict rejected, lane ${rejection.lane} offset ${rejection.offset}: ${rejection.code}\n`);
  }

  #partition(lane: number): { readonly topic: string; readonly partition: number } {
    return { topic: this.#topic, partition: lane };
  }

  #open(): Promise<LogReader> {
    return this.#options.openReader?.() ?? LaneReader.open({ brokers: this.#options.brokers, clientId: 'countersign-sdk-verdicts' });
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
}
