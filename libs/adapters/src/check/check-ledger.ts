import {
  entryName,
  Findings,
  LaneChecker,
  INPUT_TOPICS,
  type InputTopic,
  statusOf,
  type Acknowledgement,
  type LedgerBirth,
  type LedgerReport,
  type PolicyEngine,
  type ReplayInput,
  type SealedEntry,
  type TopicHoldings,
} from '#domain';

import { BundleGate } from '../cedar/bundle-gate.ts';
import { CedarEngine } from '../cedar/engine.ts';
import type { Home } from '../home/home.ts';
import { openInput } from '../home/input-crypto.ts';
import { kafkaLaneLog, readToEnd, UnreadableBatch, type KafkaRecord, type LaneLog, type LogReader } from '../kafka/index.ts';
import { readSigned, Voids } from '../recover/ledger-batches.ts';
import { codecs, wire } from '../wire/codec.ts';

export interface CheckOptions {
  /** For I6; without it I6 is reported as not applicable. */
  readonly acks?: readonly Acknowledgement[];
  /** Nothing is being written: what is still to come is then missing. */
  readonly settled?: boolean;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

const PROGRESS_RECORDS = 5000;

/** Where a ledger is, and what its decisions are made again with. */
export interface LedgerToCheck {
  readonly birth: LedgerBirth;
  readonly topicPrefix: string;
  readonly laneLog: LaneLog;
  readonly engine: PolicyEngine;
  /** Reasons to refuse a candidate bundle, given its bytes. Default: compiles it in a process of its own. */
  readonly checkBundle?: (documentBytes: Uint8Array) => Promise<readonly string[]>;
}

interface Shared {
  readonly reader: LogReader;
  readonly gate: BundleGate;
  readonly findings: Findings;
}

/** Checks every lane of a ledger from genesis, reading nothing but its topics and the home's public configuration. */
export function checkLedger(home: Home, brokers: readonly string[], options: CheckOptions = {}): Promise<LedgerReport> {
  const laneLog = kafkaLaneLog({ brokers, clientId: 'countersign-check' });
  const { topicPrefix } = home.config;
  return checkLaneLog({ birth: home.birth(), topicPrefix, laneLog, engine: new CedarEngine() }, options);
}

export async function checkLaneLog(ledger: LedgerToCheck, options: CheckOptions = {}): Promise<LedgerReport> {
  const { birth, laneLog, engine, checkBundle } = ledger;
  const findings = new Findings();
  const reader = await laneLog.openReader();
  const gate = new BundleGate(engine, wire, () => undefined, checkBundle); // one for all lanes: they meet the same bundles
  const sum = { entries: 0, receipts: 0, pending: 0, erased: 0, unreplayable: 0, headsAhead: 0 };
  try {
    for (let lane = 0; lane < birth.lanes; lane++) {
      const of = await checkLane(ledger, lane, { reader, gate, findings }, options);
      for (const name of ['entries', 'receipts', 'pending', 'erased', 'unreplayable', 'headsAhead'] as const) sum[name] += of[name];
    }
  } finally {
    await reader.close();
  }
  if (!options.acks) findings.notApplicable('I6', 'no list of acknowledgements was given');
  findings.notApplicable('I8', 'no views are kept yet');
  findings.notApplicable('I9', 'no views or packs are made yet');
  if (sum.unreplayable > 0)
    findings.unknown(
      'I7',
      `${sum.unreplayable} entries are unreplayable: their inputs have expired, do not open or are gone without an input.erased, or another engine decided them`,
    );
  if (options.settled === true && sum.pending > 0)
    findings.violated('I4', `${sum.pending} inputs or entries are still without decision or receipt`);
  if (options.settled === true && sum.headsAhead > 0)
    findings.violated('I1', `${sum.headsAhead} signed tree heads lie beyond the ledger's end: its tail is lost`);
  const { entries, receipts, pending, erased } = sum;
  const invariants = findings.results();
  return { status: statusOf(invariants), entries, receipts, pending, erased, invariants };
}

async function checkLane({ birth, topicPrefix }: LedgerToCheck, lane: number, shared: Shared, options: CheckOptions) {
  const { reader, gate, findings } = shared;
  const { signal = new AbortController().signal, onProgress = () => undefined } = options;
  const read = (topic: string, each: (record: KafkaRecord) => void | Promise<void>, to?: bigint, from?: bigint): Promise<bigint> => {
    let count = 0;
    const counted = (record: KafkaRecord): void | Promise<void> => {
      count += 1;
      if (count % PROGRESS_RECORDS === 0) onProgress(`lane ${lane}: ${count} records of ${topic}`);
      return each(record);
    };
    return readToEnd(
      reader,
      { topic: topicPrefix + topic, partition: lane, ...(to === undefined ? {} : { to }), ...(from === undefined ? {} : { from }) },
      counted,
      signal,
    );
  };
  const endOf = async (topic: string) => (await reader.endOffsets([{ topic: topicPrefix + topic, partition: lane }]))[0];
  // What follows from the ledger is cut off where it was before the ledger's own end was read, so that it cannot be ahead of it.
  const receiptsEnd = (await endOf('receipts'))?.highWatermark;
  const ledgerEnd = (await endOf('ledger'))?.highWatermark;
  const inputs = new Inputs();
  await read('input-keys', (record) => {
    inputs.key(record);
  });
  await read('dead-letters', (record) => {
    inputs.deadLetter(record);
  });
  const checker = new LaneChecker({
    ...{ birth, lane, wire, engine: gate, findings },
    inputOf: (entry) => inputs.of(entry),
    prepare: (state, value) => gate.prepare(state, value ?? null),
  });
  const signed = await readSigned(reader, { topic: `${topicPrefix}checkpoints`, lane, birth, wire }, signal);
  checker.restored(signed.restored);
  const voids = new Voids(signed.voids);
  for (const { from, to, why } of voids.ranges) findings.noted('I2', `lane ${lane}: ledger offsets ${from} to ${to - 1n} are void: ${why}`);
  await read('ledger', (record) => (isVoid(voids, record) ? undefined : checker.record(record.value, record.timestampMs)), ledgerEnd);
  await read(
    'receipts',
    ({ value, timestampMs }) => {
      const { tenant, proof } = decodeReceipt(value);
      checker.receipt(tenant, proof, timestampMs);
    },
    receiptsEnd,
  );
  await read('checkpoints', ({ value }) => {
    const head = decodeHead(value);
    if (head) checker.head(head);
  });
  /** What cannot be unpacked is passed: it is skipped, or an input.gap names it. */
  const readUntilBad = (from: bigint, topic: InputTopic, offsets: bigint[], to?: bigint): Promise<UnreadableBatch | undefined> =>
    read(topic, ({ offset }) => void offsets.push(offset), to, from).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof UnreadableBatch) return error;
        throw error;
      },
    );
  const holdings: TopicHoldings[] = [];
  for (const topic of INPUT_TOPICS) {
    const offsets: bigint[] = [];
    const ends = await endOf(topic);
    // Up to the readable end: what an open transaction holds back is not committed, and may never be.
    for (let from = ends?.start; from !== undefined;) {
      const bad = await readUntilBad(from, topic, offsets, ends?.lastStable);
      if (bad) findings.noted('I3', `${bad.message}: no decision can be made of it`);
      from = bad && bad.lastOffset + 1n;
    }
    holdings.push({ topic, logStart: ends?.start ?? 0n, offsets });
  }
  return { entries: checker.entries, ...checker.finish(holdings, options.acks) };
}

/** What stands where something else was declared void counts like any record, and does not fit. */
function isVoid(voids: Voids, record: KafkaRecord): boolean {
  return decoded(() => voids.take(record)) ?? false;
}

/** undefined for what was not written by the decider: anyone with access may write here, and only the ledger's own entries speak. */
function decoded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Keys and refused bytes, by `<origin>\0<index>`. */
class Inputs {
  readonly #keys = new Map<string, Uint8Array>();
  readonly #refused = new Map<string, Uint8Array>();

  key({ key, value }: KafkaRecord): void {
    const name = key?.toString() ?? '';
    if (value === null) this.#keys.delete(name);
    else {
      const record = decoded(() => codecs.inputKey.decode(value));
      if (record) this.#keys.set(name, record.key);
    }
  }

  deadLetter({ value }: KafkaRecord): void {
    if (value === null) return;
    const letter = decoded(() => codecs.deadLetter.decode(value));
    if (letter) this.#refused.set(entryName(letter.origin, letter.leafIndex), letter.bytes);
  }

  of({ record, statement }: SealedEntry): ReplayInput {
    const name = entryName(statement.predicate.origin, statement.predicate.index);
    const inputKey = this.#keys.get(name);
    if (record.inputForm === 'plain') return { value: record.input, inputKey };
    if (record.inputForm === 'none') return { value: this.#refused.get(name), inputKey };
    return { value: inputKey && decoded(() => openInput(record.input, inputKey)), inputKey };
  }
}

function decodeReceipt(value: Buffer | null): { tenant: string; proof: Uint8Array } {
  try {
    const { tenant, proof } = codecs.receipt.decode(value ?? Buffer.alloc(0));
    return { tenant, proof };
  } catch {
    return { tenant: '(not a receipt)', proof: new Uint8Array() }; // the checker reports it
  }
}

function decodeHead(value: Buffer | null): { origin: string; checkpoint: Uint8Array } | undefined {
  try {
    return value ? codecs.treeHead.decode(value) : undefined;
  } catch {
    return undefined; // the notary's position, or noise
  }
}
