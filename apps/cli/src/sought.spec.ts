import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Home, type KafkaRecord } from '#adapters';
import { sha256 } from '#crypto';
import { utf8 } from '#domain';
import { AttestedLane, readerOf } from '#testing';

import { type Seeking, soughtReceipt, withReceipts } from './sought.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-sought-'));
const home = Home.create(join(folder, 'data'), { name: 'ledger.example', lanes: 1, topicPrefix: '', nowMs: Date.now() });
const born = { birth: home.birth(), ledgerSeed: home.key('ledger'), deciderSeed: home.key('decider') };
let lane: AttestedLane;
beforeAll(() => {
  lane = new AttestedLane(born, ['acme', 'globex']).fill('acme', 3000).fill('globex', 3000).fill('acme', 2000);
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Ten receipts an answer at most. `fetched` counts records. */
function context(receipts: readonly KafkaRecord[]): { seeking: Seeking; fetched: () => number } {
  let count = 0;
  const inner = readerOf({ receipts });
  const reader: typeof inner = {
    ...inner,
    fetch: async (positions, options) => {
      const fetched = await inner.fetch(positions, options);
      return fetched.map((answer) => {
        const records = answer.records.slice(0, 10);
        count += records.length;
        return { ...answer, records, nextOffset: (records.at(-1)?.offset ?? answer.nextOffset - 1n) + 1n };
      });
    },
  };
  const seeking = { home, openReader: () => Promise.resolve(reader), progress: () => () => undefined };
  return { seeking, fetched: () => count };
}

describe('a receipt by its index', () => {
  it.each([0, 1, 2999, 3000, 4999, 5000])('is found and verified without reading the lane: %d', async (index) => {
    const { seeking, fetched } = context(lane.receipts);
    const { record, statement } = await soughtReceipt(seeking, 'acme', index);
    expect([record.leafIndex, record.tenant, statement.predicate.index]).toEqual([index, 'acme', String(index)]);
    expect(fetched()).toBeLessThan(4000);
  });

  it('is refused when there is none', async () => {
    await expect(soughtReceipt(context(lane.receipts).seeking, 'acme', 5001)).rejects.toThrow('no receipt for index 5001 of acme');
  });

  it('is refused when no log of the ledger signed it', async () => {
    const forged = new AttestedLane({ ...born, ledgerSeed: sha256(utf8('another')) }).fill('acme', 20);
    await expect(soughtReceipt(context(forged.receipts).seeking, 'acme', 7)).rejects.toThrow('no log of the ledger signed this receipt');
  });
});

it('receipts of a tenant from an offset on are its own, of the kind that is meant, each verified', async () => {
  const from = BigInt(lane.receipts.length - 50);
  const found = await withReceipts(context(lane.receipts).seeking, 'acme', (receipts) =>
    receipts.since(from, ({ record }) => record.actionId === 'action-1999'),
  );
  expect(found.map(({ record }) => record.leafIndex)).toEqual([5000]);
});
