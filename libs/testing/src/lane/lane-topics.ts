/** What a lane's topics hold, and what readers make of it. */
import { InputError, openInput, wire } from '#adapters';
import {
  emptyLane,
  evolveFacts,
  Findings,
  type InputTopic,
  INPUT_TOPICS,
  type InvariantResult,
  LaneChecker,
  type LaneState,
  type LedgerBirth,
  type LogKeys,
  notarise,
  type PolicyEngine,
  type Remainder,
  type ReplayInput,
  replayFacts,
  SealedBatches,
  type RestoredRange,
  type SealedBatch,
  type SealedEntry,
  statusOf,
} from '#domain';

export interface LaneTopics {
  readonly birth: LedgerBirth;
  readonly lane: number;
  readonly ledger: readonly Uint8Array[];
  /** By `<origin>\0<index>`. */
  readonly inputKeys: ReadonlyMap<string, Uint8Array>;
  readonly deadLetters: ReadonlyMap<string, Uint8Array>;
  /** Of each record of `ledger`, where a broker said it. */
  readonly appendedAtMs?: readonly number[];
  /** What an operator has signed of entries that were written again. */
  readonly restored?: readonly RestoredRange[];
}
export interface Attested {
  readonly receipts: readonly { readonly tenant: string; readonly proof: Uint8Array; readonly appendedAtMs?: number }[];
  readonly heads: readonly { readonly origin: string; readonly checkpoint: Uint8Array }[];
}
export interface Checked extends Remainder {
  readonly status: ReturnType<typeof statusOf>;
  readonly invariants: readonly InvariantResult[];
}

/** Reads the ledger from its record `from` on, into `state`. */
export function replayLane(topics: LaneTopics, state: LaneState, from: number): LaneState {
  const reader = new SealedBatches(state.heads, wire);
  for (const value of topics.ledger.slice(from)) {
    for (const sealed of reader.push(value)?.entries ?? []) {
      const { record, kind, statement, source } = sealed;
      const { value: input } = record.inputForm === 'none' ? { value: undefined } : inputOf(topics, sealed);
      evolveFacts(
        state,
        { tenant: record.tenant, kind, statement, bytes: record.entry, source },
        replayFacts(kind, input ?? undefined, wire, state),
      );
    }
  }
  return state;
}

/** Whole batches, each checked against everything before it. Throws LedgerBroken. */
export function readBatches({ birth, lane, ledger }: LaneTopics): SealedBatch[] {
  const reader = new SealedBatches(emptyLane(birth, lane).heads, wire);
  return ledger.flatMap((value) => reader.push(value) ?? []);
}

/** Everything the notary would publish. */
export function attest(topics: LaneTopics, keys: LogKeys): Attested {
  const notarised = readBatches(topics).map((batch) => notarise(batch, keys));
  return {
    receipts: notarised.flatMap(({ entries }) => entries.map(({ sealed, receipt }) => ({ tenant: sealed.record.tenant, proof: receipt }))),
    heads: notarised.flatMap(({ treeHeads }) => treeHeads.map(({ origin, checkpoint }) => ({ origin, checkpoint }))),
  };
}

/** The one checker over all of it. `inputs`: how many records each input topic holds, from offset 0. */
export async function checkLane(
  topics: LaneTopics,
  engine: PolicyEngine,
  { receipts, heads }: Attested,
  inputs?: Readonly<Record<InputTopic, number>>,
): Promise<Checked> {
  const findings = new Findings();
  const { birth, lane } = topics;
  const checker = new LaneChecker({
    ...{ birth, lane, wire, engine, findings },
    inputOf: (entry) => inputOf(topics, entry),
    prepare: () => Promise.resolve(),
  });
  checker.restored(topics.restored ?? []);
  for (const [at, value] of topics.ledger.entries()) await checker.record(value, topics.appendedAtMs?.[at]);
  for (const { tenant, proof, appendedAtMs } of receipts) checker.receipt(tenant, proof, appendedAtMs);
  for (const head of heads) checker.head(head);
  const holdings = INPUT_TOPICS.map((topic) => ({
    topic,
    logStart: 0n,
    offsets: Array.from({ length: inputs?.[topic] ?? 0 }, (_, at) => BigInt(at)),
  }));
  const remainder = checker.finish(inputs ? holdings : [], undefined);
  const invariants = findings.results();
  return { ...remainder, status: statusOf(invariants), invariants };
}

function inputOf({ inputKeys, deadLetters }: LaneTopics, { record, statement }: SealedEntry): ReplayInput {
  const name = `${statement.predicate.origin}\0${statement.predicate.index}`;
  const inputKey = inputKeys.get(name);
  if (record.inputForm === 'plain') return { value: record.input, inputKey };
  if (record.inputForm === 'none') return { value: deadLetters.get(name), inputKey };
  try {
    return { value: inputKey && openInput(record.input, inputKey), inputKey };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { value: undefined, inputKey: undefined };
  }
}
