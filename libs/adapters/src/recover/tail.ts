/** The lost end of a lane's ledger, made again from what was attested of it and from the inputs. */
import {
  allTrees,
  type BatchEntry,
  buildBatch,
  decide,
  type Decided,
  digestWith,
  emptyLane,
  entryName,
  equalBytes,
  evolve,
  evolveFacts,
  type Input,
  type LaneState,
  NOT_JUDGED_DETAIL,
  NOTHING_VOIDED,
  parseStatement,
  parseTime,
  type PolicyEngine,
  type RestoredRange,
  type SealedBatch,
  type Statement,
  systemTree,
  unjudging,
  utf8,
} from '#domain';

import { BundleGate } from '../cedar/bundle-gate.ts';
import { sealInput } from '../home/input-crypto.ts';
import type { OutgoingRecord } from '../kafka/record-batch.ts';
import { readToEnd } from '../kafka/read-to-end.ts';
import type { KafkaRecord } from '../kafka/records.ts';
import { codecs } from '../wire/codec.ts';
import { ceHeaders } from '../wire/headers.ts';
import { entryFacts } from './entry-facts.ts';
import { findForeign, type Foreign, type LaneToRecover, RecoverError } from './foreign.ts';
import type { HeldEntries } from './held-receipts.ts';

export interface TailOptions extends LaneToRecover {
  readonly engine: PolicyEngine;
  /** Exact bytes of every entry that has a verified receipt, in the lane's order. */
  readonly attested: readonly Uint8Array[];
  /** Of receipts that people hold, and `receipts` may have lost. */
  readonly held?: HeldEntries;
  /** People have found that what was attested is the true history: batches that contradict it are left out, with all that follows them. */
  readonly isLedgerFalse?: boolean;
  readonly deciderSeed: Uint8Array;
  readonly checkBundle?: (documentBytes: Uint8Array) => Promise<readonly string[]>;
}
/** One input record's entries, or those of one tick, sealed as a batch: every size that was ever signed is the end of one. */
export interface Remade {
  readonly records: readonly OutgoingRecord[];
  /** How many of the records are entries: the others are input keys. */
  readonly entries: number;
  /** The lane's sequence that it leads to. */
  readonly laneSeq: number;
}
/** Entries that receipts on Kafka do not date: `digest` is over their bytes in order. */
export type Undated = Pick<RestoredRange, 'lane' | 'from' | 'to' | 'digest'>;
export interface Recovery extends Foreign {
  /** Entries that the ledger holds, and that receipts prove beyond them. */
  readonly held: number;
  readonly tail: readonly Remade[];
  /** Of the tail; undefined where `receipts` holds all of it. To be signed before it is written. */
  readonly undated: Undated | undefined;
}

/**
 * What keeps a lane from going on. Entries that receipts prove and the ledger has lost are decided again: the same inputs, times and input keys give
 * the same bytes, and each is compared with the receipt's own. Trees consist of entries alone, so the roots that were signed come out
 * again. Throws RecoverError NOT_AGAIN where they do not, FORKED where the ledger holds another entry than was attested.
 */
export async function examineLane(options: TailOptions): Promise<Recovery> {
  const { reader, birth, lane, topicName, wire, engine, attested, held = NOTHING_HELD } = options;
  const signal = new AbortController().signal;
  const keys = new Map<string, Uint8Array>();
  /** Also those that a false history has written over, while the topic still holds them. */
  const allKeys = new Map<string, Uint8Array[]>();
  const addKey = ({ key, value }: KafkaRecord): void => {
    const name = key?.toString() ?? '';
    if (value === null) {
      keys.delete(name);
      allKeys.delete(name);
      return;
    }
    const decoded = codecs.inputKey.decode(value).key;
    keys.set(name, decoded);
    allKeys.set(name, [decoded, ...(allKeys.get(name) ?? [])]);
  };
  await readToEnd(reader, { topic: topicName('input-keys'), partition: lane }, addKey, signal);
  const state = emptyLane(birth, lane);
  let seq = 0;
  const isFalse = ({ firstSeq, entries }: SealedBatch): boolean =>
    entries.some(({ record, statement }, at) => isContradicted(record.entry, [attested[firstSeq + at], heldOf(held, statement)]));
  const place = options.isLedgerFalse === true ? { ...options, isFalse } : options;
  const foreign = await findForeign(place, state.heads, (batch) => {
    if (isFalse(batch)) throw forked(batch, lane);
    for (const entry of batch.entries) {
      seq += 1;
      const { tenant, entry: bytes } = entry.record;
      const { kind, statement, source } = entry;
      evolveFacts(state, { tenant, kind, statement, bytes, source }, entryFacts(entry, keys, wire, state));
    }
  });
  const gate = new BundleGate(engine, wire, () => undefined, options.checkBundle);
  const remake = new Remake(options, state, gate, allKeys);
  const tail: Remade[] = [];
  for (const group of groupsOf(attested.slice(seq))) tail.push(await remake.group(group));
  const dated = state.heads.nextSeq;
  const proved = await remake.held(held);
  tail.push(...proved);
  return { ...foreign, held: seq, tail, undated: undatedOf(options, dated, proved) };
}

function undatedOf({ lane, wire }: TailOptions, firstSeq: number, proved: readonly Remade[]): Undated | undefined {
  const records = proved.flatMap((each) => each.records.slice(0, each.entries));
  if (records.length === 0) return undefined;
  const entries = records.map(({ value }) => wire.decodeRecord(value ?? new Uint8Array()).entry);
  const digest = entries.reduce((sofar, entry) => digestWith(sofar, entry), NOTHING_VOIDED);
  return { lane, from: BigInt(firstSeq), to: BigInt(firstSeq + records.length), digest };
}

const NOTHING_HELD: HeldEntries = new Map();
const heldOf = (held: HeldEntries, { predicate: { origin, index } }: Statement): Uint8Array | undefined =>
  held.get(entryName(origin, index));
const isContradicted = (entry: Uint8Array, attested: readonly (Uint8Array | undefined)[]): boolean =>
  attested.some((bytes) => bytes !== undefined && !equalBytes(bytes, entry));

function forked({ entries: [first], firstSeq }: SealedBatch, lane: number): RecoverError {
  const { origin, index } = first?.statement.predicate ?? { origin: `lane ${lane}`, index: firstSeq };
  const what = `${origin}, the batch at index ${index}: the ledger holds another entry than its receipt proves`;
  return new RecoverError(
    'FORKED',
    `${what}. One of the two is false: docs/runbooks/forked.md says how people find out which, and what to do then`,
  );
}

/** Parts made from one input. */
function groupsOf(entries: readonly Uint8Array[]): Uint8Array[][] {
  const groups: Uint8Array[][] = [];
  for (const entry of entries) {
    if (parseStatement(entry).statement.predicate.source.part === 0) groups.push([entry]);
    else groups.at(-1)?.push(entry);
  }
  return groups;
}

class Remake {
  constructor(
    private readonly options: TailOptions,
    private readonly state: LaneState,
    private readonly gate: BundleGate,
    /** Newest first, by `<origin>\0<index>`. */
    private readonly keys: ReadonlyMap<string, readonly Uint8Array[]>,
  ) {}

  /** Parts of one input, in the lane's order. */
  async group(entries: readonly Uint8Array[]): Promise<Remade> {
    const statements = entries.map((entry) => parseStatement(entry).statement);
    const [first] = statements;
    if (!first) throw new Error('a group has an entry');
    const nowMs = Math.min(...statements.map(({ predicate }) => parseTime(predicate.decidedAt)));
    return this.#again(
      { first, nowMs, keyed: first.predicate },
      (decided) =>
        decided.length === entries.length && decided.every(({ bytes }, at) => equalBytes(bytes, entries[at] ?? bytes.subarray(1))),
    );
  }

  /**
   * The next entry of any tree, where a held receipt proves it, the oldest first, until none proves the next of any. Parts of one input are one
   * batch, so a part without a receipt comes with its others. Entries of one millisecond are tried one after the other.
   */
  async held(held: HeldEntries): Promise<Remade[]> {
    const { heads } = this.state;
    const made: Remade[] = [];
    const system = systemTree(heads.lane);
    for (;;) {
      const next = [...heads.trees.values()].flatMap(({ origin, range }) => {
        const entry = held.get(entryName(origin, range.size));
        if (!entry) return [];
        const first = parseStatement(entry).statement;
        const { source, decidedAt } = first.predicate;
        // The first part of a control is in the lane's own tree.
        const tree = heads.trees.get(system);
        const keyed = source.part === 0 || !tree ? first.predicate : { origin: tree.origin, index: String(tree.range.size) };
        return [{ first, nowMs: parseTime(decidedAt), keyed }];
      });
      // Of one batch, which has one time, controls were decided first.
      const [oldest, ...others] = next.sort((a, b) => a.nowMs - b.nowMs || Number(isControl(b)) - Number(isControl(a)));
      if (!oldest) break;
      const isHeld = (decided: Decided['entries']): boolean =>
        decided.some(({ statement }) => heldOf(held, statement) !== undefined) &&
        decided.every(({ statement, bytes }) => equalBytes(heldOf(held, statement) ?? bytes, bytes));
      made.push(await this.#firstOf([oldest, ...others.filter(({ nowMs }) => nowMs === oldest.nowMs)], isHeld));
    }
    refuseLeft(held, heads);
    return made;
  }

  async #firstOf(ways: readonly [Way, ...Way[]], isSame: (entries: Decided['entries']) => boolean): Promise<Remade> {
    let fault: unknown;
    for (const way of ways) {
      try {
        return await this.#again(way, isSame);
      } catch (error) {
        if (!(error instanceof RecoverError)) throw error;
        fault ??= error;
      }
    }
    throw fault;
  }

  /** Nothing is changed before what is decided is found to be the same. */
  async #again({ first, nowMs, keyed }: Way, isSame: (entries: Decided['entries']) => boolean): Promise<Remade> {
    const { state, gate } = this;
    const { birth, wire } = this.options;
    const engine = first.predicate['detail'] === NOT_JUDGED_DETAIL ? unjudging(gate) : gate;
    for (const input of await this.#inputs(first, keyed)) {
      if (input.kind === 'record' && input.topic === 'controls') await gate.prepare(state, input.value);
      const decided = decide(state, input, { nowMs, engine, wire, birth });
      if (!isSame(decided.entries)) continue;
      for (const entry of decided.entries) evolve(state, entry, decided.facts);
      return this.#sealed(decided, input);
    }
    throw notAgain(first, 'its input, decided again, gives another entry');
  }

  /** The next committed record of the topic that the entry names: with each key that was ever drawn for its place. */
  async #inputs(first: Statement, keyed: Way['keyed']): Promise<Input[]> {
    const { reader, lane, topicName } = this.options;
    const { source } = first.predicate;
    if (source.kind === 'tick') return [{ kind: 'tick' }];
    const keys = this.keys.get(entryName(keyed.origin, keyed.index));
    if (!keys) throw notAgain(first, 'its input key is gone, erased or expired');
    for (let offset = this.state.positions[source.topic].next; ;) {
      const [fetched] = await reader.fetch([{ topic: topicName(source.topic), partition: lane, offset }]);
      if (!fetched || fetched.error) throw notAgain(first, `offset ${offset} of ${source.topic} is gone`);
      const [record] = fetched.records;
      if (record) {
        const { offset: at, value } = record;
        return keys.map((inputKey) => ({ kind: 'record', topic: source.topic, offset: at, value, inputKey }));
      }
      if (fetched.nextOffset >= fetched.lastStableOffset) throw notAgain(first, `${source.topic} ends before offset ${fetched.nextOffset}`);
      offset = fetched.nextOffset;
    }
  }

  #sealed({ entries }: Decided, input: Input): Remade {
    const { state } = this;
    const { lane, topicName, deciderSeed, wire } = this.options;
    const value = input.kind === 'record' ? input.value : null;
    const parts = entries.map((entry): BatchEntry => {
      const { inputForm } = entry;
      if (!value || input.kind !== 'record' || inputForm === 'none') return { entry, inputForm, input: new Uint8Array() };
      return { entry, inputForm, input: inputForm === 'plain' ? value : sealInput(value, input.inputKey) };
    });
    const { values } = buildBatch(state.heads, parts, deciderSeed, wire);
    const records = values.map((bytes, at): OutgoingRecord => {
      const { tenant, kind, actionId, statement } = entries[at] ?? raise();
      const { origin, index, decidedAt } = statement.predicate;
      const headers = ceHeaders('ledger', { origin, tenant, leafIndex: Number(index), kind, actionId, decidedAt });
      return { topic: topicName('ledger'), partition: lane, key: Buffer.from(utf8(tenant)), value: Buffer.from(bytes), headers };
    });
    return { records: [...records, ...this.#keyAgain(entries, input)], entries: records.length, laneSeq: state.heads.nextSeq };
  }

  /** A false history may have written another key over this one. */
  #keyAgain([first]: Decided['entries'], input: Input): OutgoingRecord[] {
    const { lane, topicName } = this.options;
    if (input.kind !== 'record' || !first) return [];
    const { origin, index } = first.statement.predicate;
    const name = entryName(origin, index);
    const [newest] = this.keys.get(name) ?? [];
    if (newest && equalBytes(newest, input.inputKey)) return [];
    const value = codecs.inputKey.encode({ origin, leafIndex: Number(index), key: input.inputKey });
    return [{ topic: topicName('input-keys'), partition: lane, key: Buffer.from(name), value }];
  }
}

const isControl = ({ first: { predicate } }: Way): boolean => predicate.source.kind === 'record' && predicate.source.topic === 'controls';

/** One entry to be decided again. */
interface Way {
  readonly first: Statement;
  readonly nowMs: number;
  /** The place whose input key its input was sealed with. */
  readonly keyed: { readonly origin: string; readonly index: string };
}

/** A receipt that the trees never get to: one before it is missing. */
function refuseLeft(held: HeldEntries, heads: LaneState['heads']): void {
  const sizes = new Map(allTrees(heads).map(({ origin, range }) => [origin, range.size]));
  for (const name of held.keys()) {
    const [origin = '', index = ''] = name.split('\0');
    const size = sizes.get(origin) ?? 0;
    if (Number(index) < size) continue;
    throw new RecoverError(
      'NOT_AGAIN',
      `${origin} index ${index} is proved, and no receipt here proves index ${size} before it: its holder has it`,
    );
  }
}

const notAgain = ({ predicate: { origin, index } }: Statement, why: string): RecoverError =>
  new RecoverError('NOT_AGAIN', `${origin} index ${index} is attested, and the ledger has lost it: ${why}`);

function raise(): never {
  throw new Error('an entry for each value');
}
