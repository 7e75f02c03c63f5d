/**
 * The decision table through the whole pipeline: signed bytes on an input topic, decided, sealed, attested. What a verifier reads in a row's
 * receipt is what the row says, and the one checker finds the ledger valid.
 */
import { CedarEngine } from '#adapters';
import { originOf, parseStatement, verifyReceipt } from '#domain';
import { attest, type Attested, checkLane, type MemoryLane } from '#testing';
import { beforeAll, describe, expect, it } from 'vitest';

import { readRows, type Row, ROW_WINDOWS } from './decision-table.ts';
import { bundlesOf, standardDocument } from './row-bundles.ts';
import { decideRows } from './row-lane.ts';

const options = { engine: new CedarEngine(), bundles: bundlesOf(standardDocument) };
const all = readRows();
const expected = ({ line, verdict, reason }: Row): string => `line ${line}: ${verdict} ${reason}`;
const isDeniedByFreeze = ({ reason }: Row): boolean => reason === 'DENY_FROZEN' || reason === 'DENY_STOPPED';

/** What a verifier who has the logs' keys reads in the receipt of each row's decision. */
function receiptsSay({ parties, birth }: MemoryLane, { receipts }: Attested, rows: readonly Row[]): string[] {
  const said = new Map<string, string>();
  for (const { tenant, proof } of receipts) {
    const { logId, vkey } = parties.logOf(tenant);
    const { kind, statement } = parseStatement(verifyReceipt(proof, { origin: originOf(birth.ledger, logId), vkey }).entry);
    const { verdict, reasons } = statement.predicate as { verdict?: string; reasons?: string[] };
    if (kind === 'action.decided') said.set(statement.subject[0].name, `${verdict ?? ''} ${reasons?.join() ?? ''}`);
  }
  return rows.map(({ line }) => `line ${line}: ${said.get(`line-${line}`) ?? 'nothing'}`);
}

describe.each(ROW_WINDOWS)('the rows whose window is %s', (window) => {
  const rows = all.filter((row) => row.window === window);
  let lane: MemoryLane;
  let attested: Attested;
  beforeAll(() => {
    lane = decideRows(rows, options);
    attested = attest(lane, lane.parties.keys);
  }, 60_000); // some four hundred decisions and receipts

  it('are decided as they say, and their receipts verify', () => {
    expect(receiptsSay(lane, attested, rows)).toEqual(rows.map(expected));
  });
  it('leave a ledger that the one checker finds valid, to the last record', async () => {
    const { controls, actions, outcomes } = lane.inputs;
    const counts = { controls: controls.length, actions: actions.length, outcomes: outcomes.length };
    const checked = await checkLane(lane, new CedarEngine(), attested, counts);
    expect(checked.invariants.filter(({ status }) => status !== 'holds')).toEqual([]);
    expect(checked).toMatchObject({ pending: 0, unreplayable: 0, headsAhead: 0, receipts: lane.entries.length });
  });
});

describe('a decider that never looks at freezes', () => {
  it('turns red every row that one denies, and the one checker convicts it', async () => {
    const rows = all.filter(({ window, freezes }) => window === 'any' && freezes.length > 0);
    const lane = decideRows(rows, { ...options, isForgetful: true });
    const attested = attest(lane, lane.parties.keys);
    const said = receiptsSay(lane, attested, rows);
    expect(rows.filter((row, at) => said[at] !== expected(row))).toEqual(rows.filter(isDeniedByFreeze));
    const { status, invariants } = await checkLane(lane, new CedarEngine(), attested);
    expect([status, invariants.find((each) => each.status === 'violated')?.id]).toEqual(['invalid', 'I7']);
  });
});
