import { checkLaneLog, codecs, type KafkaRecord, wire } from '#adapters';
import {
  emptyHeads,
  equalBytes,
  erasedNames as namesIn,
  formatTime,
  type LedgerReport,
  notarise,
  parseStatement,
  SealedBatches,
  VERDICT_OF,
} from '#domain';

import { FakeEngine } from '../policy/fake-engine.ts';
import type { SimulatedInputs } from './inputs.ts';
import { lifecycleFaults } from './lifecycle.ts';
import type { ToldEntry } from './told-entry.ts';
import { memoryLaneLog, type Network } from './memory-log.ts';
import type { SimulatedWorld } from './world.ts';

/** Answers at once. */
export const atOnce: Network = {
  ask: (_, request) => {
    try {
      return Promise.resolve(request());
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  },
  cut: (available) => available,
};

/** It takes as long as the rest of the checker, which has verified each receipt already. */
const ATTESTED_AGAIN_ONE_IN = 8;
/** Unit ms. A decider that is idle looks at the clock more often. */
const DUE_WITHIN_MS = 1000;
const INVARIANTS_THAT_HOLD = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I11'];

export interface Examined {
  readonly report: LedgerReport;
  readonly faults: string[];
  /** What the ledger says, in order. */
  readonly entries: readonly ToldEntry[];
}

/** The one checker over what a history left behind, and the receipts made again. What is wrong, in words; nothing when it is sound. */
export async function examine(world: SimulatedWorld, { parties }: SimulatedInputs): Promise<Examined> {
  const { birth } = parties;
  const ledger = {
    birth,
    topicPrefix: '',
    laneLog: memoryLaneLog(world.broker, atOnce),
    engine: new FakeEngine(),
    checkBundle: noRefusals,
  };
  const report = await checkLaneLog(ledger, { acks: world.acks, settled: true });
  const faults = report.invariants
    .filter(({ id, status }) => INVARIANTS_THAT_HOLD.includes(id) && status !== 'holds')
    .map(({ id, status, notes }) => `${id} ${status}: ${notes.join('; ')}`);
  if (report.pending !== 0 || report.receipts !== report.entries)
    faults.push(`${report.pending} pending, ${report.receipts} receipts of ${report.entries} entries`);
  const entries = entriesOf(world);
  faults.push(...lifecycleFaults(entries, formatTime(world.scheduler.nowMs - DUE_WITHIN_MS)));
  const erased = erasedNames(entries);
  faults.push(...keysLeft(world, erased).map((name) => `the key of ${name} is still there, and was erased`));
  if (world.choices.chance(1 / ATTESTED_AGAIN_ONE_IN)) faults.push(...attestedAgain(world, parties, erased));
  return { report, faults, entries };
}

export const noRefusals = (): Promise<readonly string[]> => Promise.resolve([]);

/** Receipts and verdicts that a notary makes of this ledger which has never heard of any other: the same bytes, each once. */
function attestedAgain(world: SimulatedWorld, { birth, keys }: SimulatedInputs['parties'], erased: ReadonlySet<string>): string[] {
  const read = (topic: string): Uint8Array[] => recordsOf(world, topic).map(({ value }) => value ?? new Uint8Array());
  const batches = new SealedBatches(emptyHeads(birth, 0), wire);
  const entries = read('ledger').flatMap((value) => {
    const batch = batches.push(value);
    return batch ? notarise(batch, keys).entries : [];
  });
  const receipts = read('receipts').map((value) => codecs.receipt.decode(value).proof);
  const verdicts = read('verdicts').map((value) => codecs.verdict.decode(value));
  const mayLack = ({ kind, origin, leafIndex }: (typeof verdicts)[number]): boolean =>
    !PROPOSED.includes(kind) || erased.has(`${origin}\0${leafIndex}`);
  const withoutProposal = verdicts.filter((verdict) => verdict.proposal === null && !mayLack(verdict));
  const wanted = entries.filter(({ sealed: { kind } }) => VERDICTS.includes(kind) || VERDICT_OF[kind] !== undefined);
  return [
    ...compare('receipt', entries, receipts),
    ...compare(
      'verdict',
      wanted,
      verdicts.map(({ receipt }) => receipt),
    ),
    ...withoutProposal.map(({ leafIndex }) => `the verdict on leaf ${leafIndex} has no proposal`),
  ];
}

const recordsOf = ({ broker }: SimulatedWorld, topic: string): readonly KafkaRecord[] =>
  broker.partition({ topic, partition: 0 }).read(0n, Infinity, 'committed').records;

const entriesOf = (world: SimulatedWorld): ToldEntry[] =>
  recordsOf(world, 'ledger').map(({ value }) => {
    const { entry, tenant } = wire.decodeRecord(value ?? new Uint8Array());
    const { kind, statement } = parseStatement(entry);
    return { tenant, kind, predicate: statement.predicate };
  });

/** Of what an input.erased of the ledger names: `<origin>\0<index>`. */
const erasedNames = (entries: readonly ToldEntry[]): Set<string> =>
  new Set(entries.filter(({ kind }) => kind === 'input.erased').flatMap(({ predicate }) => namesIn(predicate)));

/** Those of `names` whose latest record on `input-keys` is no tombstone. */
function keysLeft(world: SimulatedWorld, names: ReadonlySet<string>): string[] {
  const left = new Map<string, boolean>();
  for (const { key, value } of recordsOf(world, 'input-keys')) left.set(key?.toString() ?? '', value !== null);
  return [...names].filter((name) => left.get(name) !== false);
}

/** Made from a proposal, which comes with the verdict. */
const PROPOSED: readonly string[] = ['action.decided', 'action.repeated'];
const VERDICTS = [...PROPOSED, 'escalation.settled'];

function compare(what: string, wanted: readonly { receipt: Uint8Array }[], found: readonly Uint8Array[]): string[] {
  if (wanted.length !== found.length) return [`${found.length} ${what}s, ${wanted.length} expected`];
  return wanted.flatMap(({ receipt }, at) => (equalBytes(receipt, found[at] ?? new Uint8Array()) ? [] : [`${what} ${at} has other bytes`]));
}
