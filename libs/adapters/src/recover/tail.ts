/** The lost end of a lane's ledger, made again from what was attested of it and from the inputs. */
import {
  type BatchEntry,
  buildBatch,
  decide,
  type Decided,
  emptyLane,
  equalBytes,
  evolve,
  evolveFacts,
  type Input,
  type LaneState,
  NOT_JUDGED_DETAIL,
  parseStatement,
  parseTime,
  type PolicyEngine,
  type Statement,
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

export interface TailOptions extends LaneToRecover {
  readonly engine: PolicyEngine;
  /** Exact bytes of every entry that has a verified receipt, in the lane's order. */
  readonly attested: readonly Uint8Array[];
  readonly deciderSeed: Uint8Array;
  readonly checkBundle?: (documentBytes: Uint8Array) => Promise<readonly string[]>;
}
/** One input record's entries, or those of one tick, sealed as a batch: every size that was ever signed is the end of one. */
export interface Remade {
  readonly records: readonly OutgoingRecord[];
  /** The lane's sequence that it leads to. */
  readonly laneSeq: number;
}
export interface Recovery extends Foreign {
  /** Entries that the ledger holds, and that receipts prove beyond them. */
  readonly held: number;
  readonly tail: readonly Remade[];
}

/**
 * What keeps a lane from going on. Entries that receipts prove and the ledger has lost are decided again: the same inputs, times and input keys give
 * the same bytes, and each is compared with the receipt's own. Trees consist of entries alone, so the roots that were signed come out
 * again. Throws RecoverError NOT_AGAIN where they do not, FORKED where the ledger holds another entry than was attested.
 */
export async function examineLane(options: TailOptions): Promise<Recovery> {
  const { reader, birth, lane, topicName, wire, engine, attested } = options;
  const signal = new AbortController().signal;
  const keys = new Map<string, Uint8Array>();
  const addKey = ({ key, value }: KafkaRecord): void => {
    if (value === null) keys.delete(key?.toString() ?? '');
    else keys.set(key?.toString() ?? '', codecs.inputKey.decode(value).key);
  };
  await readToEnd(reader, { topic: topicName('input-keys'), partition: lane }, addKey, signal);
  const state = emptyLane(birth, lane);
  let seq = 0;
  const foreign = await findForeign(options, state.heads, ({ entries }) => {
    for (const entry of entries) {
      refuseFork(attested[seq], entry.record.entry, entry.statement);
      seq += 1;
      const { tenant, entry: bytes } = entry.record;
      const { kind, statement, source } = entry;
      evolveFacts(state, { tenant, kind, statement, bytes, source }, entryFacts(entry, keys, wire, state));
    }
  });
  const gate = new BundleGate(engine, wire, () => undefined, options.checkBundle);
  const remake = new Remake(options, state, gate, keys);
  const tail: Remade[] = [];
  for (const group of groupsOf(attested.slice(seq))) tail.push(await remake.group(group));
  return { ...foreign, held: seq, tail };
}

function refuseFork(attested: Uint8Array | undefined, entry: Uint8Array, { predicate: { origin, index } }: Statement): void {
  if (attested === undefined || equalBytes(attested, entry)) return;
  throw new RecoverError('FORKED', `${origin} index ${index}: the ledger holds another entry than its receipt proves`);
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
    private readonly keys: ReadonlyMap<string, Uint8Array>,
  ) {}

  async group(entries: readonly Uint8Array[]): Promise<Remade> {
    const { state, gate } = this;
    const { birth, wire } = this.options;
    const statements = entries.map((entry) => parseStatement(entry).statement);
    const [first] = statements;
    if (!first) throw new Error('a group has an entry');
    const { source } = first.predicate;
    const input = source.kind === 'tick' ? { kind: 'tick' as const } : await this.#input(first);
    if (input.kind === 'record' && input.topic === 'controls') await gate.prepare(state, input.value);
    const nowMs = Math.min(...statements.map(({ predicate }) => parseTime(predicate.decidedAt)));
    const engine = first.predicate['detail'] === NOT_JUDGED_DETAIL ? unjudging(gate) : gate;
    const decided = decide(state, input, { nowMs, engine, wire, birth });
    const isSame =
      decided.entries.length === entries.length &&
      decided.entries.every(({ bytes }, at) => equalBytes(bytes, entries[at] ?? bytes.subarray(1)));
    if (!isSame) throw notAgain(first, 'its input, decided again, gives another entry');
    for (const entry of decided.entries) evolve(state, entry, decided.facts);
    return this.#sealed(decided, input);
  }

  /** The next committed record of the topic that the entry names. */
  async #input(first: Statement): Promise<Extract<Input, { kind: 'record' }>> {
    const { reader, lane, topicName } = this.options;
    const { source, origin, index } = first.predicate;
    if (source.kind === 'tick') throw new Error('a tick has no input');
    const inputKey = this.keys.get(`${origin}\0${index}`);
    if (!inputKey) throw notAgain(first, 'its input key is gone, erased or expired');
    for (let offset = this.state.positions[source.topic].next; ;) {
      const [fetched] = await reader.fetch([{ topic: topicName(source.topic), partition: lane, offset }]);
      if (!fetched || fetched.error) throw notAgain(first, `offset ${offset} of ${source.topic} is gone`);
      const [record] = fetched.records;
      if (record) return { kind: 'record', topic: source.topic, offset: record.offset, value: record.value, inputKey };
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
    return { records, laneSeq: state.heads.nextSeq };
  }
}

const notAgain = ({ predicate: { origin, index } }: Statement, why: string): RecoverError =>
  new RecoverError('NOT_AGAIN', `${origin} index ${index} is attested, and the ledger has lost it: ${why}`);

function raise(): never {
  throw new Error('an entry for each value');
}
