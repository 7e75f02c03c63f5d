/** Plays what is not on the ledger yet, then checks all of it: verdict and reason exactly, receipt verified offline. */
import {
  type CheckedReceipt,
  type Home,
  LaneReceipts,
  PlainWriter,
  publishControls,
  receiptOfSent,
  recordApproval,
  textOf,
} from '#adapters';
import { laneOf, parseTime, permitOf } from '#domain';

import { say, step } from '../say.ts';
import { act, worlds } from './act.ts';
import { answers, judge, type Row } from './expect.ts';
import { partiesOf, recordOf } from './propose.ts';
import { PRODUCTION, PROOFS, proofOf } from './proofs.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { printProofs, printTable, type ProofRow } from './table.ts';

/** Unit ms, from proposal to receipt. Milliseconds on a good day; a broker that recovers takes seconds. */
const RECEIPT_MAX_MS = 30_000;
const TENANT = 'acme';

/** True when every expectation held. `must`: also on a ledger that somebody has used before the tour was played. */
export async function runTour(home: Home, brokers: readonly string[], must: boolean): Promise<boolean> {
  const receipts = await LaneReceipts.open(home, brokers, laneOf(TENANT, home.config.lanes));
  const writer = PlainWriter.open({ brokers, clientId: 'countersign-tour' });
  try {
    await step('reading the receipts', () => receipts.catchUp());
    const script = scenarios(partiesOf(home, Date.now()));
    const played = script.filter((scenario) => receipts.all.some((receipt) => answers(scenario, receipt)));
    const used = receipts.all.some(({ kind }) => kind === 'action.decided');
    if (used && !must && played.length < script.length) {
      say(`The ledger goes on: ${standing(receipts)}`);
      return true;
    }
    const goesOn = played.length === script.length;
    const rows: Row[] = [];
    for (const scenario of script) rows.push(await play(home, writer, receipts, scenario));
    if (goesOn) say(`The ledger goes on: ${standing(receipts)}`);
    const proofs = await prove(home, { brokers, writer }, receipts);
    if (!goesOn || must) {
      printTable(rows);
      printProofs(proofs);
    }
    return rows.every(({ fault }) => fault === undefined) && proofs.every(({ receipt }) => receipt !== undefined);
  } finally {
    await Promise.allSettled([receipts.close(), writer.close()]);
  }
}

/** Lets the executors act on what was allowed, unless they have, and finds the proof of each step. */
async function prove(
  home: Home,
  { brokers, writer }: { brokers: readonly string[]; writer: PlainWriter },
  receipts: LaneReceipts,
): Promise<ProofRow[]> {
  const proved = (): boolean => PROOFS.every((expected) => proofOf(expected, receipts.all) !== undefined);
  const trust = receipts.trustOf(TENANT);
  if (trust !== undefined && !proved() && mayBeClaimed(receipts)) {
    const deadline = performance.now() + RECEIPT_MAX_MS;
    const isOver = async (): Promise<boolean> => {
      await receipts.poll(200);
      return proved() || performance.now() > deadline;
    };
    await approve(home, writer, receipts);
    await step('letting the executors act', () => act({ home, brokers, tenant: TENANT, trust }, worlds(), isOver));
  }
  return PROOFS.map((expected) => {
    const { record } = proofOf(expected, receipts.all) ?? {};
    const receipt = record && `${record.tenant} ${record.leafIndex}`;
    return { about: expected.about, proof: expected.proof, receipt };
  });
}

/** An old ledger whose tour was cut off has permits that are over: there is nothing to wait for. */
const mayBeClaimed = ({ all }: LaneReceipts): boolean =>
  all.some(({ statement: { predicate } }) => {
    const permit = permitOf(predicate);
    return permit !== undefined && Date.now() < parseTime(permit.executeBy);
  });

/** One of the people answers what the production deploy waits for: neither the agent nor ana, for whom it acts. */
async function approve(home: Home, writer: PlainWriter, { all }: LaneReceipts): Promise<void> {
  const of = (kind: string): CheckedReceipt | undefined =>
    all.find((each) => each.kind === kind && each.statement.subject[0].name === PRODUCTION);
  const asked = of('action.decided');
  if (!asked || of('approval.recorded')) return;
  const { predicate } = asked.statement;
  const decided = { decision: Number(predicate.index), bindingDigest: textOf(predicate, 'bindingDigest') };
  await publishControls(home, writer, [recordApproval(home, { tenant: TENANT, ...decided, vote: 'approve', by: 'ben' })]);
}

async function play(home: Home, writer: PlainWriter, receipts: LaneReceipts, scenario: Scenario): Promise<Row> {
  let receipt = receipts.all.find((each) => answers(scenario, each));
  if (!receipt) {
    const record = recordOf(home, scenario, Date.now());
    const sinceReceipt = await receipts.end();
    const [sent] = await writer.send([record]);
    const place = { topic: 'actions' as const, partition: record.partition, offset: sent?.baseOffset ?? -1n };
    const asked = { ...place, value: record.value ?? new Uint8Array(), sinceReceipt };
    receipt = await step(`waiting for the receipt of: ${scenario.name}`, () => receiptOfSent(receipts, asked, RECEIPT_MAX_MS));
  }
  if (!receipt)
    return { name: scenario.name, verdict: '-', reason: '-', receipt: '-', fault: `no receipt within ${RECEIPT_MAX_MS / 1000} s` };
  return judge(scenario, receipt, receipts.all);
}

function standing({ all }: LaneReceipts): string {
  const last = all.findLast(({ record }) => record.tenant === TENANT);
  return `${all.length} entries on ${TENANT}'s lane, ${TENANT}'s tree stands at ${last?.record.treeSize ?? 0}, every receipt verified`;
}
