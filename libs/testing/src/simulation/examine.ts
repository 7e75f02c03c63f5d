import { checkLaneLog, codecs, wire } from '#adapters';
import { emptyHeads, equalBytes, type LedgerReport, notarise, SealedBatches } from '#domain';

import { FakeEngine } from '../policy/fake-engine.ts';
import type { History } from './history.ts';
import type { SimulatedInputs } from './inputs.ts';
import type { Network } from './memory-log.ts';

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

const INVARIANTS_THAT_HOLD = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10'];

/** The one checker over what a history left behind, and the receipts made again. What is wrong, in words; nothing when it is sound. */
export async function examine(history: History, { parties }: SimulatedInputs): Promise<{ report: LedgerReport; faults: string[] }> {
  const { birth } = parties;
  const ledger = { birth, topicPrefix: '', laneLog: history.laneLog(atOnce), engine: new FakeEngine(), checkBundle: noRefusals };
  const report = await checkLaneLog(ledger, { acks: history.acks, settled: true });
  const faults = report.invariants
    .filter(({ id, status }) => INVARIANTS_THAT_HOLD.includes(id) && status !== 'holds')
    .map(({ id, status, notes }) => `${id} ${status}: ${notes.join('; ')}`);
  if (report.pending !== 0 || report.receipts !== report.entries)
    faults.push(`${report.pending} pending, ${report.receipts} receipts of ${report.entries} entries`);
  return { report, faults: [...faults, ...attestedAgain(history, parties)] };
}

export const noRefusals = (): Promise<readonly string[]> => Promise.resolve([]);

/** Receipts and verdicts that a notary makes of this ledger which has never heard of any other: the same bytes, each once. */
function attestedAgain({ broker }: History, { birth, keys }: SimulatedInputs['parties']): string[] {
  const read = (topic: string): Uint8Array[] =>
    broker
      .partition({ topic, partition: 0 })
      .read(0n, Infinity, 'committed')
      .records.map(({ value }) => value ?? new Uint8Array());
  const [system] = birth.systemLogs;
  if (!system) throw new Error('a lane has a system log');
  const batches = new SealedBatches(
    emptyHeads(birth.ledger, 0, system),
    birth.deciderKeys.map(({ publicKey }) => publicKey),
    wire,
  );
  const entries = read('ledger').flatMap((value) => {
    const batch = batches.push(value);
    return batch ? notarise(batch, keys).entries : [];
  });
  const receipts = read('receipts').map((value) => codecs.receipt.decode(value).proof);
  const verdicts = read('verdicts').map((value) => codecs.verdict.decode(value).receipt);
  const wanted = entries.filter(({ sealed: { kind } }) => VERDICTS.includes(kind));
  return [...compare('receipt', entries, receipts), ...compare('verdict', wanted, verdicts)];
}

const VERDICTS = ['action.decided', 'action.repeated', 'escalation.settled'];

function compare(what: string, wanted: readonly { receipt: Uint8Array }[], found: readonly Uint8Array[]): string[] {
  if (wanted.length !== found.length) return [`${found.length} ${what}s, ${wanted.length} expected`];
  return wanted.flatMap(({ receipt }, at) => (equalBytes(receipt, found[at] ?? new Uint8Array()) ? [] : [`${what} ${at} has other bytes`]));
}
