/** What must hold after any fault: the one checker's invariants, and each acknowledged input answered exactly once, with the same bytes. */
import { expect } from 'vitest';

import { checkLedger, codecs, type Home, type KafkaRecord, LaneReader, wire } from '#adapters';
import { emptyHeads, hex, LogKeys, notarise, SealedBatches } from '#domain';
import { sha256 } from '#crypto';

import { statusesOf } from '../support/expect-valid.ts';
import { client, readAll } from '../support/kafka.ts';
import type { Acked } from './load.ts';
import { placeAnswered, placeOf } from './receipt-watch.ts';
import type { Trial } from './trial.ts';

/** Nothing may be on its way any more. */
export async function expectSound(home: Home, brokers: readonly string[], acked: readonly Acked[], trial?: Trial): Promise<void> {
  const report = await checkLedger(home, brokers, { acks: acked, settled: true });
  trial?.record(report);
  const notes = report.invariants
    .filter(({ status }) => status !== 'not-applicable')
    .flatMap(({ id, notes }) => notes.map((note) => `${id}: ${note}`));
  expect(notes).toEqual([]);
  expect(statusesOf(report)).toEqual(HOLDING);
  expect(report).toMatchObject({ status: 'valid', pending: 0, receipts: report.entries });
  expect(report.invariants.find(({ id }) => id === 'I6')?.checked).toBe(acked.length);
  const reader = await LaneReader.open(client(brokers));
  try {
    for (let lane = 0; lane < home.config.lanes; lane++) await expectLaneAnswered(home, reader, lane, acked);
  } finally {
    await reader.close();
  }
}

const HOLDING = {
  ...{ I1: 'holds', I2: 'holds', I3: 'holds', I4: 'holds', I5: 'holds', I6: 'holds', I7: 'holds' },
  ...{ I8: 'not-applicable', I9: 'not-applicable', I10: 'holds', I11: 'holds' },
};

async function expectLaneAnswered(home: Home, reader: LaneReader, lane: number, acked: readonly Acked[]): Promise<void> {
  const read = (topic: string): Promise<KafkaRecord[]> => readAll(reader, home.topic(topic), lane);
  const records = await read('receipts');
  const receipts = records.map(({ value }) => codecs.receipt.decode(value ?? Buffer.of()).proof);
  const verdicts = (await read('verdicts')).map((record) => placeAnswered(record, (bytes) => codecs.verdict.decode(bytes).receipt));
  const mine = acked.filter(({ partition }) => partition === lane);
  const places = mine.map(({ partition, offset }) => placeOf(partition, offset));
  const asked = mine.filter(({ isProposal }) => isProposal).map(({ partition, offset }) => placeOf(partition, offset));
  expect(
    answeredOtherThanOnce(
      places,
      records.map((record) => placeAnswered(record)),
    ),
    `receipts on lane ${lane}`,
  ).toEqual([]);
  expect(answeredOtherThanOnce(asked, verdicts), `verdicts on lane ${lane}`).toEqual([]);
  expect(answeredAsAnother(mine, records), `receipts on lane ${lane} of another action than was acknowledged`).toEqual([]);
  const again = madeAgain(home, lane, await read('ledger'));
  expect(receipts.map(digest), `receipts of lane ${lane}, made again from genesis`).toEqual(again.map(digest));
}

/** Of `places`, those with no answer or several. */
function answeredOtherThanOnce(places: readonly string[], answered: readonly (string | undefined)[]): string[] {
  const counts = new Map<string, number>();
  for (const place of answered) if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
  return places.filter((place) => counts.get(place) !== 1);
}

/** Inputs whose place holds another one: acknowledged before they were appended, they are lost although their place has its receipt. */
function answeredAsAnother(acked: readonly Acked[], records: readonly KafkaRecord[]): Acked[] {
  const ids = new Map<string, string>();
  for (const record of records) {
    const place = placeAnswered(record);
    if (place !== undefined) ids.set(place, codecs.receipt.decode(record.value ?? Buffer.of()).actionId);
  }
  return acked.filter(({ id, partition, offset }) => id !== undefined && ids.get(placeOf(partition, offset)) !== id);
}

/** The receipts that a notary makes of this ledger, which has never heard of any other. */
function madeAgain(home: Home, lane: number, ledger: readonly KafkaRecord[]): Uint8Array[] {
  const birth = home.birth();
  const batches = new SealedBatches(emptyHeads(birth, lane), wire);
  const keys = new LogKeys(birth.ledger, ...home.ledgerSeeds());
  return ledger.flatMap(({ value }) => {
    const batch = batches.push(value);
    return batch ? notarise(batch, keys).entries.map(({ receipt }) => receipt) : [];
  });
}

const digest = (bytes: Uint8Array): string => hex(sha256(bytes));
