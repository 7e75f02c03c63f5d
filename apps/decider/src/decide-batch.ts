import { codecs, ceHeaders, drawRandom, sealInput, type KafkaRecord, type OutgoingRecord } from '#adapters';
import {
  entryName,
  buildBatch,
  decide,
  erasedNames,
  evolve,
  firstDue,
  isAhead,
  laneNow,
  systemTree,
  utf8,
  type BatchEntry,
  type DecideContext,
  type Decided,
  type Entry,
  type InputTopic,
  type LaneState,
  type WireCodec,
} from '#domain';

import type { SealerKeys } from './sealers.ts';
import type { InputFeed, InputRecord } from './input-feed.ts';

/** Records of one batch: what a notary can prove and publish in one transaction of a few milliseconds. */
export const RECORDS_MAX = 512;
const INPUT_BYTES_MAX = 2 * 1024 * 1024;
/**
 * The last record may add a ledger-wide control with an entry for each of 2,000 tenants (4 MiB), and receipts are a third larger than
 * their entries: all of it stays below the topics' 16 MiB.
 */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
/** Key, value and framing of one record on `input-keys`. */
const INPUT_KEY_BYTES = 200;
/** Unit ms: a batch that took longer would delay everything behind it. */
const WORK_MAX_MS = 200;

export interface DecidedBatch {
  readonly outgoing: readonly OutgoingRecord[];
  readonly entryCount: number;
  /** Records on `input-keys`: keys and tombstones. */
  readonly inputKeyCount: number;
  /** Wire bytes of the last ledger record: what a snapshot names. */
  readonly lastRecord: Uint8Array;
  readonly verdicts: readonly string[];
  /** It forgot something that older snapshots still hold. */
  readonly erased: boolean;
  /** The decider's key was: older snapshots carry the old one's signature. */
  readonly rotated: boolean;
  /** Something was denied because the engine failed twice: it, or only a policy, is out of order. */
  readonly engineFailed: boolean;
}

export interface BatchOptions {
  readonly sealers: Pick<SealerKeys, 'seedFor'>;
  readonly wire: WireCodec;
  readonly topicName: (name: string) => string;
  /** Unit ms, never set back. */
  readonly monotonicMs: () => number;
}

/** While the lane's time is ahead, until the admin's correction of it, which is one of them, is decided. */
const CONTROLS: readonly InputTopic[] = ['controls'];

interface Draft {
  readonly entries: BatchEntry[];
  readonly outgoing: OutgoingRecord[];
  readonly verdicts: string[];
  readonly traceparents: (string | undefined)[];
  inputKeyCount: number;
  outputBytes: number;
  erased: boolean;
  rotated: boolean;
  engineFailed: boolean;
}

/**
 * One batch while it is being decided, at one time: what is due first, then the inputs, controls before the rest. `state` moves along with
 * it; nothing is published here.
 */
export class OpenBatch {
  readonly #draft: Draft = {
    ...{ entries: [], outgoing: [], verdicts: [], traceparents: [] },
    ...{ inputKeyCount: 0, outputBytes: 0, erased: false, rotated: false, engineFailed: false },
  };
  #records = 0;
  #inputBytes = 0;
  #workMs = 0;
  #isClosed = false;
  /** Of the key that the ledger admitted before this batch: what the batch itself says of keys counts for the next one. */
  readonly #seed: Uint8Array;

  /** Its entries' `decidedAt`. */
  readonly decidedAtMs: number;

  constructor(
    private readonly state: LaneState,
    private readonly feed: InputFeed,
    private readonly context: DecideContext,
    private readonly out: BatchOptions,
  ) {
    this.#seed = out.sealers.seedFor(state.heads.sealers, state.heads.lane);
    this.decidedAtMs = laneNow(state, context.nowMs);
  }

  get isEmpty(): boolean {
    return this.#draft.entries.length === 0;
  }

  /** Takes nothing more: a limit is reached, or the next record belongs into a batch of its own. */
  get isFull(): boolean {
    return this.#isClosed || this.#records >= RECORDS_MAX || this.#draft.outputBytes >= OUTPUT_BYTES_MAX || this.#workMs >= WORK_MAX_MS;
  }

  /** Records decided so far, ticks among them. */
  get records(): number {
    return this.#records;
  }

  /** Decides what is there, for about `sliceMs`: the process has other things to do between two slices. false: nothing was there. */
  decideFor(sliceMs: number): boolean {
    const startedMs = this.out.monotonicMs();
    const before = this.#records;
    let tookMs = 0;
    while (!this.isFull && tookMs < sliceMs && this.#decideNext()) tookMs = this.out.monotonicMs() - startedMs;
    this.#workMs += tookMs;
    return this.#records > before;
  }

  seal(): DecidedBatch {
    return seal(this.state, this.#draft, this.#seed, this.out);
  }

  /** false when there is nothing to decide now. */
  #decideNext(): boolean {
    const { state, feed, context, out } = this;
    if (firstDue(state.due, () => laneNow(state, context.nowMs))) {
      add(state, this.#draft, decide(state, { kind: 'tick' }, context));
      this.#records += 1;
      return true;
    }
    const next = feed.peek(isAhead(state, context.nowMs) ? CONTROLS : undefined);
    if (!next) return false;
    const bytes = next.record.value?.length ?? 0;
    if (this.#records > 0 && this.#inputBytes + bytes > INPUT_BYTES_MAX) {
      this.#isClosed = true;
      return false;
    }
    feed.take(next.topic);
    decideRecord(state, feed, context, this.#draft, next, out.topicName);
    if (this.#draft.rotated) this.#isClosed = true;
    this.#inputBytes += bytes;
    this.#records += 1;
    return true;
  }
}

function decideRecord(
  state: LaneState,
  feed: InputFeed,
  context: DecideContext,
  draft: Draft,
  { topic, record }: InputRecord,
  topicName: (name: string) => string,
): void {
  const inputKey = drawRandom(32);
  const decided = decide(state, { kind: 'record', topic, offset: record.offset, value: record.value, inputKey }, context);
  add(state, draft, decided, { record, inputKey });
  const { lane } = state.heads;
  decided.entries.forEach((entry, part) => {
    const { origin, index } = entry.statement.predicate;
    const key = part === 0 ? inputKey : drawRandom(32);
    const value = codecs.inputKey.encode({ origin, leafIndex: Number(index), key });
    draft.outgoing.push({ topic: topicName('input-keys'), partition: lane, key: Buffer.from(entryName(origin, index)), value });
    draft.inputKeyCount += 1;
    draft.outputBytes += INPUT_KEY_BYTES;
  });
  for (const name of erasedKeys(decided)) {
    draft.erased = true;
    draft.outgoing.push({ topic: topicName('input-keys'), partition: lane, key: Buffer.from(name), value: null });
    draft.inputKeyCount += 1;
    draft.outputBytes += INPUT_KEY_BYTES;
  }
  if (decided.deadLetter) draft.outgoing.push(deadLetter(state, decided, topic, record, topicName));
  if (decided.entries[0]?.kind === 'input.gap') {
    feed.follow('actions');
    feed.follow('outcomes');
  }
}

/**
 * Keys of `input-keys` that an input.erased destroys. In the same transaction as the entry: whoever reads the one on the ledger need not write
 * the other again. After the batch's own keys, so that what was decided in this very batch is erased as well.
 */
function erasedKeys({ entries }: Decided): string[] {
  return entries.flatMap(({ kind, statement: { predicate } }) => (kind === 'input.erased' ? erasedNames(predicate) : []));
}

function add(state: LaneState, draft: Draft, decided: Decided, from?: { record: KafkaRecord; inputKey: Uint8Array }): void {
  for (const entry of decided.entries) {
    evolve(state, entry, decided.facts);
    const input = inputOf(entry, from);
    draft.entries.push({ entry, inputForm: entry.inputForm, input });
    draft.traceparents.push(traceparentOf(from?.record));
    draft.outputBytes += entry.bytes.length + input.length + 512; // 512: routing copies, root, headers
    const { verdict, reasons } = entry.statement.predicate;
    if (entry.kind === 'key.rotated' && entry.statement.predicate['role'] === 'decider') draft.rotated = true;
    if (Array.isArray(reasons) && reasons.includes('DENY_EVALUATION_ERROR')) draft.engineFailed = true;
    draft.verdicts.push(typeof verdict === 'string' ? verdict : entry.kind);
  }
}

/** W3C trace context. A header is whatever its sender wrote: only this shape is passed on. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceparentOf(record: KafkaRecord | undefined): string | undefined {
  const value = record?.headers['traceparent'];
  return value !== undefined && TRACEPARENT.test(value) ? value : undefined;
}

function inputOf(entry: Entry, from: { record: KafkaRecord; inputKey: Uint8Array } | undefined): Uint8Array {
  const value = from?.record.value;
  if (!value || entry.inputForm === 'none') return new Uint8Array();
  return entry.inputForm === 'plain' ? value : sealInput(value, from.inputKey);
}

function deadLetter(
  state: LaneState,
  decided: Decided,
  topic: string,
  record: KafkaRecord,
  topicName: (name: string) => string,
): OutgoingRecord {
  const predicate = decided.entries[0]?.statement.predicate;
  if (typeof predicate?.['code'] !== 'string') throw new Error('a refusal has an entry');
  const { lane } = state.heads;
  const place = { origin: predicate.origin, leafIndex: Number(predicate.index), topic, partition: lane, offset: Number(record.offset) };
  const value = codecs.deadLetter.encode({ ...place, code: predicate['code'], bytes: record.value ?? new Uint8Array() });
  return { topic: topicName('dead-letters'), partition: lane, key: Buffer.from(systemTree(lane)), value };
}

function seal(state: LaneState, draft: Draft, deciderSeed: Uint8Array, { wire, topicName }: BatchOptions): DecidedBatch {
  const { values } = buildBatch(state.heads, draft.entries, deciderSeed, wire);
  const ledger = values.map((value, at): OutgoingRecord => {
    const { entry } = draft.entries[at] ?? {};
    if (!entry) throw new Error('a value for each entry');
    const { tenant, kind, actionId } = entry;
    const { origin, index, decidedAt } = entry.statement.predicate;
    const facts = { origin, tenant, leafIndex: Number(index), kind, actionId, decidedAt, traceparent: draft.traceparents[at] };
    return {
      topic: topicName('ledger'),
      partition: state.heads.lane,
      key: bufferOf(utf8(tenant)),
      value: bufferOf(value),
      headers: ceHeaders('ledger', facts),
    };
  });
  return {
    outgoing: [...ledger, ...draft.outgoing],
    entryCount: values.length,
    inputKeyCount: draft.inputKeyCount,
    lastRecord: values.at(-1) ?? new Uint8Array(),
    verdicts: draft.verdicts,
    erased: draft.erased,
    rotated: draft.rotated,
    engineFailed: draft.engineFailed,
  };
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
