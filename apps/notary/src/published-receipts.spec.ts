import { describe, expect, it } from 'vitest';

import { codecs, wire } from '#adapters';
import { emptyHeads, LogKeys, notarise, SealedBatches } from '#domain';
import { type MadeBatch, SealedLedger } from '#testing';

import { PublishedReceipts } from './published-receipts.ts';

const SYSTEM = 0;

/** What a notary with these keys publishes on `receipts` of the lane: 1 of its genesis, 2 of the tenant, 3 actions. */
function published(lane = 0, tenant = 'acme'): { ledger: SealedLedger; values: Uint8Array[] } {
  const ledger = new SealedLedger(lane);
  const actions = [0, 1, 2].map((at) => [ledger.decided(tenant, `action-${at}`)]);
  // A tenant must be there before an action of it can be made.
  const made = [ledger.genesis(), ledger.tenant(tenant), ledger.batch(actions)];
  return { ledger, values: receiptsOf(ledger, made) };
}

function receiptsOf(ledger: SealedLedger, made: readonly MadeBatch[]): Uint8Array[] {
  const batches = new SealedBatches(emptyHeads(ledger.birth, ledger.lane), wire);
  const sealed = made.flatMap(({ values }) => values.flatMap((value) => batches.push(value) ?? []));
  return sealed.flatMap((batch) =>
    notarise(batch, ledger.keys).entries.map(({ sealed: { record, statement }, origin, leafIndex, receipt }) =>
      codecs.receipt.encode({
        ...{ tenant: record.tenant, origin, leafIndex, treeSize: leafIndex + 1, actionId: '' },
        ...{ kind: statement.predicateType, proof: receipt },
      }),
    ),
  );
}

function count(values: readonly (Uint8Array | null)[]): [count: number, ignored: number] {
  const { ledger } = published();
  const receipts = new PublishedReceipts({ lane: 0, keys: ledger.keys, system: ledger.birth.systemLogs[SYSTEM] ?? { origin: '' } });
  for (const value of values) receipts.push(value);
  return [receipts.count, receipts.ignored];
}

describe('receipts that were published before', () => {
  const { values } = published();

  it('are counted, each of them', () => {
    expect(count(values)).toEqual([6, 0]);
  });

  it.each([
    ['nothing', null],
    ['bytes that are no record', Buffer.from('hello')],
    ['a copy of one that is there', values[0] ?? null],
    ['one that comes before its turn', values[5] ?? null],
    ['one of another lane', published(1, 'globex').values[0] ?? null],
  ])('do not include %s', (_, hostile) => {
    expect(count([...values.slice(0, 3), hostile, ...values.slice(3)])).toEqual([6, 1]);
  });

  it('do not include what other keys signed, or what was changed', () => {
    const { ledger } = published();
    const system = ledger.birth.systemLogs[SYSTEM] ?? { origin: '' };
    const stranger = new PublishedReceipts({ lane: 0, keys: new LogKeys(ledger.keys.ledger, new Uint8Array(32)), system });
    for (const value of values) stranger.push(value);
    expect([stranger.count, stranger.ignored]).toEqual([0, 6]);
    const [first] = values;
    const receipt = codecs.receipt.decode(first ?? new Uint8Array());
    const proof = Uint8Array.from(receipt.proof);
    const at = proof.length - 10;
    proof[at] = (proof[at] ?? 0) ^ 1;
    expect(count([codecs.receipt.encode({ ...receipt, proof })])).toEqual([0, 1]);
  });
});
