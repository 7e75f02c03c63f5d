import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from 'pino';

import {
  codecs,
  type FetchedPartition,
  isOperators,
  KafkaFault,
  type KafkaRecord,
  LaneReader,
  type LogReader,
  LedgerBatches,
  OffsetOutOfRange,
  readVoids,
  UnreadableBatch,
  wire,
} from '#adapters';
import { LaneHalted, LedgerBroken, type LedgerBirth, type VoidRange } from '#domain';

import type { Health } from '../../../kit/src/index.ts';
import type { Slot } from '../index/entry-table.ts';
import { type LedgerIndex, ReceiptsBroken } from '../index/ledger-index.ts';
import { Freshness, STALE_MAX_MS } from './freshness.ts';
import { KeptPosition, misfit } from './kept-position.ts';

const FOLLOWED = ['ledger', 'receipts', 'checkpoints'] as const;
type Followed = (typeof FOLLOWED)[number];

export interface FollowerOptions {
  readonly brokers: readonly string[];
  readonly birth: LedgerBirth;
  readonly topicOf: (name: Followed) => string;
  readonly index: LedgerIndex;
  readonly health: Health;
  readonly log: Logger;
  /** For tests. */
  readonly openReader?: () => Promise<LogReader>;
  /** Unit ms, never set back. Default: performance.now. */
  readonly monotonicMs?: () => number;
  /** A receipt is in place for the entry made from this record. */
  readonly onReceipt: (receipt: {
    lane: number;
    offset: number;
    proof: Uint8Array;
    /** undefined: the entry was dropped from the index already. */
    slot: Slot | undefined;
  }) => void;
}

interface Position {
  readonly name: Followed;
  readonly topic: string;
  readonly lane: number;
  next: bigint;
  /** Where a start goes on: of the ledger behind its last whole batch. */
  durable: bigint;
  /** Where the topic began at start. */
  logStart: bigint;
  /** End seen at start; undefined before the first connection. */
  target: bigint | undefined;
  halted: boolean;
  /** The last answer went up to the end of the log. */
  isAtEnd: boolean;
  /** Since when its next record has waited for one of another topic, on performance.now's clock. */
  waitsSinceMs: number | undefined;
}

/** Unit ms. A broker that restarts is away for seconds: ask often at first. */
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MAX_MS = 2000;
/** Unit ms. Receipts ahead of the ledger fold, or a partition without leader: how long before they are asked for again. */
const PAUSE_MS = 20;
/**
 * Unit ms. A receipt is written after its entry was committed, so an entry that is not there by then, with the ledger read to its end, is lost.
 * Its markers take milliseconds.
 */
const TAIL_LOST_AFTER_MS = 5000;
/** Unit ms. How often the index is put on disk: what came since is folded again after a crash. */
const KEEP_EVERY_MS = 1000;
/** Unit ms. */
const PROGRESS_EVERY_MS = 5000;

/**
 * Folds ledger, receipts and checkpoints of every lane into the index, read_committed, from where the index was kept or else from offset 0. A
 * file that does not fit the ledger is deleted, and the index made again.  What a lane cannot explain halts that
 * lane for good: readiness says why, no proposal for its tenants is taken, and soon nothing of it is shown (gate.ts).
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #positions: Position[];
  #batches: LedgerBatches[];
  readonly #kept: KeptPosition;
  /** Lanes that go on from the file and have folded no batch since: what does not fit there may be the file's fault. */
  readonly #resumed: Set<number>;
  #keptAtMs = 0;
  #progressAtMs = 0;
  #isChanged = false;
  #rebuilds = 0;
  #reader: LogReader | undefined;
  /** Code of why a lane is not followed any more. */
  readonly #halts = new Map<number, string>();
  readonly #freshness: readonly Freshness[];
  readonly #monotonicMs: () => number;
  readonly #stop = new AbortController();
  #caughtUp = false;
  #brokerAway = true;
  /** Said once in the log; readiness shows a code only. */
  #awayReason: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { birth, health } = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    const lanes = Array.from({ length: birth.lanes }, (_, lane) => lane);
    this.#positions = lanes.flatMap((lane) =>
      FOLLOWED.map((name) => ({
        name,
        topic: options.topicOf(name),
        lane,
        next: 0n,
        durable: 0n,
        logStart: 0n,
        target: undefined,
        halted: false,
        isAtEnd: false,
        waitsSinceMs: undefined,
      })),
    );
    this.#freshness = lanes.map(() => new Freshness());
    this.#kept = new KeptPosition(options.index.store, birth);
    this.#batches = this.#resume();
    this.#resumed = new Set(this.#batches.filter(({ heads }) => heads.nextSeq > 0).map(({ heads }) => heads.lane));
    health.wait('index', this.#resumed.size > 0 ? 'reading on from where the index was kept' : 'reading the ledger from its first record');
    health.servesWhile(() => !this.#brokerAway && lanes.some((lane) => this.#isServed(lane)));
  }

  get lanes(): readonly number[] {
    return [...this.#freshness.keys()];
  }

  /** Whether everything that was on Kafka at start is folded, but for lanes that are halted. */
  get isCaughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Whether everything that one lane held at start is folded: before that, a revoked token of its tenants could look valid. */
  hasCaughtUp(lane: number): boolean {
    return this.#positions.every(
      (position) => position.lane !== lane || (position.target !== undefined && position.next >= position.target),
    );
  }

  /** Whether the last read failed: facts may be out of date. */
  get isBrokerAway(): boolean {
    return this.#brokerAway;
  }

  /** Code of why the lane is not followed any more; undefined when it is. */
  haltOf(lane: number): string | undefined {
    return this.#halts.get(lane);
  }

  /** Unit ms: age of the lane's facts, by where its ledger ended then and what is folded. Infinity: its end was never reached. */
  staleMs(lane: number): number {
    return this.#freshness[lane]?.staleMs(this.#monotonicMs()) ?? Infinity;
  }

  /** Unit ms: how long ago the broker last said what the lane's ledger holds, and it was followed. Infinity: never. */
  silentMs(lane: number): number {
    return this.#freshness[lane]?.silentMs(this.#monotonicMs()) ?? Infinity;
  }

  #isServed(lane: number): boolean {
    return this.hasCaughtUp(lane) && this.haltOf(lane) === undefined && this.staleMs(lane) <= STALE_MAX_MS;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closing'));
    await this.#running;
    this.#keep();
    this.#options.index.store.close();
  }

  /** Records that were on Kafka at start and are not folded yet. */
  get behind(): bigint {
    return this.#positions.reduce((sum, { next, target }) => (target !== undefined && target > next ? sum + target - next : sum), 0n);
  }

  /** How often the file did not fit while it was followed. */
  get rebuilds(): number {
    return this.#rebuilds;
  }

  /** Positions and heads as the index has kept them. */
  #resume(): LedgerBatches[] {
    const { index, log } = this.#options;
    const lanes = [...new Set(this.#positions.map(({ lane }) => lane))];
    const found = lanes.map((lane) => misfit(this.#kept.heads(lane), index.logs)).find((origin) => origin !== undefined);
    if (found !== undefined) {
      log.warn(
        { origin: found },
        'index file deleted: a head in it is not the one that its log signed; reading the ledger from its first record',
      );
      index.clear();
    }
    for (const position of this.#positions) position.next = position.durable = this.#kept.next(position.name, position.lane);
    return lanes.map((lane) => new LedgerBatches(this.#kept.heads(lane), wire, () => this.#readVoids(lane)));
  }

  /** In one transaction with everything that was folded up to there. */
  #keep(): void {
    const { index } = this.#options;
    if (index.store.isInMemory || !index.store.isOpen) return;
    for (const { name, lane, durable } of this.#positions) this.#kept.keepNext(name, lane, durable);
    for (const { heads } of this.#batches) {
      this.#kept.keepHeads(heads);
      this.#kept.keepHalted(heads.lane, this.#halts.has(heads.lane));
    }
    index.save();
    index.store.commit();
    this.#keptAtMs = performance.now();
    this.#isChanged = false;
  }

  /** The file does not fit the ledger: all of it is made again, once. */
  #rebuild(lane: number, error: unknown): void {
    const { index, log, health } = this.#options;
    log.warn({ err: error, lane }, 'index file deleted: it does not fit the ledger; reading the ledger from its first record');
    this.#kept.clear();
    this.#resumed.clear();
    index.clear();
    this.#batches = this.#resume();
    for (const position of this.#positions) {
      position.halted = false;
      if (position.name === 'checkpoints') position.next = position.durable = position.logStart;
    }
    this.#rebuilds += 1;
    this.#halts.clear();
    this.#caughtUp = false;
    health.wait('index', 'the index file did not fit: reading the ledger from its first record');
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures++) {
      let reader: LogReader | undefined;
      try {
        reader = await this.#open();
        this.#reader = reader;
        await this.#setTargets(reader);
        for (;;) {
          await this.#step(reader, signal);
          failures = 0;
        }
      } catch (error) {
        if (this.#isStopped()) break;
        this.#brokerIs(true, error);
      } finally {
        await reader?.close();
      }
      const backOffMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(failures, 10));
      await delay(backOffMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A connection attempt takes seconds and cannot be called off: close does not wait for it. */
  async #open(): Promise<LogReader> {
    const { signal } = this.#stop;
    const { brokers, log } = this.#options;
    const openReader = this.#options.openReader ?? (() => LaneReader.open({ brokers, clientId: 'countersign-gateway-index', log }));
    const opening = openReader();
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener(
        'abort',
        () => {
          opening.then((late) => late.close()).catch(() => undefined);
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
    stopped.catch(() => undefined);
    return Promise.race([opening, stopped]);
  }

  async #setTargets(reader: LogReader): Promise<void> {
    const open = this.#positions.filter((position) => position.target === undefined);
    if (open.length === 0) return;
    const ends = await reader.endOffsets(open.map(({ topic, lane }) => ({ topic, partition: lane })));
    for (const position of open) {
      const end = ends.find(({ topic, partition }) => topic === position.topic && partition === position.lane);
      if (!end) continue;
      position.target = end.lastStable;
      position.logStart = end.start;
      // A compacted topic may begin later. The other two are kept for ever: also what was folded before a start must still be there.
      if (position.name !== 'checkpoints' && end.start > 0n) this.#halt(position, new OffsetOutOfRange(position.topic, position.lane, 0n));
      else if (position.name === 'checkpoints' && position.next < end.start) position.next = position.durable = end.start;
    }
  }

  async #step(reader: LogReader, signal: AbortSignal): Promise<void> {
    const open = this.#positions.filter((position) => !position.halted);
    if (open.length === 0) await delay(BACK_OFF_MAX_MS, undefined, { signal });
    const wanted = open.map(({ topic, lane, next }) => ({ topic, partition: lane, offset: next }));
    const askedAtMs = this.#monotonicMs();
    const fetched = await reader.fetch(wanted, { signal });
    this.#brokerIs(
      fetched.some(({ error }) => error?.retriable === true),
      fetched.find(({ error }) => error)?.error,
    );
    let isMoving = false;
    // In the order ledger, receipts, checkpoints: each needs what the one before it says.
    const { rebuilds } = this;
    for (const position of open) {
      const answer = fetched.find(({ topic, partition }) => topic === position.topic && partition === position.lane);
      if (answer && (await this.#take(position, answer, askedAtMs))) isMoving = true;
      if (this.rebuilds > rebuilds) return; // what was fetched is not what comes next any more
    }
    this.#noteProgress();
    this.#noteLag();
    this.#isChanged ||= isMoving;
    if (this.#isChanged && performance.now() - this.#keptAtMs >= KEEP_EVERY_MS) this.#keep();
    if (!isMoving && fetched.some(({ records, error }) => records.length > 0 || error)) await delay(PAUSE_MS, undefined, { signal });
  }

  /** Returns whether the position moved. */
  async #take(position: Position, answer: FetchedPartition, askedAtMs: number): Promise<boolean> {
    const before = position.next;
    try {
      for (const record of answer.records) {
        if (!(await this.#fold(position, record))) {
          this.#refuseLostTail(position);
          position.halted = this.#halts.has(position.lane); // what it waits for will not come
          return position.next > before;
        }
        position.next = record.offset + 1n;
        this.#noteDurable(position);
        position.waitsSinceMs = undefined;
      }
      if (answer.error instanceof OffsetOutOfRange || answer.error instanceof UnreadableBatch) throw answer.error;
      position.next = answer.nextOffset;
      this.#noteDurable(position);
      position.isAtEnd = !answer.error && answer.nextOffset >= answer.highWatermark;
      if (position.name === 'ledger' && !answer.error && !this.#halts.has(position.lane)) {
        const ends = { end: answer.highWatermark, next: position.next };
        this.#freshness[position.lane]?.note({ askedAtMs, nowMs: this.#monotonicMs(), ...ends });
      }
    } catch (error) {
      if (this.#isStopped() || (error instanceof KafkaFault && error.retriable)) throw error;
      if (this.#resumed.has(position.lane) && !this.#kept.haltedLanes.has(position.lane)) this.#rebuild(position.lane, error);
      else this.#halt(position, error);
    }
    return position.next > before;
  }

  /** Throws LaneHalted when what the position waits for has been lost: receipts prove entries that the ledger does not hold. */
  #refuseLostTail(position: Position): void {
    const nowMs = this.#monotonicMs();
    position.waitsSinceMs ??= nowMs;
    const ledger = this.#positions.find(({ name, lane }) => name === 'ledger' && lane === position.lane);
    if (ledger?.isAtEnd !== true || nowMs - position.waitsSinceMs < TAIL_LOST_AFTER_MS) return;
    throw new LaneHalted('TAIL_LOST', `receipts/${position.lane} offset ${position.next} is of an entry beyond the end of the ledger`);
  }

  /** Returns false when the record cannot be folded yet. */
  async #fold({ name, lane }: Position, record: KafkaRecord): Promise<boolean> {
    const { index } = this.#options;
    const { value, offset } = record;
    if (name === 'ledger') {
      for (const { batch } of (await this.#batches[lane]?.push(record)) ?? []) {
        index.foldBatch(batch);
        this.#resumed.delete(lane);
      }
    } else if (name === 'receipts') {
      if (value === null) throw new ReceiptsBroken(`receipts/${lane} offset ${offset}: empty record`);
      const receipt = codecs.receipt.decode(value);
      const slot = index.foldReceipt(lane, receipt, Number(offset));
      if (slot === 'ahead') return false;
      this.#options.onReceipt({ lane, offset: Number(offset), proof: receipt.proof, slot });
    } else if (!isOperators(record.key)) this.#foldCheckpoint(lane, offset, value);
    return true;
  }

  /** Within a batch, or in what an operator declared void, a start would not know what came before. */
  #noteDurable(position: Position): void {
    if (position.name !== 'ledger' || this.#batches[position.lane]?.isBetweenBatches === true) position.durable = position.next;
  }

  #readVoids(lane: number): Promise<VoidRange[]> {
    if (!this.#reader) throw new Error('voids are read while records are');
    const { topicOf, birth } = this.#options;
    return readVoids(this.#reader, { topic: topicOf('checkpoints'), lane, birth, wire }, this.#stop.signal);
  }

  /** A bad head is not kept and not served; it breaks nothing, because the next good one replaces it. */
  #foldCheckpoint(lane: number, offset: bigint, value: Buffer | null): void {
    if (value === null) return;
    let isGood: boolean;
    try {
      const head = codecs.treeHead.decode(value);
      isGood = this.#options.index.logs.noteCheckpoint(head.origin, head.checkpoint);
    } catch {
      isGood = isNotaryPosition(value);
    }
    if (!isGood)
      this.#options.log.error(
        { lane, offset: Number(offset), alarm: true },
        'checkpoint refused: not signed by its log, or of a smaller tree',
      );
  }

  #halt(position: Position, error: unknown): void {
    position.halted = true;
    this.#halts.set(position.lane, error instanceof Error && 'code' in error ? String(error.code) : 'FAILED');
    this.#options.health.fail(`lane ${position.lane}`, error);
    const isFork = error instanceof LedgerBroken || error instanceof ReceiptsBroken;
    this.#options.log.fatal(
      { err: error, lane: position.lane, alarm: true },
      isFork ? 'lane halted: its records are not those of one ledger' : 'lane halted: it cannot be read',
    );
  }

  #noteProgress(): void {
    if (!this.#caughtUp && performance.now() - this.#progressAtMs > PROGRESS_EVERY_MS) {
      this.#progressAtMs = performance.now();
      this.#options.log.info({ behind: Number(this.behind), entries: this.#options.index.entries.size }, 'index: records still to read');
    }
    if (this.#caughtUp || !this.#positions.every(({ lane }) => this.#halts.has(lane) || this.hasCaughtUp(lane))) return;
    this.#caughtUp = true;
    this.#options.health.ok('index');
    this.#options.log.info({ entries: this.#options.index.entries.size }, 'index caught up');
  }

  /** A lane whose facts are too old is not served: readiness says so until its end is reached again. */
  #noteLag(): void {
    const { health } = this.#options;
    for (const lane of this.#freshness.keys()) {
      const isLagging = this.hasCaughtUp(lane) && this.haltOf(lane) === undefined && this.staleMs(lane) > STALE_MAX_MS;
      if (isLagging)
        health.wait(`lane ${lane} index`, `the end of the ledger was last reached ${Math.round(this.staleMs(lane))} ms ago`, 'LAGGING');
      else health.ok(`lane ${lane} index`);
    }
  }

  #brokerIs(away: boolean, error?: unknown): void {
    const { health, log } = this.#options;
    if (away) {
      const reason = error instanceof Error ? error.message : 'no answer';
      if (reason !== this.#awayReason) log.warn({ reason }, 'broker away: the index stands still');
      this.#awayReason = reason;
      health.wait('broker', reason, error instanceof KafkaFault ? error.code : 'BROKER_UNAVAILABLE');
    } else if (this.#brokerAway) {
      this.#awayReason = undefined;
      health.ok('broker');
    }
    this.#brokerAway = away;
  }

  /** Asked after an await, where the compiler believes that nothing can have changed. */
  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
}

/** The other kind of record on `checkpoints`; it matters to notaries only. */
function isNotaryPosition(value: Buffer): boolean {
  try {
    codecs.notaryPosition.decode(value);
    return true;
  } catch {
    return false;
  }
}
