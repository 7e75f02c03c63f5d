import {
  OffsetOutOfRange,
  UnreadableBatch,
  type FetchedPartition,
  type FetchOptions,
  type FetchPosition,
  type KafkaRecord,
  type LogReader,
} from '#adapters';
import { INPUT_TOPICS, LaneHalted, type InputTopic, type LaneState } from '#domain';

/** Bytes waiting per topic before it is not fetched any further: two batches. */
const BUFFER_BYTES_MAX = 4 * 1024 * 1024;
/**
 * Candidate bundles waiting at once. Each takes seconds to judge, and its judgement must be remembered until it is decided: of all lanes of a
 * process together fewer wait than the gate remembers. Other controls are bounded by their bytes alone.
 */
export const CANDIDATES_MAX = 64;
/** An empty fetch waits so many ms at the broker, which is the resolution of ticks; the first record is answered at once. */
const IDLE = { maxWaitMs: 100, minBytes: 1 };
/**
 * While much comes and nothing can be committed yet, a fetch gathers what arrives within so many ms: each answer costs both sides as much as
 * deciding a record does.
 */
const GATHERING = { maxWaitMs: 5, minBytes: 64 * 1024 };
/** Records that wait when more come than are decided: the next ones are fetched meanwhile. */
const BACKLOG = 64;

export interface InputRecord {
  readonly topic: InputTopic;
  readonly record: KafkaRecord;
}
interface Buffered {
  records: KafkaRecord[];
  bytes: number;
  /** Where to fetch on. */
  next: bigint;
  /** The topic no longer holds the next record: only an operator's input.gap lets it go on. */
  held: boolean;
  /** Those of `records` that had to be prepared: candidate bundles. */
  readonly candidates: Set<KafkaRecord>;
  /** Those of them that are not ready to be decided. */
  readonly preparing: Set<KafkaRecord>;
  /** Those of `records` that must not wait for what is in front of them to be ready. */
  readonly urgent: Set<KafkaRecord>;
}

/** What an operator's input.gap would have to say. INPUT_GAP: the records are gone. UNREADABLE: they are there, and nobody here can unpack them. */
export interface HeldInput {
  readonly code: 'INPUT_GAP' | 'UNREADABLE';
  readonly from: bigint;
  /** undefined: the first one that is kept. */
  readonly to: bigint | undefined;
  readonly why: string;
}

export interface FeedHooks {
  /** Why the topic stands still; undefined when it goes on. */
  readonly onHeld: (topic: InputTopic, held: HeldInput | undefined) => void;
  /** Each control as it arrives. What needs time of its own resolves when the control is ready to be decided; undefined: it is. */
  readonly onControl: (record: KafkaRecord) => Promise<void> | undefined;
  /** Whether a control must be decided at once, also when one in front of it is not ready. */
  readonly isUrgent?: (record: KafkaRecord) => boolean;
  /** Each action as it arrives, to prepare for it. */
  readonly onAction?: (record: KafkaRecord) => void;
  /** Each answer to a fetch. */
  readonly onFetched?: (topic: InputTopic, answer: FetchedPartition) => void;
}

/** What has arrived on the three input topics of one lane, from the positions that the ledger names. Fetches ahead while batches commit. */
export class InputFeed {
  readonly #buffers: Record<InputTopic, Buffered>;
  /** Of outcomes and actions, the one that was taken last: the other has its turn. */
  #last: InputTopic = 'actions';
  #inFlight: Promise<void> | undefined;
  #failed: Error | undefined;

  constructor(
    private readonly reader: LogReader,
    private readonly state: LaneState,
    private readonly topicName: (name: string) => string,
    private readonly hooks: FeedHooks,
  ) {
    this.#buffers = { controls: this.#start('controls'), outcomes: this.#start('outcomes'), actions: this.#start('actions') };
  }

  /** Resolves as soon as anything has arrived, or after the idle wait. `gathers`: not before more of it has. Throws what a fetch threw. */
  async arrived(gathers = false): Promise<void> {
    this.fetchAhead(gathers);
    if (!this.isEmpty) return;
    await this.#inFlight;
    this.#rethrow();
    if (gathers ? this.holds(BACKLOG) : !this.isEmpty) this.fetchAhead(gathers);
  }

  /** Resolves when something of `topic` waits, or after the idle wait. Throws what a fetch threw. */
  async arrivedOn(topic: InputTopic): Promise<void> {
    if (this.#ready(topic)) return;
    this.fetchAhead(false);
    await this.#inFlight;
    this.#rethrow();
  }

  /**
   * The next record of these topics; undefined when nothing waits. Controls first, then outcomes and actions in turns: one tenant's flood on one
   * topic must not keep the other's records waiting for ever. Within a topic the order of the log is that of the decisions. Before the lane's
   * birth only controls are read.
   */
  peek(topics = this.#inTurn()): InputRecord | undefined {
    this.#rethrow();
    for (const topic of topics) {
      const record = this.#ready(topic);
      if (record) return { topic, record };
    }
    return undefined;
  }

  /** Nothing is ready to be decided. */
  get isEmpty(): boolean {
    return this.#topics().every((topic) => this.#ready(topic) === undefined);
  }

  /** Whether one of the topics has so many records waiting, the first of them ready to be decided. */
  holds(records: number): boolean {
    return this.#topics().some((topic) => this.#buffers[topic].records.length >= records && this.#ready(topic) !== undefined);
  }

  /** Removes the record that `peek` showed. */
  take(topic: InputTopic): void {
    const buffer = this.#buffers[topic];
    const record = buffer.records.shift();
    buffer.bytes -= sizeOf(record);
    if (topic !== 'controls') this.#last = topic;
    if (!record) return;
    buffer.candidates.delete(record);
    buffer.preparing.delete(record);
    buffer.urgent.delete(record);
  }

  /** After an input.gap the ledger names another position: what was read ahead no longer counts. */
  follow(topic: InputTopic): void {
    if (this.#buffers[topic].held) this.hooks.onHeld(topic, undefined);
    this.#buffers[topic] = this.#start(topic);
  }

  #start(topic: InputTopic): Buffered {
    const { next } = this.state.positions[topic];
    return { records: [], bytes: 0, next, held: false, candidates: new Set(), preparing: new Set(), urgent: new Set() };
  }

  /**
   * The order of a topic is never changed, so what is urgent goes first only when what is in front of it is decided as it stands, and a bundle
   * that nobody has judged is refused. The same when no more can be taken in: something urgent could be next.
   */
  #ready(topic: InputTopic): KafkaRecord | undefined {
    const buffer = this.#buffers[topic];
    const [record] = buffer.records;
    if (!record || !buffer.preparing.has(record)) return record;
    const mayPass = this.state.rules >= 2 && (buffer.urgent.size > 0 || !this.#hasRoom(topic));
    return mayPass ? record : undefined;
  }

  #topics(): readonly InputTopic[] {
    return this.state.heads.nextSeq === 0 ? ['controls'] : INPUT_TOPICS;
  }

  #inTurn(): readonly InputTopic[] {
    const topics = this.#topics();
    return topics.length > 1 && this.#last === 'outcomes' ? AFTER_OUTCOMES : topics;
  }

  #rethrow(): void {
    if (this.#failed) throw this.#failed;
  }

  #hasRoom(topic: InputTopic): boolean {
    const { held, bytes, candidates } = this.#buffers[topic];
    return !held && bytes < BUFFER_BYTES_MAX && candidates.size < CANDIDATES_MAX;
  }

  /** Starts fetching what comes next, unless that is under way or enough waits already. */
  fetchAhead(gathers: boolean): void {
    if (this.#inFlight || this.#failed) return;
    const wanted = this.#topics().filter((topic) => this.#hasRoom(topic));
    if (wanted.length === 0) return;
    this.#inFlight = this.#fetch(wanted, gathers ? GATHERING : IDLE)
      .catch((error: unknown) => {
        this.#failed = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#inFlight = undefined;
      });
  }

  async #fetch(topics: readonly InputTopic[], wait: FetchOptions): Promise<void> {
    const buffers = topics.map((topic) => this.#buffers[topic]);
    const positions = topics.map((topic, at): FetchPosition => ({
      topic: this.topicName(topic),
      partition: this.state.heads.lane,
      offset: buffers[at]?.next ?? 0n,
    }));
    const fetched = await this.reader.fetch(positions, wait);
    for (const partition of fetched) {
      const at = positions.findIndex(({ topic }) => topic === partition.topic);
      const topic = topics[at];
      const buffer = buffers[at];
      if (!topic || !buffer) continue;
      this.hooks.onFetched?.(topic, partition);
      const { error } = partition;
      if (error && !(error instanceof OffsetOutOfRange) && !(error instanceof UnreadableBatch)) throw error;
      if (this.#buffers[topic] !== buffer) continue; // followed elsewhere meanwhile
      const records = topic === 'controls' ? this.#prepared(buffer, partition.records) : partition.records;
      const left = partition.records[records.length]; // fetched again when there is room
      for (const record of records) buffer.bytes += sizeOf(record);
      if (topic === 'actions') for (const record of records) this.hooks.onAction?.(record);
      buffer.records.push(...records);
      buffer.next = left?.offset ?? partition.nextOffset;
      if (error && !left) this.#hold(topic, buffer, error);
    }
  }

  /** As many of these controls as there is room for: their preparation has begun. */
  #prepared(buffer: Buffered, records: readonly KafkaRecord[]): readonly KafkaRecord[] {
    const full = records.findIndex((record) => {
      if (buffer.candidates.size >= CANDIDATES_MAX) return true;
      this.#prepare(buffer, record);
      return false;
    });
    return full < 0 ? records : records.slice(0, full);
  }

  #prepare(buffer: Buffered, record: KafkaRecord): void {
    if (this.hooks.isUrgent?.(record) === true) buffer.urgent.add(record);
    const ready = this.hooks.onControl(record);
    if (!ready) return;
    buffer.candidates.add(record);
    buffer.preparing.add(record);
    ready.then(
      () => buffer.preparing.delete(record),
      (error: unknown) => (this.#failed = error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** Records that the ledger never saw are gone or unreadable, or the topic was made again. Never let anything choose where to go on. */
  #hold(topic: InputTopic, buffer: Buffered, error: OffsetOutOfRange | UnreadableBatch): void {
    const isGone = error instanceof OffsetOutOfRange;
    if (topic === 'controls') {
      const what = isGone
        ? `controls no longer holds offset ${buffer.next}: it is kept for ever, so it was deleted or made anew`
        : error.message;
      throw new LaneHalted(isGone ? 'INPUT_GAP' : 'UNREADABLE', what);
    }
    buffer.held = true;
    // Where the ledger will stand when all that is waiting has been decided: offsets without records may lie between.
    const last = buffer.records.at(-1);
    const from = last ? last.offset + 1n : this.state.positions[topic].next;
    const why = isGone ? `${topic} no longer holds offset ${buffer.next}, the next to be decided` : error.message;
    this.hooks.onHeld(topic, { code: isGone ? 'INPUT_GAP' : 'UNREADABLE', from, to: isGone ? undefined : error.lastOffset + 1n, why });
  }
}

const AFTER_OUTCOMES: readonly InputTopic[] = ['controls', 'actions', 'outcomes'];

const sizeOf = (record: KafkaRecord | undefined): number => (record?.value?.length ?? 0) + 100; // 100: what a record weighs beside its value
