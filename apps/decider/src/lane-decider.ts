import { BundleGate, type CommitPoint, type KafkaRecord, type LaneLog, type Log, type LogReader, type LogWriter } from '#adapters';
import {
  encodeState,
  isAhead,
  INPUT_TOPICS,
  LaneHalted,
  type InputTopic,
  type LaneState,
  type LedgerBirth,
  type PolicyEngine,
  type WireCodec,
} from '#domain';

import { BlockedInputs, type ReadableEnd } from './blocked-inputs.ts';
import { ClockHold, type ClockReport } from './clock-hold.ts';
import { CommitQueue } from './commit-queue.ts';
import { Corrections } from './corrections.ts';
import { OpenBatch, RECORDS_MAX } from './decide-batch.ts';
import { type HeldInput, InputFeed } from './input-feed.ts';
import { LaneClock } from './lane-clock.ts';
import { Pacer } from './pacer.ts';
import { SignaturesAhead } from './signatures-ahead.ts';
import { SealerKeys } from './sealers.ts';
import { CHUNK_BYTES } from './snapshot-records.ts';
import { SnapshotWriter } from './snapshot-writer.ts';
import { takeOver, type TakenOver } from './take-over.ts';

/** What a lane's decider writes, each partition by no one else. */
const OUTPUT_TOPICS = ['ledger', 'input-keys', 'dead-letters', 'decider-state'];
/** Unit ms. Deciding in between keeps the answers of a commit waiting, which keeps everything waiting. */
const SLICE_MS = 2;
/** About what a slice decides: of so many records the signatures are waited for, those of the rest come in between slices. */
const SLICE_RECORDS = 16;
/** A snapshot each time this many entries were added: what a successor reads beyond one takes it about two seconds. */
const SNAPSHOT_EVERY_ENTRIES = 25_000;
/**
 * One is a part of what was written to the ledger since the last: this many ids weigh about what one entry does. A lane that knows four million
 * writes 280 MB every 125,000 entries, which themselves are as much.
 */
const IDS_AN_ENTRY = 32;

export interface LaneDeciderOptions {
  readonly laneLog: LaneLog;
  readonly birth: LedgerBirth;
  readonly topicPrefix: string;
  readonly deciderSeed: Uint8Array;
  /** Seeds of the decider's further keys that are here now: asked for when the ledger admits a key that is none of those known. */
  readonly furtherSeeds?: () => readonly Uint8Array[];
  readonly engine: PolicyEngine;
  /** Whether the engine still answers a question whose answer is known. Asked after it failed; absent: it is believed to. */
  readonly probe?: () => boolean;
  readonly wire: WireCodec;
  readonly log: Log;
  readonly onBatch: (batch: { lane: number; records: number; verdicts: readonly string[]; ms: number }) => void;
  readonly onPoint?: (name: CommitPoint | 'before-fence' | 'recovering' | 'before-snapshot') => void | Promise<void>;
  /** Checks signatures on other threads while records wait: the same decisions, sooner. */
  readonly verifiesAhead?: boolean;
  readonly snapshotEveryEntries?: number;
  readonly snapshotChunkBytes?: number;
  /** The host's wall clock, POSIX milliseconds; default Date.now. */
  readonly nowMs?: () => number;
  /** Waits so many ms, or for the next turn of the event loop: between slices of a batch, and between transactions. Absent: neither. */
  readonly pause?: (ms: number) => Promise<unknown>;
  /** Unit ms, never set back; default performance.now. */
  readonly monotonicMs?: () => number;
  /** Resolves after so many ms, sooner when `signal` aborts: between questions for the time while the lane is held. Default: a timer. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** What a lane's clocks say, each time they were compared outside a batch; undefined: the lane is no longer owned here. */
  readonly onClock?: (lane: number, report: ClockReport | undefined) => void;
  /** Reasons to refuse a candidate bundle, given its bytes. Default: compiles it in a process of its own. */
  readonly checkBundle?: (documentBytes: Uint8Array) => Promise<readonly string[]>;
  /** An input topic stands still, and why; undefined: no longer. The lane's other topics are decided meanwhile. */
  readonly onHeld?: (lane: number, topic: InputTopic, held: Held | undefined) => void;
  /** How far an input topic can be read, whenever that is not to its end, and once when it is again. */
  readonly onReadable?: (lane: number, topic: InputTopic, end: ReadableEnd) => void;
}

/** INPUT_GAP and UNREADABLE wait for an operator's input.gap; BLOCKED for the end of a client's transaction. */
export interface Held {
  readonly code: 'INPUT_GAP' | 'UNREADABLE' | 'BLOCKED';
  readonly why: string;
}

/** The engine itself is out of order, not a policy: what it denied is not committed, and the lane waits and takes over anew. */
export class EngineFault extends Error {
  override readonly name = 'EngineFault';
}

const NO_SEED = new Uint8Array();

interface Lease {
  readonly lane: number;
  readonly signal: AbortSignal;
  /** Called once the lane is taken over. */
  readonly ready: () => void;
}

interface LaneIo {
  readonly reader: LogReader;
  readonly writer: LogWriter;
  readonly blocked: BlockedInputs;
  readonly corrections: Corrections;
}

/**
 * Owns one lane: takes it over, then decides what arrives until `signal` aborts. Throws on any error, and then holds nothing: whether its
 * last transaction was committed is read from the ledger by the next owner, which may be this same object, called again.
 */
export class LaneDecider {
  /** Not tried again before the next interval, also when it failed: a snapshot must never keep a lane from deciding. */
  readonly #snapshotAt = new Map<number, number>();

  readonly #sealers: SealerKeys;
  /** Lanes whose last batch was aborted because of its time. */
  readonly #doubts = new Map<number, string>();

  /** Shared by the lanes: each meets the same bundles. */
  readonly #gate: BundleGate;

  constructor(private readonly options: LaneDeciderOptions) {
    const { engine, wire, log, checkBundle } = options;
    const onRefused = (digest: string, reasons: readonly string[]): void => {
      log.warn({ digest, reasons }, 'bundle refused');
    };
    this.#sealers = new SealerKeys(options.deciderSeed, options.furtherSeeds);
    this.#gate = new BundleGate(engine, wire, onRefused, checkBundle);
  }

  async run({ lane, signal, ready }: Lease): Promise<void> {
    const { laneLog, topicPrefix, onPoint, log } = this.options;
    log.debug({ lane }, 'checking topics');
    await this.#checkTopics(lane);
    log.debug({ lane }, 'fencing the predecessor');
    await onPoint?.('before-fence'); // a crash here: the predecessor's transaction may still be open, and whoever takes over next ends it
    const transactionalId = `${topicPrefix}countersign.decider.${lane}`;
    // 1. Fence. From here on nothing of a predecessor can be committed, and its open transaction has ended.
    const partitions = OUTPUT_TOPICS.map((topic) => ({ topic: this.#topicName(topic), partition: lane }));
    const writer = await laneLog.openWriter({ transactionalId, partitions, ...(onPoint ? { onPoint } : {}) });
    const readers: LogReader[] = [];
    const blocked = this.#blockedInputs(lane);
    const { birth, wire } = this.options;
    const corrections = new Corrections(laneLog, this.#topicName('controls'), { engine: this.#gate, birth, wire });
    try {
      log.debug({ lane }, 'opening a reader');
      const reader = await laneLog.openReader();
      readers.push(reader);
      await onPoint?.('recovering');
      log.debug({ lane }, 'reading the ledger');
      const started = performance.now();
      const onProgress = (entries: number): void => {
        log.info({ lane, entries }, 'reading the ledger');
      };
      const taken = await takeOver({
        reader,
        birth,
        lane,
        wire,
        sealers: this.#sealers.publicKeys(),
        topicName: this.#topicName,
        signal,
        onProgress,
      });
      const { nextSeq } = taken.state.heads;
      log.info({ lane, nextSeq, snapshotSeq: taken.snapshotSeq, ms: Math.round(performance.now() - started) }, 'lane taken over');
      await this.#decideUntil({ lane, signal, ready }, taken, { reader, writer, blocked, corrections });
    } finally {
      // Whatever ended this, its memory goes with it. A crash here is a crash after or before a commit: both are recovered above.
      for (const topic of INPUT_TOPICS) this.options.onHeld?.(lane, topic, undefined);
      blocked.stop();
      if (signal.aborted) this.#doubts.delete(lane);
      if (!this.#doubts.has(lane)) this.options.onClock?.(lane, undefined); // else it is taken over again, and still in doubt
      log.debug({ lane }, 'letting the lane go');
      await Promise.allSettled([writer.close(), corrections.close(), ...readers.map((reader) => reader.close())]);
    }
  }

  /** Steps 2 to 4 of the protocol, over and over. */
  async #decideUntil({ signal, ready }: Lease, taken: TakenOver, io: LaneIo) {
    const { wire, log, birth, onBatch } = this.options;
    const { state } = taken;
    const { lane } = state.heads;
    const onHeld = (topic: InputTopic, held: HeldInput | undefined): void => {
      if (held === undefined) {
        this.options.onHeld?.(lane, topic, undefined);
        return;
      }
      const { code, from, to } = held;
      const { epoch } = state.positions[topic];
      const remedy = `countersign gap --topic ${topic} --lane ${lane} --from ${from} --to ${to ?? 'FIRST_KEPT'} --epoch ${epoch}`;
      const why = `${held.why}. When it is lost for good: ${remedy} (one epoch more when the topic was made anew)`;
      log.error({ lane, topic, next: String(from), code, alarm: true }, why);
      this.options.onHeld?.(lane, topic, { code, why });
    };
    const onControl = ({ value }: KafkaRecord): Promise<void> | undefined => this.#gate.prepare(state, value);
    const ahead = this.options.verifiesAhead ? new SignaturesAhead(wire) : undefined;
    const onAction = (record: KafkaRecord): void => ahead?.ask(state, record);
    const feed = new InputFeed(io.reader, state, this.#topicName, {
      ...{ onHeld, onControl, onAction },
      isUrgent: ({ value }) => this.#gate.isUrgent(state, value),
      onFetched: (topic, answer) => {
        io.blocked.see(topic, answer);
      },
    });
    const { nowMs: wallMs = Date.now, monotonicMs = () => performance.now(), pause } = this.options;
    const clock = new LaneClock(wallMs, monotonicMs);
    const out = { sealers: this.#sealers, wire, topicName: this.#topicName, monotonicMs };
    const asked = ahead ? { wire: ahead, verify: ahead.verify } : { wire };
    const context = { engine: this.#gate, birth, ...asked };
    const commits = new CommitQueue();
    const pacer = new Pacer(monotonicMs);
    let { inputKeysOffset } = taken;
    let committedSeq = state.heads.nextSeq;
    const snapshots = this.#snapshotWriter(taken);
    /** A piece of a snapshot alone, when no batch takes it along. */
    const writePiece = async (): Promise<void> => {
      const piece = snapshots.next();
      pacer.began();
      await io.writer.commit(piece, committedSeq);
      pacer.ended();
      snapshots.committed(piece);
    };
    // Lane time is known before the first decision. A crash here: nothing was decided.
    const { sleep, onClock: onReport } = this.options;
    const hold = new ClockHold({ ...io, clock, log, sleep, onReport, topicName: this.#topicName, doubts: this.#doubts });
    await hold.begin(state, committedSeq);
    ready();
    let batch: OpenBatch | undefined;
    while (!signal.aborted) {
      // 2. Gather what has arrived and decide it, while the batch before is being committed. Nothing of this batch has left the process
      //    yet: a crash here loses nothing.
      commits.throwIfFailed();
      if (feed.isEmpty && (batch !== undefined || !hold.isHeld)) {
        const arrived = feed.arrived(commits.isBusy && pacer.isDense);
        if (commits.isBusy && (batch || snapshots.isPending)) await Promise.race([arrived, commits.idle()]);
        else if (pause && (batch || snapshots.isPending)) await Promise.race([arrived, pause(pacer.restMs(batch?.records))]);
        else await arrived;
      }
      await ahead?.known(state.positions.actions.next, SLICE_RECORDS);
      if (!batch && (hold.isHeld || hold.whyHeld(state) !== undefined)) {
        await commits.idle();
        await hold.until(state, committedSeq, signal);
        continue;
      }
      if (!batch && isAhead(state, clock.nowMs)) await feed.arrivedOn('controls'); // nothing else is decided until the correction is
      batch ??= new OpenBatch(state, feed, { ...context, nowMs: clock.nowMs }, out);
      if (batch.decideFor(SLICE_MS)) pacer.grew();
      if (batch.isEmpty) batch = undefined;
      else if (batch.isFull) await commits.idle();
      else if (pause) await pause(0); // answers, to fetches and to the commit, are read between two slices
      if (commits.isBusy || (pause && batch?.isFull !== true && pacer.restMs(batch?.records) > 0)) continue;
      if (!batch) {
        if (snapshots.isPending) commits.run(writePiece);
        continue;
      }
      // While more is waiting than goes into one batch, what counts is how much is decided, not how soon.
      if (!batch.isFull && feed.holds(RECORDS_MAX)) continue;
      const { decidedAtMs } = batch;
      const sealed = batch.seal();
      const { nextSeq } = state.heads;
      batch = undefined;
      if (sealed.engineFailed && this.options.probe?.() === false)
        throw new EngineFault('the policy engine does not answer a question whose answer is known: nothing is decided until it does');
      const bytes = this.#isSnapshotDue(state, sealed.erased || sealed.rotated, snapshots) ? encodeState(state) : undefined;
      const deciderSeed = bytes ? this.#sealers.seedFor(state.heads.sealers, lane) : NO_SEED;
      // 3. One transaction, never two at once. A crash before its commit leaves nothing; after it, the successor reads it all.
      const startedMs = monotonicMs();
      pacer.began(sealed.entryCount);
      commits.run(async () => {
        const piece = sealed.erased ? [] : snapshots.next(); // what is being erased may be in it
        const offsets = await io.writer.commit([...sealed.outgoing, ...piece], nextSeq, hold.checkOf(lane, decidedAtMs));
        snapshots.committed(piece);
        pacer.ended();
        // 4. Only now is the state that deciding advanced the truth. An error above, or in a batch decided meanwhile, drops all of it.
        committedSeq = nextSeq;
        const ledger = offsets.find(({ topic }) => topic === this.#topicName('ledger'));
        const keys = offsets.find(({ topic }) => topic === this.#topicName('input-keys'));
        if (keys) inputKeysOffset = keys.baseOffset + BigInt(sealed.inputKeyCount);
        onBatch({ lane, records: sealed.entryCount, verdicts: sealed.verdicts, ms: monotonicMs() - startedMs });
        if (!bytes || !ledger) return;
        const ledgerOffset = ledger.baseOffset + BigInt(sealed.entryCount - 1);
        await this.options.onPoint?.('before-snapshot');
        const snapshot = { lane, laneSeq: nextSeq, bytes, ledgerOffset, inputKeysOffset, lastRecord: sealed.lastRecord, deciderSeed };
        snapshots.start(snapshot, sealed.erased);
      });
      feed.fetchAhead(pacer.isDense);
    }
    await commits.idle();
    while (snapshots.isPending) {
      commits.run(writePiece); // so that the successor starts from it
      await commits.idle();
    }
  }

  /** At once when something was erased, which older ones hold, or the key that signed them was replaced; else not while one is on its way. */
  #isSnapshotDue({ heads: { lane, nextSeq }, ids }: LaneState, atOnce: boolean, { isPending }: SnapshotWriter): boolean {
    const every = this.options.snapshotEveryEntries ?? Math.max(SNAPSHOT_EVERY_ENTRIES, Math.ceil(ids.size / IDS_AN_ENTRY));
    const last = this.#snapshotAt.get(lane) ?? Math.floor(nextSeq / every) * every;
    const isDue = atOnce || (nextSeq - last >= every && !isPending);
    this.#snapshotAt.set(lane, isDue ? nextSeq : last);
    return isDue;
  }

  #snapshotWriter({ state, snapshots, inputKeysOffset, erasedBefore }: TakenOver): SnapshotWriter {
    const { lane, nextSeq } = state.heads;
    const { log, snapshotChunkBytes: chunkBytes = CHUNK_BYTES } = this.options;
    const onWritten = (laneSeq: number): void => {
      log.info({ lane, nextSeq: laneSeq }, 'snapshot written');
    };
    const writer = new SnapshotWriter({ ...snapshots, topic: this.#topicName('decider-state'), chunkBytes, onWritten });
    if (!erasedBefore) return writer;
    const deciderSeed = this.#sealers.seedFor(state.heads.sealers, lane);
    writer.start({ lane, laneSeq: nextSeq, bytes: encodeState(state), inputKeysOffset, deciderSeed, ...erasedBefore }, true);
    return writer;
  }

  #blockedInputs(lane: number): BlockedInputs {
    const { laneLog, log, topicPrefix, monotonicMs = () => performance.now(), onReadable, onHeld } = this.options;
    return new BlockedInputs({
      ...{ lane, laneLog, log, monotonicMs, topicName: this.#topicName },
      isOurs: (transactionalId) => transactionalId.startsWith(`${topicPrefix}countersign.`),
      onBlocked: (topic, why) => onHeld?.(lane, topic, why === undefined ? undefined : { code: 'BLOCKED', why }),
      onReadable: (topic, end) => onReadable?.(lane, topic, end),
    });
  }

  async #checkTopics(lane: number): Promise<void> {
    const { laneLog, topicPrefix, birth } = this.options;
    const faults = await laneLog.topicFaults({ prefix: topicPrefix, lanes: birth.lanes });
    if (faults.length > 0) throw new LaneHalted('TOPIC_SETTINGS', `lane ${lane}: ${faults.map(({ text }) => text).join('; ')}`);
  }

  readonly #topicName = (name: string): string => this.options.topicPrefix + name;
}
